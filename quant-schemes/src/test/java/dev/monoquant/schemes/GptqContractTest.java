package dev.monoquant.schemes;

import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.OptionValues;
import java.util.List;
import java.util.Map;

class GptqContractTest extends ProfileContract {

  GptqContractTest() {
    super(4, "compressed-tensors", "grid");
  }

  @Override
  public List<OptionValues> options(WeightMatrix rows) {
    return super.options(rows).stream().map(o -> o.with(Map.of("method", "gptq"))).toList();
  }
}
