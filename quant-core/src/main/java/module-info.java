/** Plans a quantization and runs it. */
module dev.monoquant.core {
  requires transitive dev.monoquant.api;
  requires dev.monoquant.files;
  requires com.google.gson;
  requires jdk.jfr;
  requires org.slf4j;
  requires static com.google.auto.service;
  requires static org.jspecify;

  exports dev.monoquant.core;
  exports dev.monoquant.core.control;
  exports dev.monoquant.core.foreign;
  exports dev.monoquant.core.hand;
  exports dev.monoquant.core.recipe;
  exports dev.monoquant.core.render;
  exports dev.monoquant.core.report;
  exports dev.monoquant.core.split;
}
