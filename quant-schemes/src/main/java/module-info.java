/** The built-in schemes and layer quantizers. */
module dev.monoquant.schemes {
  requires transitive dev.monoquant.api;
  requires static com.google.auto.service;
  requires static org.jspecify;

  exports dev.monoquant.schemes;

  provides dev.monoquant.spi.Scheme with
      dev.monoquant.schemes.Int8Scheme,
      dev.monoquant.schemes.Int4Scheme,
      dev.monoquant.schemes.Int3Scheme;
}
