package dev.monoquant.schemes.layers;

import dev.monoquant.model.LayerKind;
import dev.monoquant.spi.LayerQuantizer;
import java.util.Set;

class ConvQuantizerContractTest implements LayerContract {
  @Override
  public LayerQuantizer subject() {
    return new ConvQuantizer();
  }

  @Override
  public Set<LayerKind> kinds() {
    return Set.of(
        LayerKind.CONV1D,
        LayerKind.CONV2D,
        LayerKind.CONV3D,
        LayerKind.CONV_TRANSPOSE1D,
        LayerKind.CONV_TRANSPOSE2D,
        LayerKind.CONV_TRANSPOSE3D);
  }
}
