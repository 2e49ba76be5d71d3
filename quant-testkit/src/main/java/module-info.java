/** A test kit for plugins of Mono Quant. */
module dev.monoquant.testkit {
  requires transitive dev.monoquant.api;
  requires java.management;
  requires jdk.httpserver;
  requires jdk.management;
  requires transitive net.jqwik.api;
  requires transitive org.opentest4j;
  requires static com.google.auto.service;
  requires static org.jspecify;

  exports dev.monoquant.testkit;
  exports dev.monoquant.testkit.contracts;
  exports dev.monoquant.testkit.data;
  exports dev.monoquant.testkit.fakes;
  exports dev.monoquant.testkit.laws;
  exports dev.monoquant.testkit.watch;

  uses dev.monoquant.spi.ScriptRunner;
}
