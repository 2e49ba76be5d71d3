package dev.monoquant.spi;

import dev.monoquant.ModelFormatException;
import dev.monoquant.model.BoundKernels;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Float16;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.Kernels;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Part;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Decodes tiles with the formula of an encoding, as {@link Formula} defines it.
 *
 * <p>Uses scratch arrays that fit in the L1 cache, with a value and its scale at the same index, so
 * that one loop handles all granularities; the JIT compiler of JDK 17 vectorizes such loops.
 * Immutable and thread-safe.
 */
final class FormulaDecoder implements TileDecoder {

  /** Columns from which on a product for each of 256 codes is less work than one for each value. */
  private static final int LONG_ROW = 1024;

  /** Columns with one scale that are worth a call. */
  private static final int RUN = 32;

  /** Values in a scratch array: 8 KiB. */
  private static final int CHUNK = 2048;

  private static final int[] NO_INDEX = {};

  private final Formula formula;
  private final ElementType type;
  private final int cols;
  private final EncodedWeight weight;
  private final Optional<ColumnDivision> division;

  FormulaDecoder(EncodedWeight stored) {
    this.division = ColumnDivision.of(stored);
    this.weight = division.map(ColumnDivision::undivided).orElse(stored);
    this.formula = weight.encoding().formula();
    this.type = weight.matrix().tensor().type();
    this.cols = Math.toIntExact(weight.matrix().columnCount());
  }

  @Override
  public void decode(EncodedTile tile, float[] out) {
    if (formula instanceof Formula.Cast cast) {
      cast(part(cast.values()), tile, out);
    } else if (formula instanceof Formula.Affine affine) {
      affine(affine, tile, out);
    } else if (formula instanceof Formula.Lookup lookup) {
      lookup(lookup, tile, out);
    }
    if (division.isPresent()) {
      division.get().divide(tile, out);
    }
  }

  private Part part(String name) {
    return weight.encoding().part(name);
  }

  private void cast(Part values, EncodedTile tile, float[] out) {
    byte[] cells = tile.part(values.name());
    int count = Math.multiplyExact(tile.height(), cols);
    if (values.type().isQuantizable()) {
      FloatBytes.widen(values.type(), ByteBuffer.wrap(cells), out, 0, count);
    } else {
      new Codes(values, cells).read(0, count, out);
    }
    if (values.type() != type) {
      round(out, count);
    }
  }

  private void affine(Formula.Affine affine, EncodedTile tile, float[] out) {
    Part codes = part(affine.codes());
    Codes numbers = new Codes(codes, tile.part(codes.name()));
    int[] index = affine.groupIndex().map(name -> groups(tile.part(name))).orElse(NO_INDEX);
    Scale scales = new Scale(affine.scales(), tile, index);
    Optional<Spread> zeros = affine.zeroPoint().map(name -> new Spread(part(name), tile, index));
    if (!affine.minimums().isEmpty() || affine.arithmetic() != ElementType.FLOAT32) {
      stepwise(affine, numbers, scales, zeros, new Scale(affine.minimums(), tile, index), out);
      return;
    }
    Kernels kernels = BoundKernels.current();
    // Ways to round that plain loops are faster with.
    boolean plain = kernels == BoundKernels.JVM;
    if (!plain
        && numbers.isFast(zeros.isPresent())
        && scales.isLong()
        && zeros.filter(zero -> !zero.isLong()).isEmpty()) {
      runs(kernels, numbers, scales.spreads.get(0), zeros, tile.height(), out);
      return;
    }
    if (plain
        && cols >= LONG_ROW
        && scales.isPerRow()
        && zeros.filter(z -> !z.isPerRow()).isEmpty()) {
      rows(numbers, scales, zeros, tile.height(), out);
      return;
    }
    boolean shortcut = plain && affine.scales().size() == 1 && isShort(affine, scales);
    boolean signed = plain && zeros.isEmpty() && isSmooth(codes.type(), scales);
    int chunk = Math.min(cols, CHUNK);
    float[] v = new float[chunk];
    float[] scale = new float[chunk];
    float[] zero = new float[chunk];
    for (int row = 0; row < tile.height(); row++) {
      for (int col = 0; col < cols; col += chunk) {
        int count = Math.min(chunk, cols - col);
        int at = row * cols + col;
        numbers.read(at, count, v);
        scales.read(row, col, count, scale);
        if (zeros.isPresent()) {
          zeros.get().read(row, col, count, zero);
        }
        if (shortcut) {
          ProductRounding.roundedProducts(v, scale, zero, count, ProductRounding.step(type));
        } else if (signed) {
          numbers.readSigns(at, count, zero);
          ProductRounding.roundedProducts(v, scale, zero, count, type);
        } else {
          ProductRounding.products(v, scale, zero, count);
          round(v, count);
        }
        System.arraycopy(v, 0, out, at, count);
      }
    }
  }

