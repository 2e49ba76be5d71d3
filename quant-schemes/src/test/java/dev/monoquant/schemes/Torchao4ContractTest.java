package dev.monoquant.schemes;

class Torchao4ContractTest extends ProfileContract {

  Torchao4ContractTest() {
    super(4, "torchao", "none");
  }
}
