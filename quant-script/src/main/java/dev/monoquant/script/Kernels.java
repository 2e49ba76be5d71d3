package dev.monoquant.script;

import dev.monoquant.ConfigurationException;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;

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

  /** What holds a matrix that is prepared for products. */
  private static final Pattern PACK = Pattern.compile("\\bPack\\b");

  /** What holds a table that is prepared for look-ups. */
  private static final Pattern TABLE = Pattern.compile("\\bTable\\b");

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

  /** {@return a source in which Pack and Table are types of these kernels} */
  String typed(String source) {
    return PACK.matcher(TABLE.matcher(source).replaceAll(table)).replaceAll(pack);
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
