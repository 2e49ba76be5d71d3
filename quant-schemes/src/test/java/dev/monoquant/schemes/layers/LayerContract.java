package dev.monoquant.schemes.layers;

import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.testkit.contracts.LayerQuantizerContract;
import dev.monoquant.testkit.data.LayerSamples;
import java.util.List;
import java.util.Set;

/** What holds for the layer quantizers that come with the framework. */
interface LayerContract extends LayerQuantizerContract {

  /** {@return the kinds that the subject takes} */
  Set<LayerKind> kinds();

  @Override
  default List<Layer> layers() {
    return LayerSamples.ordinary().stream()
        .filter(layer -> kinds().contains(layer.kind()))
        .toList();
  }
}
