/** TorchScript as a language. */
module dev.monoquant.script {
  requires transitive dev.monoquant.api;
  requires transitive dev.monoquant.files;
  requires static org.jspecify;

  exports dev.monoquant.script;
}
