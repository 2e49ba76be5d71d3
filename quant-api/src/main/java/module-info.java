/** Values and the interfaces that plugins implement. */
module dev.monoquant.api {
  requires transitive ai.djl.api;
  requires static org.jspecify;

  exports dev.monoquant;
  exports dev.monoquant.layout;
  exports dev.monoquant.model;
  exports dev.monoquant.spi;
  exports dev.monoquant.tile;

  uses dev.monoquant.model.KernelProvider;
  uses dev.monoquant.spi.CalibrationReader;
  uses dev.monoquant.spi.GgufArchitecture;
  uses dev.monoquant.spi.InputFormatDetector;
  uses dev.monoquant.spi.LayerQuantizer;
  uses dev.monoquant.spi.OutputFormat;
  uses dev.monoquant.spi.RemoteStore;
  uses dev.monoquant.spi.ScaleMapping;
  uses dev.monoquant.spi.Scheme;
}
