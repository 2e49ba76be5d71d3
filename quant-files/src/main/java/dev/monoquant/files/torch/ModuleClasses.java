package dev.monoquant.files.torch;

import dev.monoquant.model.LayerKind;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Determines the kind of a layer from its Python class, such as {@code
 * torch.nn.modules.linear.Linear}. Only the package and the last name count.
 *
 * <p>Only classes with a known layout of weights have a kind: those of {@code torch.nn} and a few
 * of transformers. Another class with the name {@code Linear} may be something else.
 */
public final class ModuleClasses {

  private static final String TORCH_NN = "torch.nn.";

  private static final Map<String, LayerKind> KINDS =
      Map.ofEntries(
          Map.entry("Linear", LayerKind.LINEAR),
          Map.entry("NonDynamicallyQuantizableLinear", LayerKind.LINEAR),
          Map.entry("Conv1d", LayerKind.CONV1D),
          Map.entry("Conv2d", LayerKind.CONV2D),
          Map.entry("Conv3d", LayerKind.CONV3D),
          Map.entry("ConvTranspose1d", LayerKind.CONV_TRANSPOSE1D),
          Map.entry("ConvTranspose2d", LayerKind.CONV_TRANSPOSE2D),
          Map.entry("ConvTranspose3d", LayerKind.CONV_TRANSPOSE3D),
          Map.entry("Embedding", LayerKind.EMBEDDING),
          Map.entry("LSTM", LayerKind.LSTM),
          Map.entry("GRU", LayerKind.GRU),
          Map.entry("RNN", LayerKind.RNN),
          Map.entry("LSTMCell", LayerKind.LSTM_CELL),
          Map.entry("GRUCell", LayerKind.GRU_CELL),
          Map.entry("RNNCell", LayerKind.RNN_CELL),
          Map.entry("MultiheadAttention", LayerKind.MULTIHEAD_ATTENTION));

  private static final Set<String> NORMS = Set.of("LayerNorm", "GroupNorm", "RMSNorm");

  /** Prefixes of class names that end with the number of dimensions. */
  private static final List<String> NORM_FAMILIES =
      List.of("BatchNorm", "SyncBatchNorm", "LazyBatchNorm", "InstanceNorm");

  private ModuleClasses() {}

  /**
   * {@return the kind, or empty if the class does not determine it}
   *
   * @param qualified the qualified name of the class; parts between the package and the last name,
   *     such as the {@code ___torch_mangle_3} of TorchScript, do not matter
   */
  public static Optional<LayerKind> kind(String qualified) {
    String simple = qualified.substring(qualified.lastIndexOf('.') + 1);
    if (qualified.startsWith(TORCH_NN)) {
      if (isNorm(simple)) {
        return Optional.of(LayerKind.NORM);
      }
      return Optional.of(KINDS.getOrDefault(simple, new LayerKind(simple)));
    }
    if (qualified.startsWith("transformers.")) {
      if (simple.equals("Conv1D")) {
        return Optional.of(LayerKind.CONV1D_TRANSPOSED);
      }
      if (simple.endsWith("LayerNorm") || simple.endsWith("RMSNorm")) {
        return Optional.of(LayerKind.NORM);
      }
    }
    return Optional.empty();
  }

  private static boolean isNorm(String simple) {
    return NORMS.contains(simple) || NORM_FAMILIES.stream().anyMatch(simple::startsWith);
  }
}
