/** Levels learned by k-means. */
module com.example.kmeans {
  requires dev.monoquant.api;

  // On the module path, META-INF/services is ignored.
  provides dev.monoquant.spi.Scheme with
      com.example.kmeans.KMeans;
}
