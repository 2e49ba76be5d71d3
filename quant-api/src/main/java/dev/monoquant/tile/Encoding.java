package dev.monoquant.tile;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The parts of a quantized weight and their meaning. They follow from shapes and options alone, so
 * the size of an output and the formats that can store it are known before any value is read.
 *
 * <p>What this type does not do: it does not describe files. An {@link
 * dev.monoquant.spi.OutputFormat} defines how a part is packed and named in a file.
 *
 * @param parts the parts, the codes first by convention
 * @param formula how to decode the weight from the parts
 */
public record Encoding(List<Part> parts, Formula formula) {

  /** Copies the list and checks that names are unique and that the formula fits the parts. */
  public Encoding {
    parts = List.copyOf(parts);
    requireNonNull(formula, "formula");
    Map<String, Part> unused = new LinkedHashMap<>();
    for (Part part : parts) {
      if (unused.put(part.name(), part) != null) {
        throw new IllegalArgumentException("two parts are named " + part.name());
      }
    }
    if (parts.isEmpty()) {
      throw new IllegalArgumentException("an encoding needs at least one part");
    }
    if (!(formula instanceof Formula.Opaque)) {
      check(formula, unused);
      if (!unused.isEmpty()) {
        throw new IllegalArgumentException(
            "the formula " + formula + " does not use the parts " + unused.keySet());
      }
    }
  }

  private static void check(Formula formula, Map<String, Part> unused) {
    if (formula instanceof Formula.Divided divided) {
      requireLine(
          take(divided.factors(), unused),
          ElementType.FLOAT32,
          "the factors of columns are a line of F32, one for each column");
      check(divided.inner(), unused);
    } else if (formula instanceof Formula.Cast cast) {
      Part values = take(cast.values(), unused);
      require(
          values,
          values.isPerElement() && values.type().isFloatingPoint(),
          "a cast needs a floating point number for each of the weight's");
    } else if (formula instanceof Formula.Affine affine) {
      Part codes = take(affine.codes(), unused);
      require(
          codes,
          codes.isPerElement() && (codes.type().isCode() || codes.type().isSmallFloat()),
          "codes are integers or floats of at most 8 bits, one for each number of the weight");
      List<Part> shared = new ArrayList<>();
      affine.scales().forEach(factor -> shared.add(checkShared(take(factor.part(), unused))));
      affine.zeroPoint().ifPresent(name -> shared.add(checkShared(take(name, unused))));
      affine.minimums().forEach(factor -> shared.add(checkShared(take(factor.part(), unused))));
      affine.groupIndex().ifPresent(name -> checkIndex(take(name, unused), shared));
    } else if (formula instanceof Formula.Lookup lookup) {
      Part codes = take(lookup.codes(), unused);
      require(
          codes,
          codes.isPerElement() && codes.type().isCode() && !codes.type().signed(),
          "indices are unsigned integers of at most 8 bits, one for each number of the weight");
      Part table = take(lookup.table(), unused);
      require(
          table,
          table.type().isFloatingPoint() && levels(table) > codes.type().maxCode(),
          "a table needs a floating point number for each code from 0 to "
              + codes.type().maxCode());
      lookup.scales().forEach(factor -> checkShared(take(factor.part(), unused)));
    }
  }

  private static void checkIndex(Part index, List<Part> shared) {
    requireLine(index, ElementType.INT32, "a group index is a line of I32, one for each column");
    List<Long> sizes =
        shared.stream()
            .filter(part -> part.extent() instanceof Part.Grid)
            .map(part -> ((Part.Grid) part.extent()).colsPerCell())
            .filter(size -> size != Part.Grid.ALL)
            .distinct()
            .toList();
    if (sizes.size() != 1) {
      throw new IllegalArgumentException(
          "a group index needs parts with groups of one size, and they have the sizes " + sizes);
    }
  }

  private static void requireLine(Part part, ElementType type, String rule) {
    require(
        part,
        part.type() == type && part.extent() instanceof Part.Whole whole && whole.own().rank() == 1,
        rule);
  }

  private static Part checkShared(Part part) {
    boolean single =
        part.extent() instanceof Part.Grid grid
            ? grid.width() == 1
            : part.extent().shape(1, 1).elements() == 1;
    require(
        part,
        single && isNumeric(part),
        "scales and zero points are integers of at most 8 bits or floats, one for each cell of a"
            + " grid or one for the weight");
    return part;
  }

  private static boolean isNumeric(Part part) {
    return part.type().isCode() || part.type().isFloatingPoint();
  }

  /** {@return the number of levels of a table; 0 if the part is not a table} */
  private static long levels(Part table) {
    if (table.extent() instanceof Part.Grid grid) {
      return grid.width();
    }
    TensorShape shape = table.extent().shape(1, 1);
    return shape.rank() == 1 ? shape.dim(0) : 0;
  }

  private static Part take(String name, Map<String, Part> unused) {
    Part part = unused.remove(name);
    if (part == null) {
      throw new IllegalArgumentException(
          "the formula uses a part " + name + " that is not there, or twice");
    }
    return part;
  }

