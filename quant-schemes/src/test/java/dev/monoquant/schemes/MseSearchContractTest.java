package dev.monoquant.schemes;

class MseSearchContractTest extends ProfileContract {

  MseSearchContractTest() {
    super(4, "compressed-tensors", "mse");
  }
}
