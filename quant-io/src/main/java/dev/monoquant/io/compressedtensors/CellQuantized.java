package dev.monoquant.io.compressedtensors;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.model.ModelFiles;
import dev.monoquant.layout.Packing;
import dev.monoquant.layout.TensorPerPart.Storage;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Part;
import java.io.IOException;

/**
 * {@code int-quantized}, {@code float-quantized} and {@code naive-quantized}: a byte for each code,
 * in the shape of the weight. The three differ in how {@code config.json} says that activations are
 * quantized.
 *
 * <pre>
 * M.weight             I8 or F8_E4M3 (rows, columns)
 * M.weight_scale       floats: (1), (rows, 1), (rows, groups) or (blocks down, blocks across)
 * M.weight_zero_point  I8, a cell for each scale; only of integers that are not symmetric
 * </pre>
 *
 * <p>Two rows of two columns, a scale for each row, BF16, of FP8 and of 4-bit integers:
 *
 * <pre>
 * codes       1 -448  |  -0 0.5                codes       -8 7  |  1 0
 * scale       2       |  0.25                  scale       1     |  0.5
 *                                              zero_point  -3    |  2
 *
 * M.weight        38 fe  80 30                 M.weight             f8 07  01 00
 * M.weight_scale  00 40  80 3e                 M.weight_scale       80 3f  00 3f
 *                                              M.weight_zero_point  fd  02
 * </pre>
 */
final class CellQuantized extends StoredWeight {

  private final String label;

  /**
   * Builds the layout of a weight.
   *
   * @param weight an affine weight with one scale and perhaps zero points
   * @param label the file, for messages
   */
  CellQuantized(EncodedWeight weight, String label) {
    super(weight, part -> new Storage(local(weight, part), Packing.CELLS));
    this.label = label;
  }

  static CellQuantized of(EncodedWeight weight) {
    return new CellQuantized(weight, weight.matrix().tensor().shard());
  }

  private static String local(EncodedWeight weight, Part part) {
    Formula.Affine affine = (Formula.Affine) weight.encoding().formula();
    return part.name().equals(affine.codes())
        ? CODES
        : part.name().equals(affine.scales().get(0).part()) ? SCALE : ZERO_POINT;
  }

  /** {@return the weight of a module, see {@link Form#read}} */
  static CellQuantized read(ModuleTensors module, WeightArguments weights) throws IOException {
    ModelFiles.Located main = module.require(CODES);
    ElementType expected = weights.floats() ? ElementType.FLOAT8_E4M3 : ElementType.INT8;
    if (main.info().type() != expected) {
      throw ModuleTensors.fault(
          main,
          "is "
              + ModuleTensors.describe(main)
              + ", but its group is of "
              + (weights.floats() ? "floats, " : "integers, ")
              + expected.wire());
    }
    TensorShape shape = main.info().shape();
    ModuleTensors.requireMatrix(main, shape);
    ElementType code = weights.floats() ? expected : ElementType.code(weights.bits(), true);
    Part codes = Part.perElement(Part.CODES, code);
    Part scale = module.scale(weights.strategy(), shape);
    Encoding encoding = Encoding.affine(codes, scale);
    if (weights.symmetric()) {
      module.requireNoZeroPoints();
    } else {
      ModelFiles.Located points = module.require(ZERO_POINT);
      TensorShape cells = scale.shape(shape.dim(0), shape.dim(1));
      if (!isPointPerScale(points, scale, cells)) {
        throw ModuleTensors.fault(
            points,
            "is " + ModuleTensors.describe(points) + "; there are scales of shape " + cells);
      }
      encoding = Encoding.affine(codes, scale, new Part(Part.ZERO_POINT, code, scale.extent()));
    }
    EncodedWeight weight =
        module.weight(
            main,
            scale.type(),
            shape,
            weights.floats() ? "fp8" : "int" + weights.bits(),
            OptionValues.of(weights.bits(), weights.symmetric(), weights.strategy().granularity()),
            encoding);
    return new CellQuantized(weight, main.file().label());
  }

  /** {@return whether zero points are stored as bytes, one for each scale} */
  static boolean isPointPerScale(ModelFiles.Located points, Part scale, TensorShape cells) {
    TensorShape shape = points.info().shape();
    return points.info().type() == ElementType.INT8
        && (shape.equals(cells) || (!scale.tiled() && shape.rank() == 0));
  }

  /**
   * {@inheritDoc}
   *
   * @throws ModelFormatException if a byte exceeds the range of the codes
   */
  @Override
  public EncodedTile read(RowRange rows, Source source) throws IOException {
    EncodedTile tile = super.read(rows, source);
    for (Part part : weight().encoding().parts()) {
      if (part.type().isCode()) {
        requireCodes(part.type(), tensor(part.name()), tile.part(part.name()));
      }
    }
    return tile;
  }

  private void requireCodes(ElementType type, TensorInfo tensor, byte[] cells) {
    for (byte cell : cells) {
      if (cell < type.minCode() || cell > type.maxCode()) {
        throw new ModelFormatException(
            Reason.TENSOR_BOUNDS,
            label,
            "tensor " + quote(tensor.name()),
            "holds "
                + cell
                + ", which is no signed code of "
                + type.bits()
                + " bits. The file is damaged; fetch it again.");
      }
    }
  }
}
