package dev.monoquant.script;

import dev.monoquant.layout.Packing;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Part;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * How a holder decodes a weight, and how its parts are stored as tensors.
 *
 * @param weight the weight
 * @param kind the kind of codec
 */
record Codec(EncodedWeight weight, Kind kind) {

  /** Kinds of codecs; the numbers are stored in the state of a holder. */
  enum Kind {
    /**
     * Integer codes with one scale and optional zero points, which integer kernels can multiply;
     * and optional factors of columns, by which kernels divide inputs.
     */
    AFFINE(0),
    /** The numbers cast to a shorter type. */
    VALUES(1),
    /** Any other formula, or TorchScript source that a scheme provides. */
    SCRIPT(2);

    private final int code;

    Kind(int code) {
      this.code = code;
    }
  }

  private static final int AFFINE_FIELDS = 7;

  /**
   * A part as a tensor.
   *
   * @param part the part
   * @param type the type of its storage
   * @param shape its stored shape; cells of less than 8 bits are packed along the last axis
   * @param cells the number of cells in one of its rows
   */
  record Stored(Part part, ElementType type, List<Long> shape, long cells) {

    Stored {
      shape = List.copyOf(shape);
    }

    long elements() {
      return shape.stream().reduce(1L, Math::multiplyExact);
    }
  }

  /** {@return the codec, or empty if there is none for the weight} */
  static Optional<Codec> of(EncodedWeight weight) {
    if (isAffine(weight)) {
      return Optional.of(new Codec(weight, Kind.AFFINE));
    }
    if (isValues(weight)) {
      return Optional.of(new Codec(weight, Kind.VALUES));
    }
    return script(weight).map(s -> new Codec(weight, Kind.SCRIPT));
  }

  private static Optional<String> script(EncodedWeight weight) {
    return weight.encoding().formula() instanceof Formula.Opaque
        ? weight.script()
        : FormulaScript.of(weight.matrix(), weight.encoding());
  }

  /** {@return the body of the decoding function of a codec of kind SCRIPT} */
  String script() {
    return script(weight).orElseThrow();
  }

  private static boolean isValues(EncodedWeight weight) {
    return weight.encoding().formula() instanceof Formula.Cast cast
        && weight.encoding().part(cast.values()).type().isQuantizable();
  }

  private static boolean isAffine(EncodedWeight weight) {
    if (!(weight.encoding().undivided().formula() instanceof Formula.Affine affine)
        || affine.scales().size() != 1
        || !affine.minimums().isEmpty()
        || affine.groupIndex().isPresent()
        || affine.arithmetic() != ElementType.FLOAT32
        || affine.scales().get(0).divides()) {
      return false;
    }
    Part scale = weight.encoding().part(affine.scales().get(0).part());
    return weight.encoding().part(affine.codes()).type().isCode()
        && scale.type().isQuantizable()
        && affine
            .zeroPoint()
            .map(weight.encoding()::part)
            .filter(z -> !z.extent().equals(scale.extent()) || !z.type().isCode())
            .isEmpty();
  }

  /** {@return whether one row can be decoded without the others} */
  boolean isRowwise() {
    return weight.matrix().rowAxis() == 0
        && (kind == Kind.VALUES
            || (kind == Kind.AFFINE
                && (!(scale().extent() instanceof Part.Grid grid) || grid.rowsPerCell() == 1)));
  }

  /** {@return whether an integer kernel multiplies the codes as they are stored} */
  boolean isKernel(boolean transposed) {
    return kind == Kind.AFFINE
        && weight.matrix().rowAxis() == (transposed ? 1 : 0)
        && scaleCells() == 1;
  }

  /** {@return whether codes have 8 bits, with one scale for each row or one for all} */
  boolean isTable() {
    return kind == Kind.AFFINE
        && !isDivided()
        && weight.matrix().rowAxis() == 0
        && scaleCells() == 1
        && codes().type().bits() == 8;
  }

  /** {@return whether a convolution kernel can multiply the codes: signed, no zero points} */
  boolean isWindowKernel() {
    return isKernel(false)
        && !isDivided()
        && codes().type().signed()
        && affine().zeroPoint().isEmpty();
  }

