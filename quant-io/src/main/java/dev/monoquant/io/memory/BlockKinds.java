package dev.monoquant.io.memory;

import ai.djl.nn.Block;
import ai.djl.nn.convolutional.Conv1d;
import ai.djl.nn.convolutional.Conv1dTranspose;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.convolutional.Conv2dTranspose;
import ai.djl.nn.convolutional.Conv3d;
import ai.djl.nn.core.Embedding;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.nn.norm.LayerNorm;
import ai.djl.nn.recurrent.GRU;
import ai.djl.nn.recurrent.LSTM;
import ai.djl.nn.recurrent.RNN;
import ai.djl.nn.transformer.IdEmbedding;
import dev.monoquant.model.LayerKind;
import java.util.List;
import java.util.Set;

/**
 * The kinds of DJL's block classes and their subclasses.
 *
 * <p>Weights of linear, convolution and embedding blocks have the shapes that {@link LayerKind}
 * describes. So do those of recurrent blocks, under DJL's own names: {@code l_0_i2h_WEIGHT} is
 * PyTorch's {@code weight_ih_l0}, {@code r_0_h2h_BIAS} is {@code bias_hh_l0_reverse}. Normalisation
 * has {@code gamma}, {@code beta}, {@code runningMean} and {@code runningVar}, an embedding {@code
 * embedding}. Transposed convolutions have (filters, inputs / groups, k): the shape of PyTorch only
 * if both numbers are equal; DJL's PyTorch engine does not run them.
 */
final class BlockKinds {

  private record Entry(Class<? extends Block> type, LayerKind kind) {}

  private static final List<Entry> KINDS =
      List.of(
          new Entry(Linear.class, LayerKind.LINEAR),
          new Entry(Conv1d.class, LayerKind.CONV1D),
          new Entry(Conv2d.class, LayerKind.CONV2D),
          new Entry(Conv3d.class, LayerKind.CONV3D),
          new Entry(Conv1dTranspose.class, LayerKind.CONV_TRANSPOSE1D),
          new Entry(Conv2dTranspose.class, LayerKind.CONV_TRANSPOSE2D),
          new Entry(Embedding.class, LayerKind.EMBEDDING),
          new Entry(IdEmbedding.class, LayerKind.EMBEDDING),
          new Entry(LSTM.class, LayerKind.LSTM),
          new Entry(GRU.class, LayerKind.GRU),
          new Entry(RNN.class, LayerKind.RNN),
          new Entry(BatchNorm.class, LayerKind.NORM),
          new Entry(LayerNorm.class, LayerKind.NORM));

  /**
   * Kind names that imply a weight layout; a class with the same simple name may lack that layout.
   */
  private static final Set<String> PROMISES =
      Set.of(
          "Linear",
          "Conv1D",
          "Conv1d",
          "Conv2d",
          "Conv3d",
          "ConvTranspose1d",
          "ConvTranspose2d",
          "ConvTranspose3d",
          "Embedding",
          "LSTM",
          "GRU",
          "RNN",
          "MultiheadAttention",
          "Norm",
          "Unknown");

  private BlockKinds() {}

  /**
   * The kind of a block.
   *
   * @param block any block
   * @return the kind of DJL's class; else the simple name of the block's own class, or its full
   *     name if the simple one is that of a known kind; {@link LayerKind#UNKNOWN} for an anonymous
   *     class
   */
  static LayerKind of(Block block) {
    for (Entry entry : KINDS) {
      if (entry.type.isInstance(block)) {
        return entry.kind;
      }
    }
    String simple = block.getClass().getSimpleName();
    if (simple.isEmpty()) {
      return LayerKind.UNKNOWN;
    }
    return new LayerKind(PROMISES.contains(simple) ? block.getClass().getName() : simple);
  }
}