  /** Runs of codes that have one scale and one zero point. */
  private void runs(
      Kernels kernels,
      Codes numbers,
      Spread scales,
      Optional<Spread> zeros,
      int height,
      float[] out) {
    if (zeros.isEmpty() && numbers.type.isCode() && scales.cells.isRun()) {
      int run = (int) scales.cells.colsPerCell;
      kernels.runValues(numbers.bytes, height * cols, run, scales.numbers, type, out);
      return;
    }
    for (int row = 0; row < height; row++) {
      for (int col = 0; col < cols; ) {
        int end = scales.cells.end(col, cols);
        end = zeros.isPresent() ? zeros.get().cells.end(col, end) : end;
        float scale = scales.numbers[scales.cells.first(row, col)];
        float zero = zeros.isPresent() ? zeros.get().numbers[zeros.get().cells.first(row, col)] : 0;
        int at = row * cols + col;
        if (numbers.type.isCode()) {
          kernels.integerValues(numbers.bytes, at, end - col, scale, zero, type, out, at);
        } else {
          kernels.float8Values(numbers.type, numbers.bytes, at, end - col, scale, type, out, at);
        }
        col = end;
      }
    }
  }

  /** Every operation rounded to the type of the arithmetic, and minimums. */
  private void stepwise(
      Formula.Affine affine,
      Codes numbers,
      Scale scales,
      Optional<Spread> zeros,
      Scale minimums,
      float[] out) {
    ElementType steps = affine.arithmetic();
    int chunk = Math.min(cols, CHUNK);
    float[] v = new float[chunk];
    float[] other = new float[chunk];
    int height = cols == 0 ? 0 : numbers.bytes.length / cols;
    for (int row = 0; row < height; row++) {
      for (int col = 0; col < cols; col += chunk) {
        int count = Math.min(chunk, cols - col);
        int at = row * cols + col;
        numbers.read(at, count, v);
        if (zeros.isPresent()) {
          zeros.get().read(row, col, count, other);
          subtract(v, other, count);
          round(steps, v, count);
        }
        scales.read(row, col, count, other, steps);
        for (int i = 0; i < count; i++) {
          v[i] *= other[i];
        }
        round(steps, v, count);
        if (!affine.minimums().isEmpty()) {
          minimums.read(row, col, count, other, steps);
          subtract(v, other, count);
          round(steps, v, count);
        }
        round(v, count);
        System.arraycopy(v, 0, out, at, count);
      }
    }
  }

  private static void subtract(float[] v, float[] other, int count) {
    for (int i = 0; i < count; i++) {
      v[i] -= other[i];
    }
  }

  /** Files are untrusted, so that the groups are checked for each tile. */
  private int[] groups(byte[] cells) {
    try {
      return weight.encoding().groupOfColumns(cells, cols);
    } catch (IllegalArgumentException e) {
      throw new ModelFormatException(
          ModelFormatException.Reason.TENSOR_BOUNDS,
          weight.name(),
          "the groups of its columns",
          e.getMessage() + ". The file is damaged; fetch it again.",
          e);
    }
  }