  private static void require(Part part, boolean fits, String rule) {
    if (!fits) {
      throw new IllegalArgumentException(
          "part "
              + part.name()
              + " of type "
              + part.type().wire()
              + " and extent "
              + part.extent()
              + ": "
              + rule);
    }
  }

  /**
   * {@return an affine encoding without zero point, {@code x = codes * scale}}
   *
   * @param codes a code for each value
   * @param scale the scale
   */
  public static Encoding affine(Part codes, Part scale) {
    return new Encoding(
        List.of(codes, scale), new Formula.Affine(codes.name(), factor(scale), Optional.empty()));
  }

  /**
   * {@return an affine encoding, {@code x = (codes - zeroPoint) * scale}}
   *
   * @param codes a code for each value
   * @param scale the scale
   * @param zeroPoint the zero point
   */
  public static Encoding affine(Part codes, Part scale, Part zeroPoint) {
    return new Encoding(
        List.of(codes, scale, zeroPoint),
        new Formula.Affine(codes.name(), factor(scale), Optional.of(zeroPoint.name())));
  }

  /**
   * {@return this affine encoding with the part {@link Part#GROUP_INDEX}, see {@link
   * Formula.Affine}}
   *
   * @param cols columns of the weight
   * @throws IllegalArgumentException if it is not affine, or has no groups
   */
  public Encoding withGroupIndex(long cols) {
    if (!(formula instanceof Formula.Affine affine)) {
      throw new IllegalArgumentException("the formula " + formula + " has no groups");
    }
    List<Part> all = new ArrayList<>(parts);
    all.add(new Part(Part.GROUP_INDEX, ElementType.INT32, new Part.Whole(TensorShape.of(cols))));
    return new Encoding(all, affine.withGroupIndex(Part.GROUP_INDEX));
  }

  /**
   * {@return this encoding with the part {@link Part#COLUMN_FACTORS}, see {@link Formula.Divided}}
   *
   * @param cols columns of the weight
   * @throws IllegalArgumentException if the formula cannot be divided
   */
  public Encoding divided(long cols) {
    List<Part> all = new ArrayList<>(parts);
    all.add(
        new Part(Part.COLUMN_FACTORS, ElementType.FLOAT32, new Part.Whole(TensorShape.of(cols))));
    return new Encoding(all, new Formula.Divided(formula, Part.COLUMN_FACTORS));
  }

  /** {@return this encoding without the division of columns; the same if there is none} */
  public Encoding undivided() {
    if (!(formula instanceof Formula.Divided divided)) {
      return this;
    }
    return new Encoding(
        parts.stream().filter(part -> !part.name().equals(divided.factors())).toList(),
        divided.inner());
  }

  /** {@return the part with the factor of each column; empty if columns are not divided} */
  public Optional<Part> columnFactors() {
    return formula instanceof Formula.Divided divided
        ? Optional.of(part(divided.factors()))
        : Optional.empty();
  }

  private static List<Formula.Factor> factor(Part scale) {
    return List.of(Formula.Factor.times(scale.name()));
  }

  /**
   * {@return an encoding that casts the weight to another type}
   *
   * @param values the cast values, one for each element of the weight
   */
  public static Encoding cast(Part values) {
    return new Encoding(List.of(values), new Formula.Cast(values.name()));
  }

  /**
   * {@return a lookup encoding, {@code x = table[codes]}}
   *
   * @param codes an index for each value
   * @param table the levels
   */
  public static Encoding lookup(Part codes, Part table) {
    return new Encoding(
        List.of(codes, table), new Formula.Lookup(codes.name(), table.name(), List.of()));
  }

  /**
   * {@return an encoding that only the scheme can decode}
   *
   * @param parts the parts
   */
  public static Encoding opaque(Part... parts) {
    return new Encoding(List.of(parts), new Formula.Opaque());
  }

  /**
   * Derives the formula from the conventional names of parts, for files that store no formula:
   * {@link Part#CODES} with {@link Part#SCALE} and optionally {@link Part#ZERO_POINT} is affine; a
   * single part {@link Part#VALUES} is a cast; anything else is opaque.
   *
   * @param parts the parts
   * @return their encoding
   */
  public static Encoding conventional(List<Part> parts) {
    Set<String> names = parts.stream().map(Part::name).collect(Collectors.toSet());
    Formula formula = new Formula.Opaque();
    if (names.equals(Set.of(Part.VALUES))) {
      formula = new Formula.Cast(Part.VALUES);
    } else if (names.equals(Set.of(Part.CODES, Part.SCALE))
        || names.equals(Set.of(Part.CODES, Part.SCALE, Part.ZERO_POINT))) {
      formula =
          new Formula.Affine(
              Part.CODES,
              List.of(Formula.Factor.times(Part.SCALE)),
              Optional.of(Part.ZERO_POINT).filter(names::contains));
    }
    try {
      return new Encoding(parts, formula);
    } catch (IllegalArgumentException e) {
      // With these types or extents the names have another meaning.
      return new Encoding(parts, new Formula.Opaque());
    }
  }

