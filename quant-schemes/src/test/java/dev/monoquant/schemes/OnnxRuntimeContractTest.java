package dev.monoquant.schemes;

class OnnxRuntimeContractTest extends ProfileContract {

  OnnxRuntimeContractTest() {
    super(4, "onnxruntime", "none");
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
