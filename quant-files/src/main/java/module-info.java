/** Containers of model files and the output transaction, for authors of formats. */
module dev.monoquant.files {
  requires transitive dev.monoquant.api;
  requires com.google.gson;
  requires org.slf4j;
  requires static org.jspecify;

  exports dev.monoquant.files.gguf;
  exports dev.monoquant.files.input;
  exports dev.monoquant.files.json;
  exports dev.monoquant.files.manifest;
  exports dev.monoquant.files.model;
  exports dev.monoquant.files.output;
  exports dev.monoquant.files.pickle;
  exports dev.monoquant.files.remote;
  exports dev.monoquant.files.safetensors;
  exports dev.monoquant.files.torch;
  exports dev.monoquant.files.zip;
}