  /** Long rows that have one scale each: a product for each code, and then a lookup. */
  private void rows(Codes numbers, Scale scales, Optional<Spread> zeros, int height, float[] out) {
    float[] products = new float[numbers.table.length];
    float[] scale = new float[1];
    float[] zero = new float[1];
    boolean same = false;
    for (int row = 0; row < height; row++) {
      if (!same) {
        scales.read(row, 0, 1, scale);
        if (zeros.isPresent()) {
          zeros.get().read(row, 0, 1, zero);
        }
        same = scales.isSingle() && zeros.filter(z -> !z.cells.single).isEmpty();
        for (int i = 0; i < products.length; i++) {
          products[i] = (numbers.table[i] - zero[0]) * scale[0];
        }
        round(products, products.length);
      }
      int at = row * cols;
      for (int i = at; i < at + cols; i++) {
        out[i] = products[numbers.bytes[i] & 0xFF];
      }
    }
  }

  private void lookup(Formula.Lookup lookup, EncodedTile tile, float[] out) {
    byte[] codes = tile.part(lookup.codes());
    Part table = part(lookup.table());
    float[] levels = table.toFloats(tile.part(table.name()));
    Scale scales = new Scale(lookup.scales(), tile, NO_INDEX);
    Cells cells = new Cells(table);
    int chunk = Math.min(cols, CHUNK);
    float[] v = new float[chunk];
    float[] scale = new float[chunk];
    float[] none = new float[chunk];
    for (int row = 0; row < tile.height(); row++) {
      for (int col = 0; col < cols; col += chunk) {
        int count = Math.min(chunk, cols - col);
        int at = row * cols + col;
        for (int done = 0; done < count; ) {
          int first = cells.first(row, col + done);
          int end = cells.end(col + done, col + count) - col;
          for (int i = done; i < end; i++) {
            v[i] = levels[first + (codes[at + i] & 0xFF)];
          }
          done = end;
        }
        if (!lookup.scales().isEmpty()) {
          scales.read(row, col, count, scale);
          ProductRounding.products(v, scale, none, count);
        }
        round(v, count);
        System.arraycopy(v, 0, out, at, count);
      }
    }
  }

  private void round(float[] v, int count) {
    round(type, v, count);
  }

  private static void round(ElementType to, float[] v, int count) {
    if (to == ElementType.FLOAT16 || to == ElementType.BFLOAT16) {
      BoundKernels.current().round(to, v, count);
    }
  }

  /** Finds the cell of a part that covers an element. */
  private final class Cells {
    private final boolean single;
    private final int rowsPerCell;
    private final long colsPerCell;
    private final int width;
    private final int across;

    Cells(Part part) {
      if (part.extent() instanceof Part.Grid grid) {
        this.single = false;
        this.rowsPerCell = grid.rowsPerCell();
        this.colsPerCell = grid.colsPerCell();
        this.width = grid.width();
        this.across = Math.toIntExact(grid.cellCols(cols));
      } else {
        this.single = true;
        this.rowsPerCell = 1;
        this.colsPerCell = Part.Grid.ALL;
        this.width = 1;
        this.across = 0;
      }
    }

    /** {@return the index of the first cell of the field that covers an element} */
    int first(int row, int col) {
      return single ? 0 : row / rowsPerCell * across + (int) (col / colsPerCell) * width;
    }

    /** {@return whether cells are as many columns of one row each, so that rows end with one} */
    boolean isRun() {
      return !single && rowsPerCell == 1 && width == 1 && cols % colsPerCell == 0;
    }

    /** {@return the first column after {@code col} that belongs to another field} */
    int end(int col, int limit) {
      return single ? limit : (int) Math.min(limit, (col / colsPerCell + 1) * colsPerCell);
    }
  }

  /** Expands a part with one cell for many elements to one value per element. */
  private final class Spread {
    private final float[] numbers;
    private final Cells cells;

    /** The group of each column; empty if the columns of a group lie side by side. */
    private final int[] index;

    Spread(Part part, EncodedTile tile, int[] index) {
      this.numbers = part.toFloats(tile.part(part.name()));
      this.cells = new Cells(part);
      this.index = isPerRow() ? NO_INDEX : index;
    }

    /** Whether one number is for a whole row, or for all. */
    boolean isPerRow() {
      return cells.single || cells.colsPerCell >= cols;
    }

