package dev.monoquant.io.foreign;

import static dev.monoquant.QuantException.quote;
import static dev.monoquant.io.foreign.TransposedGroups.CODES;
import static dev.monoquant.io.foreign.TransposedGroups.INDEX;
import static dev.monoquant.io.foreign.TransposedGroups.SCALES;
import static dev.monoquant.io.foreign.TransposedGroups.ZEROS;

import dev.monoquant.layout.Packing;
import dev.monoquant.layout.TensorPerPart.Order;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.tile.Formula;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;

/**
 * The GPTQ layout that AutoGPTQ and GPTQModel write: unsigned codes of 2, 3, 4 or 8 bits with a
 * scale and a zero point for each group of inputs, all tensors transposed. For a weight of (N, K)
 * in a module M, with b bits, G groups, and codes packed without gaps in little-endian 32-bit
 * words:
 *
 * <pre>
 * M.qweight  I32 (K * b / 32, N)    a column for each row of the weight, packed along K
 * M.qzeros   I32 (G, N * b / 32)    zero points, packed along N; minus 1 modulo 2^b in version 1
 * M.scales   F16 (G, N)
 * M.g_idx    I32 (K)                the group of each column, optional: without it, or with 0 0 1 1
 *                                   and so on, groups are runs of columns; in activation order
 *                                   (desc_act) they are not
 *
 * weight[n][k] = (code[n][k] - zero[n][g]) * scale[n][g]
 * </pre>
 *
 * <p>Bits and group size follow from the shapes; only {@code checkpoint_format} of the
 * configuration identifies version 2, and {@code packing_format} in one of AutoRound.
 *
 * <p>Zero points that are all 2^(b-1) make a symmetric weight, whose codes are read as signed ones,
 * less 2^(b-1). A row among 32 of a symmetric weight of 4 bits, the others 0, in groups of four:
 *
 * <pre>
 * codes of row 1   -7 4 2 6  1 -1 2 7        scale of row 1   1 2, F16
 *
 * M.qweight  88 88 88 88  c1 ea 79 fa  88 88 88 88 ...
 * M.qzeros   77 77 77 77  77 77 77 77 ...                version 2: 88 88 ...
 * M.scales   00 00  00 3c  00 00 ...   00 00  00 40  00 00 ...
 * M.g_idx    0 0 0 0 1 1 1 1
 * </pre>
 *
 * <p>What this does not do: the formats of other kernels (Marlin, planar) are not decoded.
 *
 * <p>Source: GPTQModel at commit f4c327a, {@code pack_original}; checked against independently
 * packed tensors.
 */
public final class Gptq implements ForeignLayout {

  /** The {@code checkpoint_format} of version 1. */
  public static final String FIRST = "gptq";

  /** The {@code checkpoint_format} of version 2. */
  public static final String SECOND = "gptq_v2";

  private static final Set<Integer> BITS = Set.of(2, 3, 4, 8);
  private static final Set<String> FORMATS = Set.of("", FIRST, SECOND);

  private static final Set<String> AUTO_ROUND =
      Set.of("auto-round", "auto_round", "autoround", "intel/auto-round");

  private static final Map<String, String> AUTO_ROUND_FORMATS =
      Map.of(
          "",
          FIRST,
          "auto_round:gptq",
          FIRST,
          "auto_round:auto_gptq",
          FIRST,
          "auto_round",
          SECOND,
          "auto_round:gptqmodel",
          SECOND);

  private static final int MAX_INDEX = 1 << 26;

  /**
   * {@return the inputs that share a scale; empty if a weight is not written in this layout}
   *
   * @param weight the weight; its codes along outputs and inputs must also fill whole words
   */
  public static OptionalLong group(EncodedWeight weight) {
    return TransposedGroups.group(weight, BITS);
  }

  /**
   * {@return the tensors of a weight}
   *
   * @param weight a weight with a {@link #group}
   * @param format {@link #FIRST} or {@link #SECOND}
   */
  public static WeightLayout layout(EncodedWeight weight, String format) {
    WeightLayout layout =
        TransposedGroups.layout(weight, Packing.WORDS, Order.TRANSPOSED_ROWS, shift(format));
    boolean indexed =
        weight.encoding().formula() instanceof Formula.Affine affine
            && affine.groupIndex().isPresent();
    if (indexed) {
      return layout;
    }
    WeightMatrix matrix = weight.matrix();
    long group = group(weight).orElseThrow();
    int columns = Math.toIntExact(matrix.columnCount());
    return new AddedTensor(
        layout,
        new TensorInfo(
            matrix.layer() + "." + INDEX,
            ElementType.INT32,
            TensorShape.of(columns),
            matrix.tensor().shard()),
        () -> runs(columns, group));
  }

