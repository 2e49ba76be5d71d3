package dev.monoquant.schemes.layers;

import com.google.auto.service.AutoService;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.LayerQuantizer;
import java.util.List;

/**
 * {@code embedding}: tables (entries, width), a row for each entry.
 *
 * <p>The table is called {@code weight} in PyTorch and {@code embedding} in DJL's blocks. Its
 * entries are looked up, not summed, so a zero point costs nothing: codes are asymmetric by
 * default.
 */
@AutoService(LayerQuantizer.class)
public final class EmbeddingQuantizer implements LayerQuantizer {

  private static final List<WeightRule> RULES =
      List.of(WeightRule.of(LayerKind.EMBEDDING, "weight|embedding", 2, 0));

  /** Makes the quantizer; it has no state. */
  public EmbeddingQuantizer() {}

  @Override
  public String id() {
    return "embedding";
  }

  @Override
  public List<WeightMatrix> weights(Layer layer) {
    return WeightRule.weights(layer, RULES);
  }

  @Override
  public boolean symmetricByDefault(WeightMatrix rows) {
    return false;
  }
}
