/** The command line application. */
module dev.monoquant.cli {
  requires com.google.gson;
  requires dev.monoquant.core;
  requires dev.monoquant.files;
  requires dev.monoquant.io;
  requires dev.monoquant.schemes;
  requires info.picocli;
  requires java.management;
  requires org.slf4j;
  requires org.snakeyaml.engine;
  requires static org.jspecify;

  opens dev.monoquant.cli to
      info.picocli;
}
