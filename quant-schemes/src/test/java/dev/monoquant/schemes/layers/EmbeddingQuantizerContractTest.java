package dev.monoquant.schemes.layers;

import dev.monoquant.model.LayerKind;
import dev.monoquant.spi.LayerQuantizer;
import java.util.Set;

class EmbeddingQuantizerContractTest implements LayerContract {
  @Override
  public LayerQuantizer subject() {
    return new EmbeddingQuantizer();
  }

  @Override
  public Set<LayerKind> kinds() {
    return Set.of(LayerKind.EMBEDDING);
  }
}
