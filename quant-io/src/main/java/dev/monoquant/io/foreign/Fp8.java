package dev.monoquant.io.foreign;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.layout.Packing;
import dev.monoquant.layout.TensorPerPart;
import dev.monoquant.layout.TensorPerPart.Storage;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.NumberType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.ActivationQuantization;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Codes of FP8 or FP4 with a scale for the tensor, each row, or each block: DeepSeek V3 and V4,
 * AutoFP8, fbgemm, ModelOpt. For a weight of (N, K) in a module M:
 *
 * <pre>
 * M.weight            F8_E4M3 or F8_E5M2 (N, K)
 *                     or I8 (N, K / 2): two codes of E2M1, the even column in the low bits; only
 *                     beside M.scale
 * M.weight_scale_inv  floats (ceil(N / r), ceil(K / c)), most often blocks of 128 x 128
 * M.weight_scale      floats () or (1), (N) or (N, 1), or blocks
 * M.scale             F8_E8M0, or its bytes as U8, or floats, for blocks
 *
 * weight[n][k] = code[n][k] * scale[n / r][k / c]
 * </pre>
 *
 * <p>All three tensors are factors, including the one named an inverse. The size of a block is
 * {@code weight_block_size} of the configuration, or the power of two that fits the shapes, if it
 * is the only size that does: transformers divides the shapes, so that a size that is no power of
 * two is possible where it divides a side. The weight has the float type of the model.
 *
 * <p>Written is one of these: E4M3 with a block for each scale of {@code weight_scale_inv}, F32.
 * Four rows of two columns in blocks of 2 x 2, little-endian:
 *
 * <pre>
 * codes       1 -448 | -0 0.5  ||  2 2 | 2 2
 * scale       0.5              ||  3
 *
 * M.weight            38 fe  80 30  40 40  40 40
 * M.weight_scale_inv  00 00 00 3f   00 00 40 40
 * </pre>
 *
 * <p>What this does not do: an FP8 tensor without a scale is not a quantized weight; if the
 * configuration declares the method {@code fp8}, it is an error. Experts in one tensor of three
 * dimensions are not decoded.
 *
 * <p>Source: transformers' {@code integrations/finegrained_fp8.py}.
 */
public final class Fp8 implements ForeignLayout {

  private static final String CODES = "weight";
  private static final List<String> SCALES =
      List.of("weight_scale_inv", "weight_scale", "scale", "scale_weight");
  private static final Set<ElementType> TYPES =
      Set.of(ElementType.FLOAT8_E4M3, ElementType.FLOAT8_E5M2);
  private static final String DECLARED = "fp8";

  private static final String INVERSE = "weight_scale_inv";

  /**
   * {@return the block of each scale of a weight; empty if it is not written in this layout}
   *
   * @param weight the weight
   */
  public static Optional<Granularity.PerBlock> block(EncodedWeight weight) {
    if (weight.encoding().formula() instanceof Formula.Affine affine
        && affine.zeroPoint().isEmpty()
        && affine.scales().size() == 1
        && !affine.scales().get(0).divides()
        && weight.encoding().part(affine.codes()).type() == ElementType.FLOAT8_E4M3) {
      Part scale = weight.encoding().part(affine.scales().get(0).part());
      if (scale.type().isQuantizable()
          && scale.type() != ElementType.FLOAT64
          && scale.extent() instanceof Part.Grid grid
          && grid.width() == 1
          && grid.rowsPerCell() > 1
          && grid.colsPerCell() <= Integer.MAX_VALUE) {
        return Optional.of(new Granularity.PerBlock(grid.rowsPerCell(), (int) grid.colsPerCell()));
      }
    }
    return Optional.empty();
  }

  /**
   * {@return the tensors of a weight}
   *
   * @param weight a weight with a {@link #block}
   */
  public static WeightLayout layout(EncodedWeight weight) {
    Formula.Affine affine = (Formula.Affine) weight.encoding().formula();
    Part codes = weight.encoding().part(affine.codes());
    Part scale = weight.encoding().part(affine.scales().get(0).part());
    Part stored = new Part(scale.name(), ElementType.FLOAT32, scale.extent());
    String module = weight.matrix().layer();
    WeightLayout layout =
        new TensorPerPart(
            weight.matrix(),
            new Encoding(List.of(codes, stored), affine),
            part ->
                new Storage(
                    module + "." + (part.name().equals(affine.codes()) ? CODES : INVERSE),
                    Packing.CELLS));
    return scale.type() == ElementType.FLOAT32 ? layout : new WidenedPart(layout, scale, stored);
  }

