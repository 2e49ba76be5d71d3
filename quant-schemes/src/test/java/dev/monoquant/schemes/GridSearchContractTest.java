package dev.monoquant.schemes;

class GridSearchContractTest extends ProfileContract {

  GridSearchContractTest() {
    super(4, "compressed-tensors", "grid");
  }
}
