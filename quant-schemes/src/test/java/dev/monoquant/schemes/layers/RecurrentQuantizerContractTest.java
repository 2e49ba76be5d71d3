package dev.monoquant.schemes.layers;

import dev.monoquant.model.LayerKind;
import dev.monoquant.spi.LayerQuantizer;
import java.util.Set;

class RecurrentQuantizerContractTest implements LayerContract {
  @Override
  public LayerQuantizer subject() {
    return new RecurrentQuantizer();
  }

  @Override
  public Set<LayerKind> kinds() {
    return Set.of(
        LayerKind.LSTM,
        LayerKind.GRU,
        LayerKind.RNN,
        LayerKind.LSTM_CELL,
        LayerKind.GRU_CELL,
        LayerKind.RNN_CELL);
  }
}
