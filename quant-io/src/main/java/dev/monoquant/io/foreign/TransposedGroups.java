package dev.monoquant.io.foreign;

import dev.monoquant.layout.Packing;
import dev.monoquant.layout.TensorPerPart;
import dev.monoquant.layout.TensorPerPart.Order;
import dev.monoquant.layout.TensorPerPart.Storage;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;

/**
 * Unsigned codes with a scale and a zero point for each group of inputs, in transposed tensors:
 * what GPTQ and AWQ have in common.
 *
 * @param weight the weight, in the type of its scales
 * @param layout how its parts lie in the tensors
 * @param group the inputs that share a scale
 */
record TransposedGroups(EncodedWeight weight, WeightLayout layout, long group) {

  static final String CODES = "qweight";
  static final String ZEROS = "qzeros";
  static final String SCALES = "scales";
  static final String INDEX = "g_idx";

  /**
   * Describes the weight of a module.
   *
   * @param module the module, whose tensors have the shapes that follow from the sizes
   * @param scheme the method, such as {@code gptq}
   * @param bits bits of a code
   * @param outputs rows of the weight
   * @param inputs columns of the weight
   * @param packing how codes and zero points are packed
   * @param codes the order of the codes; zero points are packed along the outputs
   * @param indexed whether the module has a group index that the groups follow
   */
  static TransposedGroups of(
      ForeignModule module,
      String scheme,
      int bits,
      long outputs,
      long inputs,
      Packing packing,
      Order codes,
      boolean indexed) {
    long groups = module.find(SCALES).orElseThrow().shape().dim(0);
    long group = Groups.size(module, SCALES, inputs, groups);
    ElementType type = Groups.floats(module, SCALES);
    WeightMatrix matrix = module.matrix(type, outputs, inputs, CODES);
    ElementType code = ElementType.code(bits, false);
    Encoding encoding =
        Encoding.affine(
            Part.perElement(Part.CODES, code),
            Part.perGroup(Part.SCALE, type, group),
            Part.perGroup(Part.ZERO_POINT, code, group));
    if (indexed) {
      encoding = encoding.withGroupIndex(inputs);
    }
    Granularity granularity =
        group == inputs ? Granularity.CHANNEL : Granularity.group(Math.toIntExact(group));
    EncodedWeight weight =
        new EncodedWeight(
            matrix,
            new SchemeId(scheme + "/int" + bits, 1),
            OptionValues.of(bits, false, granularity),
            encoding);
    return new TransposedGroups(
        weight,
        new TensorPerPart(
            matrix,
            weight.encoding(),
            part ->
                switch (part.name()) {
                  case Part.CODES -> new Storage(module.tensor(CODES), packing, codes);
                  case Part.GROUP_INDEX -> new Storage(module.tensor(INDEX), Packing.CELLS);
                  case Part.SCALE ->
                      new Storage(module.tensor(SCALES), Packing.CELLS, Order.TRANSPOSED_ROWS);
                  default -> new Storage(module.tensor(ZEROS), packing, Order.TRANSPOSED_COLUMNS);
                }),
        group);
  }
}