  /** The group of each column, where groups are runs of columns. */
  private static byte[] runs(int columns, long group) {
    ByteBuffer groups = ByteBuffer.allocate(columns * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (int column = 0; column < columns; column++) {
      groups.putInt((int) (column / group));
    }
    return groups.array();
  }

  @Override
  public Optional<Stored> find(ForeignModule module) {
    TensorInfo codes = module.find(CODES).orElse(null);
    TensorInfo scales = module.find(SCALES).orElse(null);
    TensorInfo zeros = module.find(ZEROS).orElse(null);
    if (codes == null
        || scales == null
        || zeros == null
        || codes.type() != ElementType.INT32
        || codes.shape().rank() != 2
        || scales.shape().rank() != 2
        || zeros.shape().rank() != 2
        || codes.shape().dim(1) != scales.shape().dim(1)) {
      return Optional.empty();
    }
    String format = format(module);
    long outputs = scales.shape().dim(1);
    long groups = scales.shape().dim(0);
    long words = zeros.shape().dim(1) * Integer.SIZE;
    int bits = outputs > 0 && words / outputs <= 8 ? (int) (words / outputs) : 0;
    if (!BITS.contains(bits) || outputs * bits != words) {
      throw module.fault(ZEROS, "is of shape " + zeros.shape() + " beside " + outputs + " outputs");
    }
    long inputs = codes.shape().dim(0) * Integer.SIZE / bits;
    module.require(CODES, ElementType.INT32, inputs * bits / Integer.SIZE, outputs);
    module.require(ZEROS, ElementType.INT32, groups, words / Integer.SIZE);
    if (module.declared().number("bits").orElse(bits) != bits) {
      throw module.fault(
          CODES,
          "has codes of "
              + bits
              + " bits, and the configuration says "
              + module.declared().number("bits").getAsLong());
    }
    boolean indexed = module.find(INDEX).isPresent() && !isOrdered(module, inputs, groups);
    TransposedGroups parts =
        TransposedGroups.of(
            module,
            "gptq",
            bits,
            outputs,
            inputs,
            Packing.WORDS,
            Order.TRANSPOSED_ROWS,
            indexed,
            TransposedGroups.areCentred(module, bits, shift(format)),
            shift(format));
    return Optional.of(new Stored(parts.weight(), parts.layout(), parameters(module)));
  }

  /**
   * The version; AutoRound names it otherwise.
   *
   * <p>Source: {@code GPTQ_FORMAT} and {@code GPTQ_FORMAT_NO_ZP} of auto-round's {@code
   * inference/backend.py}; transformers and vLLM take the first one if none is named.
   */
  private static String format(ForeignModule module) {
    if (AUTO_ROUND.contains(module.declared().method())) {
      String packing = module.declared().text("packing_format");
      String format = AUTO_ROUND_FORMATS.get(packing);
      if (format == null) {
        throw module.unsupported(
            "its packing_format "
                + quote(packing)
                + " of AutoRound is not decoded; "
                + String.join(", ", new TreeSet<>(AUTO_ROUND_FORMATS.keySet()).tailSet("a"))
                + " are");
      }
      return format;
    }
    String format = module.declared().text("checkpoint_format");
    if (!FORMATS.contains(format)) {
      throw module.unsupported("its GPTQ format " + format + " is not decoded; gptq, gptq_v2 are");
    }
    return format;
  }

  /** Version 1 stores zero points less 1. */
  private static int shift(String format) {
    return format.equals(SECOND) ? 0 : 1;
  }

  private static List<String> parameters(ForeignModule module) {
    List<String> all = new ArrayList<>(List.of(CODES, SCALES, ZEROS));
    if (module.find(INDEX).isPresent()) {
      all.add(INDEX);
    }
    return all;
  }

  /** {@return whether each group is a run of columns, all of the same size but the last} */
  private static boolean isOrdered(ForeignModule module, long inputs, long groups) {
    module.require(INDEX, ElementType.INT32, inputs);
    ByteBuffer index = module.read(INDEX, MAX_INDEX);
    long size = Groups.size(module, SCALES, inputs, groups);
    boolean ordered = true;
    for (int i = 0; i < inputs; i++) {
      int own = index.getInt(index.position() + i * Integer.BYTES);
      if (own < 0 || own >= groups) {
        throw module.fault(INDEX, "names group " + own + " of " + groups);
      }
      ordered &= own == i / size;
    }
    return ordered;
  }
}
