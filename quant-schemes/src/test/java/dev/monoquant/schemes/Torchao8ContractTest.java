package dev.monoquant.schemes;

class Torchao8ContractTest extends ProfileContract {

  Torchao8ContractTest() {
    super(8, "torchao", "none");
  }
}
