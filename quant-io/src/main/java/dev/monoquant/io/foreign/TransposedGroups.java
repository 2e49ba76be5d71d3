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
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

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
   * @param symmetric whether all zero points are 2^(bits-1), and the weight has none
   * @param shift what zero points are stored less by, modulo 2^bits
   */
  static TransposedGroups of(
      ForeignModule module,
      String scheme,
      int bits,
      long outputs,
      long inputs,
      Packing packing,
      Order codes,
      boolean indexed,
      boolean symmetric,
      int shift) {
    long groups = module.find(SCALES).orElseThrow().shape().dim(0);
    long group = Groups.size(module, SCALES, inputs, groups);
    ElementType type = Groups.floats(module, SCALES);
    WeightMatrix matrix = module.matrix(type, outputs, inputs, CODES);
    Part code = Part.perElement(Part.CODES, ElementType.code(bits, symmetric));
    Part scale = Part.perGroup(Part.SCALE, type, group);
    Encoding encoding =
        symmetric
            ? Encoding.affine(code, scale)
            : Encoding.affine(code, scale, zeros(code.type(), scale));
    if (indexed) {
      encoding = encoding.withGroupIndex(inputs);
    }
    // A row that is one declared group is not quantized in another way than longer rows.
    boolean rows = group == inputs && module.declared().number("group_size").isEmpty();
    Granularity granularity =
        rows ? Granularity.CHANNEL : Granularity.group(Math.toIntExact(group));
    EncodedWeight weight =
        new EncodedWeight(
            matrix,
            new SchemeId(scheme + "/int" + bits, 1),
            OptionValues.of(bits, symmetric, granularity),
            encoding);
    return new TransposedGroups(weight, layout(weight, packing, codes, shift), group);
  }

  /**
   * {@return whether all zero points are 2^(bits-1)}
   *
   * @param module a module with zero points, packed along the outputs
   * @param bits bits of a code
   * @param shift what zero points are stored less by
   */
  static boolean areCentred(ForeignModule module, int bits, int shift) {
    int zero = (1 << (bits - 1)) - shift;
    long words = module.find(ZEROS).orElseThrow().shape().dim(1);
    byte[] line = new byte[Math.toIntExact(Math.multiplyExact(words, (long) Integer.BYTES))];
    for (int bit = 0; bit < line.length * Byte.SIZE; bit++) {
      line[bit / Byte.SIZE] |= (byte) ((zero >> (bit % bits) & 1) << (bit % Byte.SIZE));
    }
    return module.repeats(ZEROS, line);
  }

  private static Part zeros(ElementType code, Part scale) {
    return new Part(Part.ZERO_POINT, code, scale.extent());
  }

  /**
   * {@return how the parts of a weight lie in the tensors of its module}
   *
   * @param weight a weight with a {@link #group}
   * @param packing how codes and zero points are packed; 2^(bits-1) is added to signed ones
   * @param codes the order of the codes
   * @param shift what zero points are stored less by, modulo 2^bits
   */
  static WeightLayout layout(EncodedWeight weight, Packing packing, Order codes, int shift) {
    Formula.Affine affine = (Formula.Affine) weight.encoding().formula();
    Part code = weight.encoding().part(affine.codes());
    String scale = affine.scales().get(0).part();
    Part zeros =
        affine
            .zeroPoint()
            .map(weight.encoding()::part)
            .orElseGet(() -> zeros(code.type(), weight.encoding().part(scale)));
    List<Part> parts = new ArrayList<>(weight.encoding().parts());
    if (!parts.contains(zeros)) {
      parts.add(zeros);
    }
    Formula.Affine whole =
        new Formula.Affine(
            affine.codes(),
            affine.scales(),
            Optional.of(zeros.name()),
            affine.minimums(),
            affine.groupIndex(),
            affine.arithmetic());
    String module = weight.matrix().layer();
    String prefix = module.isEmpty() ? "" : module + ".";
    WeightLayout layout =
        new TensorPerPart(
            weight.matrix(),
            new Encoding(parts, whole),
            part -> {
              if (part.equals(code)) {
                return new Storage(prefix + CODES, packing, codes);
              }
              if (part.equals(zeros)) {
                return new Storage(prefix + ZEROS, packing, Order.TRANSPOSED_COLUMNS);
              }
              return part.name().equals(scale)
                  ? new Storage(prefix + SCALES, Packing.CELLS, Order.TRANSPOSED_ROWS)
                  : new Storage(prefix + INDEX, Packing.CELLS);
            });
    WeightLayout shifted = shift == 0 ? layout : MappedPart.shifted(layout, zeros, shift);
    return affine.zeroPoint().isPresent() ? shifted : new CentredZeros(shifted, weight, zeros);
  }

  /**
   * {@return the columns of a group, those of a row if there is a scale for each; empty if the
   * parts of a weight do not lie in such tensors}
   *
   * @param weight the weight
   * @param widths the bits of codes that there are
   */
  static OptionalLong group(EncodedWeight weight, Set<Integer> widths) {
    if (!(weight.encoding().formula() instanceof Formula.Affine affine)
        || affine.scales().size() != 1
        || affine.scales().get(0).divides()
        || !affine.minimums().isEmpty()) {
      return OptionalLong.empty();
    }
    ElementType code = weight.encoding().part(affine.codes()).type();
    Part scale = weight.encoding().part(affine.scales().get(0).part());
    Optional<Part> zeros = affine.zeroPoint().map(weight.encoding()::part);
    boolean floats =
        scale.type() == ElementType.FLOAT16
            || scale.type() == ElementType.BFLOAT16
            || scale.type() == ElementType.FLOAT32;
    boolean codes =
        code.isCode()
            && widths.contains(code.bits())
            && (code.signed() || zeros.isPresent())
            && zeros.stream().allMatch(z -> z.equals(zeros(code, scale)));
    return codes
            && floats
            && scale.extent() instanceof Part.Grid grid
            && grid.rowsPerCell() == 1
            && grid.width() == 1
        ? OptionalLong.of(Math.min(grid.colsPerCell(), weight.matrix().columnCount()))
        : OptionalLong.empty();
  }
}
