/** The built-in schemes and layer quantizers. */
module dev.monoquant.schemes {
  requires transitive dev.monoquant.api;
  requires static com.google.auto.service;
  requires static org.jspecify;
}
