package dev.monoquant.io.foreign;

import static dev.monoquant.io.foreign.TransposedGroups.CODES;
import static dev.monoquant.io.foreign.TransposedGroups.SCALES;
import static dev.monoquant.io.foreign.TransposedGroups.ZEROS;

import dev.monoquant.layout.Packing;
import dev.monoquant.layout.TensorPerPart.Order;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * The AWQ layout that AutoAWQ writes for its GEMM kernel: unsigned codes of 4 bits with a scale and
 * a zero point for each group of inputs. For a weight of (N, K) in a module M with G groups, eight
 * codes in a word in the order of {@link Packing#EVEN_ODD}:
 *
 * <pre>
 * M.qweight  I32 (K, N / 8)    packed along N
 * M.qzeros   I32 (G, N / 8)    packed along N
 * M.scales   F16 (G, N)
 *
 * weight[n][k] = (code[n][k] - zero[n][g]) * scale[n][g]
 * </pre>
 *
 * <p>Symmetric weights have zero points of 8, and no others are read as symmetric. One row in eight
 * of such a weight, the others 0, with two inputs in a group:
 *
 * <pre>
 * codes of row 1   -7 4          scale of row 1   2, F16
 *
 * M.qweight  88 88 81 88  88 88 8c 88        row 1 is the fifth of 0 2 4 6 1 3 5 7
 * M.qzeros   88 88 88 88
 * M.scales   00 00  00 40  00 00 ...
 * </pre>
 *
 * <p>What this does not do: the layouts for other kernels (GEMV, Marlin) are not decoded.
 *
 * <p>Source: the layout of {@code gemm_awq.pack} in GPTQModel at commit f4c327a; checked against
 * independently packed tensors.
 */
public final class Awq implements ForeignLayout {

  private static final int BITS = 4;
  private static final int CODES_IN_WORD = Integer.SIZE / BITS;
  private static final Set<String> VERSIONS = Set.of("", "gemm");

  /**
   * {@return the inputs that share a scale; empty if a weight is not written in this layout}
   *
   * @param weight the weight; 8 must divide its outputs too
   */
  public static OptionalLong group(EncodedWeight weight) {
    return TransposedGroups.group(weight, Set.of(BITS));
  }

  /**
   * {@return the tensors of a weight}
   *
   * @param weight a weight with a {@link #group}
   */
  public static WeightLayout layout(EncodedWeight weight) {
    return TransposedGroups.layout(weight, Packing.EVEN_ODD, Order.TRANSPOSED_COLUMNS, 0);
  }

  @Override
  public Optional<Stored> find(ForeignModule module) {
    TensorInfo codes = module.find(CODES).orElse(null);
    TensorInfo scales = module.find(SCALES).orElse(null);
    if (codes == null
        || scales == null
        || module.find(ZEROS).isEmpty()
        || codes.type() != ElementType.INT32
        || codes.shape().rank() != 2
        || scales.shape().rank() != 2
        || codes.shape().dim(1) * CODES_IN_WORD != scales.shape().dim(1)) {
      return Optional.empty();
    }
    String version = module.declared().text("version");
    if (!VERSIONS.contains(version)) {
      throw module.unsupported("its AWQ version " + version + " is not decoded; gemm is");
    }
    long outputs = scales.shape().dim(1);
    long groups = scales.shape().dim(0);
    long inputs = codes.shape().dim(0);
    module.require(ZEROS, ElementType.INT32, groups, outputs / CODES_IN_WORD);
    TransposedGroups parts =
        TransposedGroups.of(
            module,
            "awq",
            BITS,
            outputs,
            inputs,
            Packing.EVEN_ODD,
            Order.TRANSPOSED_COLUMNS,
            false,
            TransposedGroups.areCentred(module, BITS, 0),
            0);
    return Optional.of(new Stored(parts.weight(), parts.layout(), List.of(CODES, SCALES, ZEROS)));
  }
}
