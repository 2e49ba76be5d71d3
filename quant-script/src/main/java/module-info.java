/** Parses and rewrites TorchScript programs. */
module dev.monoquant.script {
  requires transitive dev.monoquant.api;
  requires transitive dev.monoquant.files;
  requires static com.google.auto.service;
  requires static org.jspecify;

  exports dev.monoquant.script;

  provides dev.monoquant.spi.ScriptRunner with
      dev.monoquant.script.EngineScriptRunner;
}
