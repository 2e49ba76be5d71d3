package dev.monoquant.io.foreign;

import dev.monoquant.layout.Packing;
import dev.monoquant.layout.TensorPerPart;
import dev.monoquant.layout.TensorPerPart.Storage;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Formula.Factor;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The layouts of MLX. For a weight of (N, K) in a module M, with b bits and groups of g inputs,
 * codes packed without gaps along K, least significant bits first:
 *
 * <pre>
 * mode                  affine                   mxfp4           mxfp8           nvfp4
 * M.weight  U32 (N, K * b / 32)   unsigned, 2-8  E2M1            E4M3            E2M1
 * M.scales      (N, K / g)        floats         U8, exponents   U8, exponents   U8, E4M3
 * M.biases      (N, K / g)        floats         none            none            none
 * g                               any            32              32              16
 *
 * weight[n][k] = code[n][k] * scales[n][k / g] + biases[n][k / g]
 * </pre>
 *
 * <p>In the affine mode, product and sum are each rounded to the type of the scales, which is that
 * of the weight. All experts of a layer may be in one module; each tensor then has the experts as
 * its first dimension, and the weight is (experts, N, K). The mode, group size and bits are in
 * {@code quantization} of config.json, which has an object of its own for each module that differs.
 *
 * <p>Source: MLX 0.32, {@code mlx/ops.cpp}; checked against {@code mx.dequantize} on the CPU.
 */
final class Mlx implements ForeignLayout {

  private static final String CODES = "weight";
  private static final String SCALES = "scales";
  private static final String BIASES = "biases";
  private static final String MINIMUM = "minimum";
  private static final Set<Integer> BITS = Set.of(2, 3, 4, 5, 6, 8);

  @Override
  public Optional<Stored> find(ForeignModule module) {
    TensorInfo codes = module.find(CODES).orElse(null);
    TensorInfo scales = module.find(SCALES).orElse(null);
    if (codes == null
        || scales == null
        || codes.type() != ElementType.UINT32
        || (codes.shape().rank() != 2 && codes.shape().rank() != 3)
        || codes.shape().rank() != scales.shape().rank()) {
      return Optional.empty();
    }
    Declared declared = Declared.of(module);
    long group = declared.group();
    long inputs = Math.multiplyExact(scales.shape().dim(-1), group);
    long words = Math.multiplyExact(codes.shape().dim(-1), (long) Integer.SIZE);
    int bits =
        inputs > 0 && words % inputs == 0 && words / inputs <= 8 ? (int) (words / inputs) : 0;
    if (!BITS.contains(bits) || declared.bits(bits) != bits) {
      throw module.fault(
          CODES,
          "is of shape "
              + codes.shape()
              + " beside scales "
              + scales.shape()
              + "; the configuration says groups of "
              + group
              + " and "
              + declared.bits(0)
              + " bits");
    }
    long[] dims = scales.shape().dims();
    dims[dims.length - 1] = inputs;
    dims[dims.length - 2] = codes.shape().dim(-2);
    return Optional.of(
        declared.mode().equals("affine")
            ? affine(module, bits, group, TensorShape.of(dims))
            : powers(module, declared.mode(), bits, group, TensorShape.of(dims)));
  }

  /** What the configuration says of a module. */
  private record Declared(ForeignModule module, DeclaredQuantization own) {

    static Declared of(ForeignModule module) {
      return new Declared(module, module.declared().of(module.name()));
    }

    String mode() {
      String mode = own.text("mode");
      return mode.isEmpty() ? "affine" : mode;
    }

    long group() {
      long group = own.number("group_size").orElse(0);
      if (group < 1) {
        throw module.unsupported(
            "its group size is not in the configuration (quantization, group_size), without which"
                + " it is not decoded");
      }
      return group;
    }

    /** {@return the declared bits} */
    long bits(int otherwise) {
      return own.number("bits").orElse(otherwise);
    }
  }

