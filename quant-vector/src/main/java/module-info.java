/** The kernels in vector instructions; exports nothing, found as a service. */
module dev.monoquant.vector {
  requires dev.monoquant.api;
  requires static com.google.auto.service;
  requires static jdk.incubator.vector;
  requires static org.jspecify;

  provides dev.monoquant.model.KernelProvider with
      dev.monoquant.vector.VectorKernelProvider;
}
