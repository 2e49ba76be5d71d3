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
import dev.monoquant.tile.Formula.Factor;
import dev.monoquant.tile.Part;
import java.util.List;
import java.util.Optional;

/**
 * {@code nvfp4-pack-quantized}: FP4 codes, the even column in the low half of a byte; an FP8 scale
 * for each group; a scale of the tensor, which divides them: x = code * (scale / global scale).
 *
 * <pre>
 * M.weight_packed        U8 (rows, columns / 2)
 * M.weight_scale         F8_E4M3 (rows, groups)
 * M.weight_global_scale  F32 (1)
 * </pre>
 *
 * <p>Two rows of four columns in groups of two (files have groups of 16):
 *
 * <pre>
 * codes         0.5 -6 -0 1  |  4 3 2 1.5
 * scale         448 1        |  0.125 2
 * global_scale  1536
 *
 * M.weight_packed        f1 28  56 34
 * M.weight_scale         7e 38  20 40
 * M.weight_global_scale  00 00 c0 44
 * </pre>
 */
final class Nvfp4PackQuantized extends StoredWeight {

  private static final String GLOBAL = "global_scale";

  /**
   * Builds the layout of a weight.
   *
   * @param weight an affine weight of FP4 codes whose second scale divides the first
   */
  Nvfp4PackQuantized(EncodedWeight weight) {
    super(weight, part -> storage(weight, part));
  }

  private static Storage storage(EncodedWeight weight, Part part) {
    Formula.Affine affine = (Formula.Affine) weight.encoding().formula();
    if (part.name().equals(affine.codes())) {
      return new Storage(PACKED, Packing.BITS);
    }
    boolean local = part.name().equals(affine.scales().get(0).part());
    return new Storage(local ? SCALE : GLOBAL_SCALE, Packing.CELLS);
  }

  /** {@return the weight of a module, see {@link Form#read}} */
  static Nvfp4PackQuantized read(ModuleTensors module, WeightArguments weights) {
    ModelFiles.Located main = module.require(PACKED);
    TensorShape shape = MxQuantized.fp4Shape(main);
    Part codes = Part.perElement(Part.CODES, ElementType.FLOAT4);
    Part scale = weights.strategy().part(Part.SCALE, ElementType.FLOAT8_E4M3);
    Part global = Part.perTensor(GLOBAL, ElementType.FLOAT32);
    module.require(SCALE, scale.type(), scale.shape(shape.dim(0), shape.dim(1)));
    module.require(GLOBAL_SCALE, global.type(), TensorShape.of(1));
    EncodedWeight weight =
        module.weight(
            main,
            module.floats(),
            shape,
            "nvfp4",
            OptionValues.of(weights.bits(), true, weights.strategy().granularity()),
            new Encoding(
                List.of(codes, scale, global),
                new Formula.Affine(
                    codes.name(),
                    List.of(Factor.times(scale.name()), Factor.over(global.name())),
                    Optional.empty())));
    return new Nvfp4PackQuantized(weight);
  }
}