  private static Stored affine(ForeignModule module, int bits, long group, TensorShape weight) {
    ElementType type = Groups.floats(module, SCALES);
    TensorShape cells = cells(weight, group);
    module.require(SCALES, type, cells.dims());
    module.require(BIASES, type, cells.dims());
    Formula.Affine formula =
        new Formula.Affine(Part.CODES, List.of(Factor.times(Part.SCALE)), Optional.empty());
    Encoding encoding =
        new Encoding(
            List.of(
                Part.perElement(Part.CODES, ElementType.code(bits, false)),
                Part.perGroup(Part.SCALE, type, group),
                Part.perGroup(MINIMUM, type, group)),
            formula.withMinimums(List.of(Factor.times(MINIMUM)), type));
    return stored(module, "mlx/int" + bits, type, weight, encoding, List.of(CODES, SCALES, BIASES));
  }

  private static Stored powers(
      ForeignModule module, String mode, int bits, long group, TensorShape weight) {
    ElementType codes = bits == 4 ? ElementType.FLOAT4 : ElementType.FLOAT8_E4M3;
    boolean known =
        switch (mode) {
          case "mxfp4" -> bits == 4;
          case "mxfp8" -> bits == 8;
          case "nvfp4" -> bits == 4;
          default -> false;
        };
    if (!known) {
      throw module.unsupported(
          "its mode "
              + mode
              + " of "
              + bits
              + " bits is not decoded; affine, mxfp4, mxfp8 and"
              + " nvfp4 are");
    }
    module.require(SCALES, ElementType.UINT8, cells(weight, group).dims());
    ElementType scale = mode.equals("nvfp4") ? ElementType.FLOAT8_E4M3 : ElementType.FLOAT8_E8M0;
    Encoding encoding =
        Encoding.affine(
            Part.perElement(Part.CODES, codes), Part.perGroup(Part.SCALE, scale, group));
    return stored(
        module, "mlx/" + mode, module.declared().dtype(), weight, encoding, List.of(CODES, SCALES));
  }

  private static TensorShape cells(TensorShape weight, long group) {
    long[] dims = weight.dims();
    dims[dims.length - 1] /= group;
    return TensorShape.of(dims);
  }

  private static Stored stored(
      ForeignModule module,
      String scheme,
      ElementType type,
      TensorShape shape,
      Encoding encoding,
      List<String> parameters) {
    long rows = shape.dim(-2);
    long experts = shape.rank() == 3 ? shape.dim(0) : 1;
    WeightMatrix matrix =
        module.matrix(type, Math.multiplyExact(experts, rows), shape.dim(-1), CODES);
    WeightLayout layout =
        new TensorPerPart(
            matrix,
            encoding,
            part ->
                switch (part.name()) {
                  case Part.CODES -> new Storage(module.tensor(CODES), Packing.BITS);
                  case Part.SCALE -> new Storage(module.tensor(SCALES), Packing.CELLS);
                  default -> new Storage(module.tensor(BIASES), Packing.CELLS);
                });
    if (encoding.find(MINIMUM).isPresent()) {
      layout = MappedPart.negated(layout, MINIMUM, type);
    }
    if (shape.rank() == 3) {
      TensorInfo all = new TensorInfo(matrix.tensor().name(), type, shape, matrix.tensor().shard());
      matrix = new WeightMatrix(module.name(), LayerKind.UNKNOWN, CODES, all, 1);
      layout = new SideBySide(layout, rows, Math.toIntExact(experts));
    }
    int bits = encoding.part(Part.CODES).type().bits();
    Part.Grid groups = (Part.Grid) encoding.part(Part.SCALE).extent();
    EncodedWeight weight =
        new EncodedWeight(
            matrix,
            new SchemeId(scheme, 1),
            OptionValues.of(
                bits,
                parameters.size() == 2,
                Granularity.group(Math.toIntExact(groups.colsPerCell()))),
            encoding);
    return new Stored(weight, layout, parameters);
  }
}
