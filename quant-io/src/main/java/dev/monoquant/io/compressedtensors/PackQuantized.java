package dev.monoquant.io.compressedtensors;

import dev.monoquant.files.model.ModelFiles;
import dev.monoquant.layout.Packing;
import dev.monoquant.layout.TensorPerPart.Order;
import dev.monoquant.layout.TensorPerPart.Storage;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * {@code pack-quantized}: integers of 2 to 8 bits in 32-bit words, least significant bits first,
 * 2^(bits-1) added to codes and to packed zero points.
 *
 * <pre>
 * M.weight_packed      I32 (rows, words of a row)       {@link Packing#WORDS} along each row
 * M.weight_scale       floats, a cell for each scale
 * M.weight_shape       I64 (2)                          rows, columns
 * M.weight_zero_point  I32 (words of a column, groups)  {@link Packing#WORDS} down each column,
 *                      or I8 (1) for one of the tensor
 * M.weight_g_idx       I32 (columns)                    the group of each column (actorder group);
 *                                                       only read
 * </pre>
 *
 * <p>Two rows of eight columns in groups of four, 4 bits, BF16:
 *
 * <pre>
 * codes       -7 4 2 6  1 -1 2 7  |  0 0 0 0  -8 7 -8 7
 * scale       1 2                 |  0.5 4
 * zero_point  0 -2                |  3 7
 *
 * M.weight_packed      c1 ea 79 fa  88 88 f0 f0
 * M.weight_scale       80 3f 00 40  00 3f 80 40
 * M.weight_shape       02 00 00 00 00 00 00 00  08 00 00 00 00 00 00 00
 * M.weight_zero_point  b8 00 00 00  f6 00 00 00
 * </pre>
 *
 * <p>Older files have {@link Packing#PADDED_WORDS}, zero points in bytes, or a group index, which
 * versions of compressed-tensors before the end of August 2026 read; all are read.
 */
final class PackQuantized extends StoredWeight {

  /** The packings of codes into words; older files use the second. */
  private static final List<Packing> WORDS = List.of(Packing.WORDS, Packing.PADDED_WORDS);

  /**
   * Builds the layout of a weight.
   *
   * @param weight an affine weight with one scale and perhaps zero points
   * @param codes how codes are packed
   * @param points how tiled zero points are stored
   */
  PackQuantized(EncodedWeight weight, Packing codes, Packing points) {
    super(weight, part -> storage(weight, part, codes, points));
  }

  static PackQuantized of(EncodedWeight weight) {
    return new PackQuantized(weight, Packing.WORDS, Packing.WORDS);
  }

  private static Storage storage(EncodedWeight weight, Part part, Packing codes, Packing points) {
    Formula.Affine affine = (Formula.Affine) weight.encoding().formula();
    if (part.name().equals(affine.codes())) {
      return new Storage(PACKED, codes);
    }
    if (part.name().equals(affine.scales().get(0).part())) {
      return new Storage(SCALE, Packing.CELLS);
    }
    if (part.name().equals(Part.GROUP_INDEX)) {
      return new Storage(GROUP_INDEX, Packing.CELLS);
    }
    return part.tiled()
        ? new Storage(ZERO_POINT, points, Order.COLUMNS)
        : new Storage(ZERO_POINT, Packing.CELLS);
  }

  private TensorInfo shape() {
    String shard = weight().matrix().tensor().shard();
    return new TensorInfo(name(SHAPE), ElementType.INT64, TensorShape.of(2), shard);
  }

  @Override
  public List<TensorInfo> tensors() {
    List<TensorInfo> tensors = new ArrayList<>(super.tensors());
    tensors.add(shape());
    return tensors;
  }

  @Override
  public Writer writer(Sink sink) {
    Writer writer = super.writer(sink);
    return new Writer() {
      @Override
      public void writeTile(EncodedTile tile) throws IOException {
        writer.writeTile(tile);
      }

      @Override
      public void writeWhole(Map<String, byte[]> whole) throws IOException {
        writer.writeWhole(whole);
        WeightMatrix matrix = weight().matrix();
        ByteBuffer shape = ByteBuffer.allocate(2 * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        sink.write(
            shape(), 0, shape.putLong(matrix.rowCount()).putLong(matrix.columnCount()).flip());
      }
    };
  }

  /** {@return the weight of a module, see {@link Form#read}} */
  static PackQuantized read(ModuleTensors module, WeightArguments weights) throws IOException {
    ModelFiles.Located main = module.require(PACKED);
    TensorShape shape = shape(module);
    ModuleTensors.requireMatrix(main, shape);
    ElementType codeType = ElementType.code(weights.bits(), true);
    Packing codes = packing(main, shape, codeType);
    Part codePart = Part.perElement(Part.CODES, codeType);
    Part scale = module.scale(weights.strategy(), shape);
    Packing points = Packing.WORDS;
    Encoding encoding = Encoding.affine(codePart, scale);
    if (weights.symmetric()) {
      module.requireNoZeroPoints();
    } else {
      points = points(module, shape, scale, codeType);
      encoding =
          Encoding.affine(codePart, scale, new Part(Part.ZERO_POINT, codeType, scale.extent()));
    }
    if (module.groupIndex(weights.strategy().groupSize(), shape.dim(1))) {
      encoding = encoding.withGroupIndex(shape.dim(1));
    }
    EncodedWeight weight =
        module.weight(
            main,
            scale.type(),
            shape,
            "int" + weights.bits(),
            OptionValues.of(weights.bits(), weights.symmetric(), weights.strategy().granularity()),
            encoding);
    return new PackQuantized(weight, codes, points);
  }

  private static TensorShape shape(ModuleTensors module) throws IOException {
    ModelFiles.Located located = module.require(SHAPE);
    ElementType type = located.info().type();
    boolean wide = type == ElementType.INT64;
    if ((!wide && type != ElementType.INT32) || !located.info().shape().equals(TensorShape.of(2))) {
      throw ModuleTensors.fault(
          located, "is " + ModuleTensors.describe(located) + ", not two integers");
    }
    ByteBuffer data = located.read(0, Math.toIntExact(located.stored().bytes()));
    long rows = wide ? data.getLong() : data.getInt();
    long cols = wide ? data.getLong() : data.getInt();
    // Both must fit into an int, so that their product, and each times 8 bits, fits into a long.
    if (rows < 0 || cols < 0 || rows > Integer.MAX_VALUE || cols > Integer.MAX_VALUE) {
      throw ModuleTensors.fault(
          located, "holds [" + rows + ", " + cols + "], which is no shape of a weight");
    }
    return TensorShape.of(rows, cols);
  }

  private static Packing packing(ModelFiles.Located main, TensorShape shape, ElementType code) {
    long rows = shape.dim(0);
    long cols = shape.dim(1);
    if (main.info().type() == ElementType.INT32) {
      for (Packing packing : WORDS) {
        if (main.info().shape().equals(TensorShape.of(rows, packing.elements(code, cols)))) {
          return packing;
        }
      }
    }
    throw ModuleTensors.fault(
        main,
        "is "
            + ModuleTensors.describe(main)
            + "; a weight of shape "
            + shape
            + " at "
            + code.bits()
            + " bits needs I32 ["
            + rows
            + ", "
            + Packing.WORDS.elements(code, cols)
            + "]");
  }

  private static Packing points(
      ModuleTensors module, TensorShape shape, Part scale, ElementType code) {
    ModelFiles.Located located = module.require(ZERO_POINT);
    TensorShape cells = scale.shape(shape.dim(0), shape.dim(1));
    TensorShape actual = located.info().shape();
    if (CellQuantized.isPointPerScale(located, scale, cells)) {
      return Packing.CELLS;
    }
    if (located.info().type() == ElementType.INT32 && scale.tiled()) {
      for (Packing packing : WORDS) {
        long words = packing.elements(code, shape.dim(0));
        if (actual.equals(TensorShape.of(words, cells.dim(1)))) {
          return packing;
        }
      }
    }
    throw ModuleTensors.fault(
        located, "is " + ModuleTensors.describe(located) + "; there are scales of shape " + cells);
  }
}
