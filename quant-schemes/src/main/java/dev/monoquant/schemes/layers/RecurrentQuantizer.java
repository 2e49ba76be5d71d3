package dev.monoquant.schemes.layers;

import com.google.auto.service.AutoService;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.LayerQuantizer;
import java.util.List;
import java.util.stream.Stream;

/**
 * {@code recurrent}: LSTM, GRU and RNN, and their cells, a row for each output of each gate.
 *
 * <p>PyTorch calls the matrices {@code weight_ih_l0}, {@code weight_hh_l0} and, with a projection,
 * {@code weight_hr_l0}, numbered by layer and with {@code _reverse} for the reverse direction. In
 * cells they are {@code weight_ih} and {@code weight_hh}. DJL's blocks call them {@code
 * l_0_i2h_WEIGHT} and {@code l_0_h2h_WEIGHT}, with {@code r} for the reverse direction. All have
 * shape (gates * hidden, inputs); biases are not selected.
 */
@AutoService(LayerQuantizer.class)
public final class RecurrentQuantizer implements LayerQuantizer {

  private static final String NAMES =
      "weight_(ih|hh|hr)_l[0-9]+(_reverse)?|[lr]_[0-9]+_(i2h|h2h)_WEIGHT";

  private static final String CELL_NAMES = "weight_(ih|hh)";

  private static final List<WeightRule> RULES =
      Stream.concat(
              Stream.of(LayerKind.LSTM, LayerKind.GRU, LayerKind.RNN)
                  .map(kind -> WeightRule.of(kind, NAMES, 2, 0)),
              Stream.of(LayerKind.LSTM_CELL, LayerKind.GRU_CELL, LayerKind.RNN_CELL)
                  .map(kind -> WeightRule.of(kind, CELL_NAMES, 2, 0)))
          .toList();

  /** Makes the quantizer; it has no state. */
  public RecurrentQuantizer() {}

  @Override
  public String id() {
    return "recurrent";
  }

  @Override
  public List<WeightMatrix> weights(Layer layer) {
    return WeightRule.weights(layer, RULES);
  }
}