  @Override
  public Optional<Stored> find(ForeignModule module) {
    TensorInfo codes = module.find(CODES).orElse(null);
    if (codes == null || codes.shape().rank() != 2) {
      return Optional.empty();
    }
    Optional<String> name = SCALES.stream().filter(s -> isScale(module, codes, s)).findFirst();
    if (name.isEmpty()) {
      if (TYPES.contains(codes.type()) && module.declared().method().equals(DECLARED)) {
        throw module.fault(
            CODES, "is " + codes.type().wire() + " by the method fp8, and has no scale");
      }
      return Optional.empty();
    }
    String scale = name.get();
    boolean pairs = codes.type() == ElementType.INT8;
    long rows = codes.shape().dim(0);
    long columns = codes.shape().dim(1) * (pairs ? 2 : 1);
    ElementType type = pairs ? ElementType.FLOAT4 : codes.type();
    WeightMatrix matrix = module.matrix(module.declared().dtype(), rows, columns, CODES);
    Part scalePart = scalePart(module, scale, rows, columns);
    Encoding encoding = Encoding.affine(Part.perElement(Part.CODES, type), scalePart);
    String method = module.declared().method().equals("modelopt") ? "modelopt" : DECLARED;
    EncodedWeight weight =
        new EncodedWeight(
            matrix,
            new SchemeId(
                method + "/" + (pairs ? "e2m1" : type == ElementType.FLOAT8_E4M3 ? "e4m3" : "e5m2"),
                1),
            OptionValues.of(type.bits(), true, granularity(scalePart, rows, columns)),
            encoding);
    TensorPerPart layout =
        new TensorPerPart(
            matrix,
            encoding,
            part ->
                part.name().equals(Part.CODES)
                    ? new Storage(module.tensor(CODES), Packing.BITS)
                    : new Storage(module.tensor(scale), Packing.CELLS));
    return Optional.of(
        new Stored(
            weight.withActivations(activations(module, scalePart)), layout, List.of(CODES, scale)));
  }

  /**
   * {@return a note if weights have other blocks than the configuration declares}
   *
   * <p>transformers takes the blocks from the scales, as is done here; others, such as vLLM, expect
   * the declared ones.
   *
   * @param weights the weights of a model
   * @param declared its configuration
   */
  static Optional<String> otherBlocks(Set<EncodedWeight> weights, DeclaredQuantization declared) {
    OptionalLong height = declared.block(0);
    OptionalLong width = declared.block(1);
    if (height.isEmpty() || width.isEmpty()) {
      return Optional.empty();
    }
    String blocks = height.getAsLong() + "x" + width.getAsLong();
    List<String> others =
        weights.stream()
            .filter(w -> TYPES.contains(w.encoding().parts().get(0).type()))
            .map(w -> Map.entry(w.name(), w.encoding().part(Part.SCALE).extent()))
            .filter(
                w ->
                    w.getValue() instanceof Part.Grid grid
                        && grid.colsPerCell() != Part.Grid.ALL
                        && !blocks.equals(grid.rowsPerCell() + "x" + grid.colsPerCell()))
            .map(w -> quote(w.getKey()))
            .toList();
    return others.isEmpty()
        ? Optional.empty()
        : Optional.of(
            "weight_block_size is "
                + blocks
                + ", and the scales of "
                + (others.size() == 1 ? "1 weight" : others.size() + " weights")
                + ", such as "
                + others.get(0)
                + ", are for other blocks, by which they are decoded");
  }

  /** Loaders quantize inputs while the model runs, in groups as wide as a block. */
  private static Optional<ActivationQuantization> activations(ForeignModule module, Part scale) {
    boolean dynamic =
        module.declared().method().equals(DECLARED)
            && module.declared().text("activation_scheme").equals("dynamic");
    return dynamic
            && scale.extent() instanceof Part.Grid grid
            && grid.rowsPerCell() > 1
            && grid.colsPerCell() <= Integer.MAX_VALUE
        ? Optional.of(
            new ActivationQuantization(
                Byte.SIZE,
                NumberType.FLOAT,
                ActivationQuantization.Strategy.GROUP,
                OptionalInt.of((int) grid.colsPerCell()),
                true,
                ActivationQuantization.Dynamic.YES))
        : Optional.empty();
  }

  /** FP8 codes may have scales of any type. FP4 codes are plain bytes, so they need E8M0 scales. */
  private static boolean isScale(ForeignModule module, TensorInfo codes, String name) {
    Optional<ElementType> type = module.find(name).map(TensorInfo::type);
    boolean power =
        type.filter(t -> t == ElementType.FLOAT8_E8M0 || t == ElementType.UINT8).isPresent();
    if (codes.type() == ElementType.INT8) {
      return name.equals("scale") && power;
    }
    return TYPES.contains(codes.type())
        && (power || type.filter(ElementType::isQuantizable).isPresent());
  }

  private static Part scalePart(ForeignModule module, String name, long rows, long columns) {
    TensorInfo tensor = module.find(name).orElseThrow();
    TensorShape shape = tensor.shape();
    ElementType type = tensor.type() == ElementType.UINT8 ? ElementType.FLOAT8_E8M0 : tensor.type();
    if (shape.elements() == 1) {
      return Part.perTensor(Part.SCALE, type);
    }
    boolean line = shape.rank() == 1 || (shape.rank() == 2 && shape.dim(1) == 1);
    if (line && shape.dim(0) == rows) {
      return Part.perRow(Part.SCALE, type);
    }
    if (shape.rank() != 2) {
      throw module.fault(
          name, "is of shape " + shape + " beside codes of " + rows + " x " + columns);
    }
    long height = Groups.block(module, name, rows, shape.dim(0), module.declared().block(0));
    long width = Groups.block(module, name, columns, shape.dim(1), module.declared().block(1));
    return Part.perBlock(Part.SCALE, type, Math.toIntExact(height), width);
  }

  private static Granularity granularity(Part scale, long rows, long columns) {
    if (!(scale.extent() instanceof Part.Grid grid)) {
      return Granularity.TENSOR;
    }
    if (grid.colsPerCell() == Part.Grid.ALL) {
      return Granularity.CHANNEL;
    }
    int width = Math.toIntExact(Math.min(columns, grid.colsPerCell()));
    return grid.rowsPerCell() == 1
        ? Granularity.group(width)
        : Granularity.block(Math.toIntExact(Math.min(rows, grid.rowsPerCell())), width);
  }
}