  /**
   * {@return the greatest distance between a code that a kernel multiplies and the zero point of
   * its row}
   *
   * @param own whether the kernel takes the stored codes; otherwise the weight is rounded again
   */
  long weightSteps(boolean own) {
    if (!own || codes().type().bits() < Byte.SIZE) {
      return Byte.MAX_VALUE;
    }
    boolean centred = codes().type().signed() && weight.encoding().find(Part.ZERO_POINT).isEmpty();
    return centred ? -Byte.MIN_VALUE : 2 * Byte.MAX_VALUE + 1;
  }

  /** {@return whether what a kernel adds up has to be corrected for zero points} */
  boolean hasZeroPoints() {
    return kind == Kind.AFFINE && affine().zeroPoint().isPresent();
  }

  /** {@return whether kernels divide inputs by factors of columns} */
  boolean isDivided() {
    return kind == Kind.AFFINE && weight.encoding().columnFactors().isPresent();
  }

  Part codes() {
    return weight.encoding().part(affine().codes());
  }

  private Part scale() {
    return weight.encoding().part(affine().scales().get(0).part());
  }

  private Optional<Part> zeroPoint() {
    return affine().zeroPoint().map(weight.encoding()::part);
  }

  private Formula.Affine affine() {
    return (Formula.Affine) weight.encoding().undivided().formula();
  }

  private long scaleCells() {
    TensorShape shape = scale().shape(weight.matrix().rowCount(), weight.matrix().columnCount());
    return scale().tiled() ? shape.dim(1) : 1;
  }

  /** {@return its parts as tensors, the codes first; of integer codes the factors last} */
  List<Stored> stored() {
    List<Stored> all = new ArrayList<>();
    if (kind == Kind.AFFINE) {
      all.add(stored(codes()));
      all.add(stored(scale()));
      zeroPoint().ifPresent(z -> all.add(stored(z)));
      weight.encoding().columnFactors().ifPresent(f -> all.add(stored(f)));
    } else {
      weight.encoding().parts().forEach(p -> all.add(stored(p)));
    }
    return all;
  }

  private Stored stored(Part part) {
    TensorShape cells = part.shape(weight.matrix().rowCount(), weight.matrix().columnCount());
    long[] dims = cells.rank() == 0 ? new long[] {1} : cells.dims();
    boolean packed = part.type().bits() < 8;
    if (dims.length == 1 && (packed || kind != Kind.SCRIPT)) {
      dims = new long[] {1, dims[0]};
    }
    long last = dims[dims.length - 1];
    if (packed && dims.length > 2) {
      dims =
          new long[] {Arrays.stream(dims, 0, dims.length - 1).reduce(1, Math::multiplyExact), last};
    }
    if (packed) {
      dims[dims.length - 1] = Packing.BITS.elements(part.type(), last);
    }
    ElementType type = packed || !Pickles.hasStorage(part.type()) ? ElementType.UINT8 : part.type();
    return new Stored(part, type, Arrays.stream(dims).boxed().toList(), last);
  }

  /** {@return the numbers in the state of a holder that describe the decoding} */
  List<Integer> numbers() {
    List<Integer> numbers = new ArrayList<>();
    numbers.add(kind.code);
    if (kind == Kind.AFFINE) {
      Optional<Part> zero = zeroPoint();
      numbers.add(codes().type().bits());
      numbers.add(codes().type().signed() ? 1 : 0);
      numbers.add(zero.map(z -> z.type().bits()).orElse(0));
      numbers.add(zero.map(z -> z.type().signed() ? 1 : 0).orElse(0));
      long rows = weight.matrix().rowCount();
      long cols = weight.matrix().columnCount();
      boolean grid = scale().extent() instanceof Part.Grid;
      numbers.add(
          grid ? Math.min(((Part.Grid) scale().extent()).rowsPerCell(), clamp(rows)) : clamp(rows));
      numbers.add(
          grid ? clamp(Math.min(((Part.Grid) scale().extent()).colsPerCell(), cols)) : clamp(cols));
    }
    while (numbers.size() < AFFINE_FIELDS) {
      numbers.add(0);
    }
    stored().forEach(s -> numbers.add(clamp(s.cells())));
    return numbers;
  }

  private static int clamp(long value) {
    return (int) Math.min(value, Integer.MAX_VALUE);
  }
}
