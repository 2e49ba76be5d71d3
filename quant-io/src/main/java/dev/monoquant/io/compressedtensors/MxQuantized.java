package dev.monoquant.io.compressedtensors;

import dev.monoquant.files.model.ModelFiles;
import dev.monoquant.layout.Packing;
import dev.monoquant.layout.TensorPerPart.Storage;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Part;

/**
 * {@code mxfp4-pack-quantized} and {@code mxfp8-quantized}: FP4 or FP8 codes, and a power of two
 * for each group, of which the exponent is stored (E8M0, bias 127).
 *
 * <pre>
 *                  MXFP4                                      MXFP8
 * codes            M.weight_packed U8 (rows, columns / 2),    M.weight F8_E4M3 (rows, columns)
 *                  the even column in the low half
 * scales           M.weight_scale U8 (rows, groups)           M.weight_scale U8 (rows, groups)
 * </pre>
 *
 * <p>Two rows of two columns in groups of two (files have groups of 32):
 *
 * <pre>
 * codes  0.5 -6  |  3 -0                       codes  1 -448  |  -0 0.5
 * scale  2       |  0.25                       scale  1       |  8
 *
 * M.weight_packed  f1  85                      M.weight        38 fe  80 30
 * M.weight_scale   80  7d                      M.weight_scale  7f  82
 * </pre>
 */
final class MxQuantized extends StoredWeight {

  /**
   * Builds the layout of a weight.
   *
   * @param weight an affine weight of FP4 or FP8 codes with E8M0 scales
   */
  MxQuantized(EncodedWeight weight) {
    super(weight, part -> storage(weight, part));
  }

  private static Storage storage(EncodedWeight weight, Part part) {
    Formula.Affine affine = (Formula.Affine) weight.encoding().formula();
    if (!part.name().equals(affine.codes())) {
      return new Storage(SCALE, Packing.CELLS);
    }
    return part.type() == ElementType.FLOAT4
        ? new Storage(PACKED, Packing.BITS)
        : new Storage(CODES, Packing.CELLS);
  }

  /** {@return the weight of a module, see {@link Form#read}} */
  static MxQuantized read(ModuleTensors module, WeightArguments weights) {
    boolean packed = weights.bits() == 4;
    ElementType code = packed ? ElementType.FLOAT4 : ElementType.FLOAT8_E4M3;
    ModelFiles.Located main = module.require(packed ? PACKED : CODES);
    TensorShape shape = packed ? fp4Shape(main) : main.info().shape();
    ModuleTensors.requireMatrix(main, shape);
    if (!packed) {
      module.require(CODES, code, shape);
    }
    Part codes = Part.perElement(Part.CODES, code);
    Part scale = weights.strategy().part(Part.SCALE, ElementType.FLOAT8_E8M0);
    module.require(SCALE, ElementType.UINT8, scale.shape(shape.dim(0), shape.dim(1)));
    EncodedWeight weight =
        module.weight(
            main,
            module.floats(),
            shape,
            packed ? "mxfp4" : "mxfp8",
            OptionValues.of(weights.bits(), true, weights.strategy().granularity()),
            Encoding.affine(codes, scale));
    return new MxQuantized(weight);
  }

  /** {@return the shape of a weight with two codes in a byte} */
  static TensorShape fp4Shape(ModelFiles.Located main) {
    TensorShape packed = main.info().shape();
    if (main.info().type() != ElementType.UINT8 || packed.rank() != 2) {
      throw ModuleTensors.fault(
          main, "is " + ModuleTensors.describe(main) + ", but its group is of FP4, U8 of rank 2");
    }
    TensorShape shape = TensorShape.of(packed.dim(0), Math.multiplyExact(2, packed.dim(1)));
    ModuleTensors.requireMatrix(main, shape);
    return shape;
  }
}
