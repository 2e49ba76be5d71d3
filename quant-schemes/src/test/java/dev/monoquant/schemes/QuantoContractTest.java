package dev.monoquant.schemes;

class QuantoContractTest extends ProfileContract {

  QuantoContractTest() {
    super(8, "quanto", "none");
  }

  @Override
  public boolean allowsZeroScales() {
    return true;
  }
}
