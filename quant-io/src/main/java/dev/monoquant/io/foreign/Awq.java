package dev.monoquant.io.foreign;

import dev.monoquant.layout.Packing;
import dev.monoquant.layout.TensorPerPart;
import dev.monoquant.layout.TensorPerPart.Order;
import dev.monoquant.layout.TensorPerPart.Storage;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Part;
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

  private static final String CODES = "qweight";
  private static final String ZEROS = "qzeros";
  private static final String SCALES = "scales";
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
    long group = Groups.size(module, SCALES, inputs, groups);
    ElementType type = Groups.floats(module, SCALES);
    WeightMatrix matrix = module.matrix(type, outputs, inputs, CODES);
    Encoding encoding =
        Encoding.affine(
            Part.perElement(Part.CODES, ElementType.UINT4),
            Part.perGroup(Part.SCALE, type, group),
            Part.perGroup(Part.ZERO_POINT, ElementType.UINT4, group));
    EncodedWeight weight =
        new EncodedWeight(
            matrix, new SchemeId("awq/int4", 1), Gptq.options(BITS, group, inputs), encoding);
    TensorPerPart layout =
        new TensorPerPart(
            matrix,
            encoding,
            part ->
                switch (part.name()) {
                  case Part.CODES ->
                      new Storage(module.tensor(CODES), Packing.EVEN_ODD, Order.TRANSPOSED_COLUMNS);
                  case Part.SCALE ->
                      new Storage(module.tensor(SCALES), Packing.CELLS, Order.TRANSPOSED_ROWS);
                  default ->
                      new Storage(module.tensor(ZEROS), Packing.EVEN_ODD, Order.TRANSPOSED_COLUMNS);
                });
    return Optional.of(new Stored(weight, layout, List.of(CODES, SCALES, ZEROS)));
  }
}
