package dev.monoquant.io.foreign;

import static dev.monoquant.io.foreign.TransposedGroups.CODES;
import static dev.monoquant.io.foreign.TransposedGroups.SCALES;
import static dev.monoquant.io.foreign.TransposedGroups.ZEROS;

import dev.monoquant.layout.Packing;
import dev.monoquant.layout.TensorPerPart.Order;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import java.util.List;
import java.util.Optional;
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
 * <p>What this does not do: the layouts for other kernels (GEMV, Marlin) are not decoded.
 *
 * <p>Source: the layout of {@code gemm_awq.pack} in GPTQModel at commit f4c327a; checked against
 * independently packed tensors.
 */
final class Awq implements ForeignLayout {

  private static final int BITS = 4;
  private static final int CODES_IN_WORD = Integer.SIZE / BITS;
  private static final Set<String> VERSIONS = Set.of("", "gemm");

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
            false);
    return Optional.of(new Stored(parts.weight(), parts.layout(), List.of(CODES, SCALES, ZEROS)));
  }
}
