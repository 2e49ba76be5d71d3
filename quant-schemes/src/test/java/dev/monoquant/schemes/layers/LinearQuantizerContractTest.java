package dev.monoquant.schemes.layers;

import dev.monoquant.model.LayerKind;
import dev.monoquant.spi.LayerQuantizer;
import java.util.Set;

class LinearQuantizerContractTest implements LayerContract {
  @Override
  public LayerQuantizer subject() {
    return new LinearQuantizer();
  }

  @Override
  public Set<LayerKind> kinds() {
    return Set.of(LayerKind.LINEAR, LayerKind.CONV1D_TRANSPOSED, LayerKind.MULTIHEAD_ATTENTION);
  }
}