    /** Whether one number is for so many columns side by side that they are worth a call. */
    boolean isLong() {
      return index.length == 0 && (isPerRow() || cells.colsPerCell >= RUN);
    }

    void read(int row, int col, int count, float[] to) {
      if (index.length > 0) {
        int first = cells.first(row, 0);
        for (int i = 0; i < count; i++) {
          to[i] = numbers[first + index[col + i]];
        }
        return;
      }
      for (int done = 0; done < count; ) {
        int end = cells.end(col + done, col + count) - col;
        Arrays.fill(to, done, end, numbers[cells.first(row, col + done)]);
        done = end;
      }
    }
  }

  /** The product of the factors of a scale. */
  private final class Scale {
    private final List<Formula.Factor> factors;
    private final List<Spread> spreads;
    private final float[] next = new float[Math.min(cols, CHUNK)];

    Scale(List<Formula.Factor> factors, EncodedTile tile, int[] index) {
      this.factors = factors;
      this.spreads = factors.stream().map(f -> new Spread(part(f.part()), tile, index)).toList();
    }

    boolean isPerRow() {
      return spreads.stream().allMatch(Spread::isPerRow);
    }

    boolean isLong() {
      return spreads.size() == 1 && !factors.get(0).divides() && spreads.get(0).isLong();
    }

    boolean isSingle() {
      return spreads.stream().allMatch(spread -> spread.cells.single);
    }

    /**
     * {@return the largest product of the factors; infinite if a factor is not positive and finite}
     */
    double greatest() {
      double greatest = 1;
      for (int f = 0; f < spreads.size(); f++) {
        float most = 0;
        float least = Float.POSITIVE_INFINITY;
        for (float number : spreads.get(f).numbers) {
          most = Math.max(most, number);
          least = Math.min(least, number);
        }
        if (!(least > 0)) {
          return Double.POSITIVE_INFINITY;
        }
        greatest = factors.get(f).divides() ? greatest / least : greatest * most;
      }
      return greatest;
    }

    void read(int row, int col, int count, float[] to) {
      read(row, col, count, to, ElementType.FLOAT32);
    }

    /** Reads the product, each operation rounded to a type. */
    void read(int row, int col, int count, float[] to, ElementType steps) {
      spreads.get(0).read(row, col, count, to);
      if (factors.get(0).divides()) {
        for (int i = 0; i < count; i++) {
          to[i] = 1 / to[i];
        }
        round(steps, to, count);
      }
      for (int f = 1; f < spreads.size(); f++) {
        spreads.get(f).read(row, col, count, next);
        if (factors.get(f).divides()) {
          for (int i = 0; i < count; i++) {
            to[i] /= next[i];
          }
        } else {
          for (int i = 0; i < count; i++) {
            to[i] *= next[i];
          }
        }
        round(steps, to, count);
      }
    }
  }

  /**
   * {@return whether that can round: codes have a sign and no infinity, scales are positive, and
   * products are within the type and far from the end of float32}
   */
  private boolean isSmooth(ElementType codes, Scale scales) {
    return (type == ElementType.FLOAT16 || type == ElementType.BFLOAT16)
        && codes.isSmallFloat()
        && codes.signed()
        && codes != ElementType.FLOAT8_E5M2
        && scales.greatest() * codes.maxValue()
            <= (type == ElementType.FLOAT16 ? Float16.MAX_VALUE / 2 : 0x1p100f);
  }

  /**
   * {@return whether {@link ProductRounding} can round: codes are integers, and scales have the
   * weight's type and their products with any level of 9 bits are 0 or normal values of that type}
   */
  private boolean isShort(Formula.Affine affine, Scale scales) {
    if ((type != ElementType.FLOAT16 && type != ElementType.BFLOAT16)
        || affine.scales().get(0).divides()
        || part(affine.scales().get(0).part()).type() != type
        || !part(affine.codes()).type().isCode()
        || affine.zeroPoint().filter(name -> !part(name).type().isCode()).isPresent()) {
      return false;
    }
    for (float scale : scales.spreads.get(0).numbers) {
      if (!ProductRounding.isComfortable(type, scale)) {
        return false;
      }
    }
    return true;
  }
}