  /**
   * {@return the part of that name, or empty}
   *
   * @param name the name of a part
   */
  public Optional<Part> find(String name) {
    // No stream: a plan of 100,000 weights asks a million times.
    for (Part part : parts) {
      if (part.name().equals(name)) {
        return Optional.of(part);
      }
    }
    return Optional.empty();
  }

  /**
   * {@return the part of that name}
   *
   * @param name the name of a part
   * @throws NoSuchElementException if there is no part of that name
   */
  public Part part(String name) {
    return find(name)
        .orElseThrow(() -> new NoSuchElementException("no part " + name + " in " + parts));
  }

  /**
   * The part with one cell for each element of the weight: the codes or values of the formula; for
   * an opaque formula the first part with a cell for each element.
   *
   * @return that part; empty if the formula is opaque and there is no such part
   */
  public Optional<Part> numbers() {
    Formula coded = formula instanceof Formula.Divided divided ? divided.inner() : formula;
    if (coded instanceof Formula.Cast cast) {
      return find(cast.values());
    }
    if (coded instanceof Formula.Affine affine) {
      return find(affine.codes());
    }
    if (coded instanceof Formula.Lookup lookup) {
      return find(lookup.codes());
    }
    return parts.stream().filter(Part::isPerElement).findFirst();
  }

  /** {@return the part with the group of each column; empty if groups are runs of columns} */
  public Optional<Part> groupIndex() {
    Formula coded = formula instanceof Formula.Divided divided ? divided.inner() : formula;
    return coded instanceof Formula.Affine affine
        ? affine.groupIndex().map(this::part)
        : Optional.empty();
  }

  /**
   * The number of groups that a group index chooses from.
   *
   * @param cols columns of the weight
   * @return the fields along a row of the parts that have several
   * @throws NoSuchElementException if there is no group index
   */
  public int groups(long cols) {
    if (groupIndex().isEmpty()) {
      throw new NoSuchElementException("the formula " + formula + " has no group index");
    }
    Optional<Part> codes = numbers();
    return parts.stream()
        .filter(part -> !codes.equals(Optional.of(part)))
        .filter(part -> part.extent() instanceof Part.Grid)
        .map(part -> (Part.Grid) part.extent())
        .filter(grid -> grid.colsPerCell() != Part.Grid.ALL)
        .mapToInt(grid -> Math.toIntExact(grid.cellCols(cols)))
        .max()
        .orElseThrow();
  }

  /**
   * Reads a group index.
   *
   * @param cells the bytes of that part
   * @param cols columns of the weight
   * @return the group of each column
   * @throws IllegalArgumentException if there are more or fewer numbers than columns, or a number
   *     is no group
   * @throws NoSuchElementException if there is no group index
   */
  public int[] groupOfColumns(byte[] cells, long cols) {
    int groups = groups(cols);
    if (cells.length != Math.multiplyExact(cols, (long) Integer.BYTES)) {
      throw new IllegalArgumentException(
          "the group index has "
              + cells.length / Integer.BYTES
              + " numbers for "
              + cols
              + " columns");
    }
    int[] index = new int[cells.length / Integer.BYTES];
    ByteBuffer.wrap(cells).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(index);
    for (int column = 0; column < index.length; column++) {
      if (index[column] < 0 || index[column] >= groups) {
        throw new IllegalArgumentException(
            "column " + column + " is in group " + index[column] + " of " + groups);
      }
    }
    return index;
  }

  /**
   * The row alignment: every tile starts at a multiple of this number of rows, and every tile but
   * the last of a tensor has a multiple of it as its height.
   *
   * @return the least common multiple of the parts' rows per cell
   */
  public int rowAlignment() {
    int alignment = 1;
    for (Part part : parts) {
      if (part.extent() instanceof Part.Grid grid) {
        int cell = grid.rowsPerCell();
        alignment = Math.multiplyExact(alignment / gcd(alignment, cell), cell);
      }
    }
    return alignment;
  }

  /**
   * Checks that rows form a valid tile: the weight has them, and they start and end at cell
   * boundaries.
   *
   * @param matrix the weight
   * @param rows the rows
   * @throws IllegalArgumentException if they do not
   */
  public void checkRows(WeightMatrix matrix, RowRange rows) {
    int alignment = rowAlignment();
    boolean ends = rows.end() == matrix.rowCount() || rows.height() % alignment == 0;
    if (rows.height() < 1
        || rows.end() > matrix.rowCount()
        || rows.first() % alignment != 0
        || !ends) {
      throw new IllegalArgumentException(
          "rows "
              + rows.first()
              + " to "
              + rows.end()
              + " of "
              + matrix.tensor().name()
              + ", which has "
              + matrix.rowCount()
              + "; tiles start and end at multiples of "
              + alignment);
    }
  }

  /**
   * The size of all parts with codes packed without gaps along each row.
   *
   * @param rows rows of the weight
   * @param cols columns of the weight
   * @return bytes
   */
  public long packedBytes(long rows, long cols) {
    long sum = 0;
    for (Part part : parts) {
      sum = Math.addExact(sum, part.packedBytes(rows, cols));
    }
    return sum;
  }

  private static int gcd(int a, int b) {
    return b == 0 ? a : gcd(b, a % b);
  }
}
