package dev.monoquant.model;

import static java.util.Objects.requireNonNull;

import java.util.List;

/**
 * The kind of a layer, named after its class in PyTorch. An open set: a plugin may add kinds.
 *
 * @param name the name, such as {@code Linear}; recipes match it exactly
 */
public record LayerKind(String name) {

  /** A matrix product, weight (outputs, inputs). */
  public static final LayerKind LINEAR = new LayerKind("Linear");

  /** A matrix product with its weight stored as (inputs, outputs), as in GPT-2. */
  public static final LayerKind CONV1D_TRANSPOSED = new LayerKind("Conv1D");

  /** Convolution, weight (outputs, inputs / groups, k). */
  public static final LayerKind CONV1D = new LayerKind("Conv1d");

  /** Convolution, weight (outputs, inputs / groups, kh, kw). */
  public static final LayerKind CONV2D = new LayerKind("Conv2d");

  /** Convolution, weight (outputs, inputs / groups, kd, kh, kw). */
  public static final LayerKind CONV3D = new LayerKind("Conv3d");

  /** Transposed convolution, weight (inputs, outputs / groups, k). */
  public static final LayerKind CONV_TRANSPOSE1D = new LayerKind("ConvTranspose1d");

  /** Transposed convolution, weight (inputs, outputs / groups, kh, kw). */
  public static final LayerKind CONV_TRANSPOSE2D = new LayerKind("ConvTranspose2d");

  /** Transposed convolution, weight (inputs, outputs / groups, kd, kh, kw). */
  public static final LayerKind CONV_TRANSPOSE3D = new LayerKind("ConvTranspose3d");

  /**
   * Chooses among the experts of a mixture, weight (experts, inputs). Not quantized unless a layer
   * map declares it as Linear: it is small, an error in it selects another expert, and loaders
   * expect it in float.
   */
  public static final LayerKind ROUTER = new LayerKind("Router");

  /** A table, weight (entries, width). */
  public static final LayerKind EMBEDDING = new LayerKind("Embedding");

  /** Recurrent, weights {@code weight_ih_l0} (4 hidden, inputs) and so on. */
  public static final LayerKind LSTM = new LayerKind("LSTM");

  /** Recurrent, weights {@code weight_ih_l0} (3 hidden, inputs) and so on. */
  public static final LayerKind GRU = new LayerKind("GRU");

  /** Recurrent, weights {@code weight_ih_l0} (hidden, inputs) and so on. */
  public static final LayerKind RNN = new LayerKind("RNN");

  /** One step of an {@link #LSTM}, weights {@code weight_ih} (4 hidden, inputs) and so on. */
  public static final LayerKind LSTM_CELL = new LayerKind("LSTMCell");

  /** One step of a {@link #GRU}, weights {@code weight_ih} (3 hidden, inputs) and so on. */
  public static final LayerKind GRU_CELL = new LayerKind("GRUCell");

  /** One step of an {@link #RNN}, weights {@code weight_ih} (hidden, inputs) and so on. */
  public static final LayerKind RNN_CELL = new LayerKind("RNNCell");

  /** Attention with {@code in_proj_weight} (3 width, width). */
  public static final LayerKind MULTIHEAD_ATTENTION = new LayerKind("MultiheadAttention");

  /** Any normalisation layer; never quantized. */
  public static final LayerKind NORM = new LayerKind("Norm");

  /** Unknown: no rule for names and shapes matched. */
  public static final LayerKind UNKNOWN = new LayerKind("Unknown");

  /** The kinds above, in their order; plugins may know more. */
  public static final List<LayerKind> NAMED =
      List.of(
          LINEAR,
          CONV1D_TRANSPOSED,
          CONV1D,
          CONV2D,
          CONV3D,
          CONV_TRANSPOSE1D,
          CONV_TRANSPOSE2D,
          CONV_TRANSPOSE3D,
          ROUTER,
          EMBEDDING,
          LSTM,
          GRU,
          RNN,
          LSTM_CELL,
          GRU_CELL,
          RNN_CELL,
          MULTIHEAD_ATTENTION,
          NORM,
          UNKNOWN);

  /** Checks the name. */
  public LayerKind {
    requireNonNull(name, "name");
    if (name.isBlank()) {
      throw new IllegalArgumentException("a layer kind needs a name, such as Linear");
    }
  }

  @Override
  public String toString() {
    return name;
  }
}
