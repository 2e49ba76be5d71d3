package dev.monoquant.schemes;

class GridSearchOfSignedScalesContractTest extends ProfileContract {

  GridSearchOfSignedScalesContractTest() {
    super(2, "onnxruntime", "grid");
  }

  @Override
  public boolean allowsZeroScales() {
    return true;
  }

  @Override
  public boolean roundsToEven() {
    return false;
  }
}
