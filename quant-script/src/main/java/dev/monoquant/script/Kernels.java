package dev.monoquant.script;

import dev.monoquant.ConfigurationException;
import java.util.Arrays;
import java.util.List;

/**
 * Which kernels of libtorch run a weight. A file names its kernels, and libtorch refuses a file
 * that names one it does not have, so that they are chosen when the file is written. Never persist
 * {@link #ordinal()}.
 */
public enum Kernels {
  /** Those that take tensors of bytes: {@code onednn.qlinear_pointwise} and its like. */
  LASTING("lasting", "Tensor", "Tensor"),
  /**
   * Those that take quantized tensors, which PyTorch is going to remove. They start sooner, which
   * shows for products of few rows.
   */
  FASTEST(
      "fastest",
      "__torch__.torch.classes.quantized.LinearPackedParamsBase",
      "__torch__.torch.classes.quantized.EmbeddingPackedParamsBase");

  private final String wire;
  private final String pack;
  private final String table;

  Kernels(String wire, String pack, String table) {
    this.wire = wire;
    this.pack = pack;
    this.table = table;
  }

  /** {@return the stable name} */
  public String wire() {
    return wire;
  }

  /** {@return the type of a matrix that is ready for products} */
  String pack() {
    return pack;
  }

  /** {@return the type of a table that is ready for look-ups} */
  String table() {
    return table;
  }

  /** {@return all names, the default first} */
  public static List<String> wires() {
    return Arrays.stream(values()).map(Kernels::wire).toList();
  }

  /**
   * {@return the kernels}
   *
   * @param wire a name, case matters
   * @throws ConfigurationException if there are none of that name; the message lists all
   */
  public static Kernels of(String wire) {
    return Arrays.stream(values())
        .filter(k -> k.wire.equals(wire))
        .findFirst()
        .orElseThrow(
            () ->
                new ConfigurationException(
                    "no kernels " + wire + "; there are " + String.join(", ", wires())));
  }
}
