package dev.monoquant.script;

import dev.monoquant.ConfigurationException;
import java.util.Arrays;
import java.util.List;

/**
 * The kernels of libtorch that run a weight. They are chosen when the file is written: a file names
 * its kernels, and libtorch refuses a file that names an unknown kernel. Never persist {@link
 * #ordinal()}.
 */
public enum Kernels {
  /** Kernels that take tensors of bytes, such as {@code onednn.qlinear_pointwise}. */
  LASTING("lasting", "Tensor", "Tensor"),
  /**
   * Kernels that take quantized tensors; PyTorch is going to remove them. They have less overhead
   * for each call, which matters for products of few rows.
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

  /** {@return the type of a matrix that is prepared for products} */
  String pack() {
    return pack;
  }

  /** {@return the type of a table that is prepared for look-ups} */
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
   * @param wire a name; case-sensitive
   * @throws ConfigurationException if no constant has that name; the message lists all names
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
