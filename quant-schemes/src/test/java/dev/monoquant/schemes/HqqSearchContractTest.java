package dev.monoquant.schemes;

class HqqSearchContractTest extends ProfileContract {

  HqqSearchContractTest() {
    super(4, "torchao", "hqq");
  }

  /** A zero point with a fraction has no code for zero. */
  @Override
  public boolean keepsZeros() {
    return false;
  }
}
