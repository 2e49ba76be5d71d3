/** The built-in schemes and layer quantizers. */
module dev.monoquant.schemes {
  requires transitive dev.monoquant.api;
  requires static com.google.auto.service;
  requires static org.jspecify;

  exports dev.monoquant.schemes;
  exports dev.monoquant.schemes.ggml;
  exports dev.monoquant.schemes.layers;

  provides dev.monoquant.spi.LayerQuantizer with
      dev.monoquant.schemes.layers.ConvQuantizer,
      dev.monoquant.schemes.layers.EmbeddingQuantizer,
      dev.monoquant.schemes.layers.LinearQuantizer,
      dev.monoquant.schemes.layers.RecurrentQuantizer;
  provides dev.monoquant.spi.Scheme with
      dev.monoquant.schemes.BFloat16Scheme,
      dev.monoquant.schemes.Float16Scheme,
      dev.monoquant.schemes.Fp8E5m2Scheme,
      dev.monoquant.schemes.Fp8Scheme,
      dev.monoquant.schemes.Int2Scheme,
      dev.monoquant.schemes.Int3Scheme,
      dev.monoquant.schemes.Int4Scheme,
      dev.monoquant.schemes.Int5Scheme,
      dev.monoquant.schemes.Int6Scheme,
      dev.monoquant.schemes.Int7Scheme,
      dev.monoquant.schemes.Int8Scheme,
      dev.monoquant.schemes.Mxfp4Scheme,
      dev.monoquant.schemes.Mxfp8Scheme,
      dev.monoquant.schemes.Nf4Scheme,
      dev.monoquant.schemes.Nvfp4Scheme,
      dev.monoquant.schemes.ggml.GgmlMxfp4Scheme,
      dev.monoquant.schemes.ggml.GgmlNvfp4Scheme,
      dev.monoquant.schemes.ggml.Iq4NlScheme,
      dev.monoquant.schemes.ggml.Iq4XsScheme,
      dev.monoquant.schemes.ggml.Q2KScheme,
      dev.monoquant.schemes.ggml.Q3KScheme,
      dev.monoquant.schemes.ggml.Q40Scheme,
      dev.monoquant.schemes.ggml.Q41Scheme,
      dev.monoquant.schemes.ggml.Q4KScheme,
      dev.monoquant.schemes.ggml.Q50Scheme,
      dev.monoquant.schemes.ggml.Q51Scheme,
      dev.monoquant.schemes.ggml.Q5KScheme,
      dev.monoquant.schemes.ggml.Q6KScheme,
      dev.monoquant.schemes.ggml.Q80Scheme;
}
