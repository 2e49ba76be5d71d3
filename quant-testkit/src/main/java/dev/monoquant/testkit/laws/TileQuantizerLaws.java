package dev.monoquant.testkit.laws;

import ai.djl.ndarray.NDArray;
import dev.monoquant.QuantException;
import dev.monoquant.model.ElementType;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.testkit.SchemeCase;
import dev.monoquant.testkit.SchemeCase.Span;
import dev.monoquant.testkit.fakes.LiveArrays;
import dev.monoquant.testkit.fakes.MemoryTile;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Part;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Laws for the {@link TileQuantizer} of a scheme and one tile. {@link TileIndependenceLaws} check
 * several tiles.
 *
 * <p>Check them on cases that are {@link SchemeCase#accepted()}.
 */
public final class TileQuantizerLaws {

  private TileQuantizerLaws() {}

  /** {@return every law that holds for all schemes, here and in {@link TileIndependenceLaws}} */
  public static List<Law<SchemeCase>> all() {
    return List.of(
        new Law<>("throwsOnlyOnPurpose", TileQuantizerLaws::throwsOnlyOnPurpose),
        new Law<>("returnsDeclaredParts", TileQuantizerLaws::returnsDeclaredParts),
        new Law<>("repeats", TileIndependenceLaws::repeats),
        new Law<>("codesFitTheirType", TileQuantizerLaws::codesFitTheirType),
        new Law<>("floatsAreFinite", TileQuantizerLaws::floatsAreFinite),
        new Law<>("scalesAreNotZero", TileQuantizerLaws::scalesAreNotZero),
        new Law<>("readsOnlyItsValues", TileQuantizerLaws::readsOnlyItsValues),
        new Law<>("retainsNothing", TileIndependenceLaws::retainsNothing),
        new Law<>("orderDoesNotMatter", TileIndependenceLaws::orderDoesNotMatter),
        new Law<>("threadsDoNotMatter", TileIndependenceLaws::threadsDoNotMatter),
        new Law<>("heightDoesNotMatter", TileIndependenceLaws::heightDoesNotMatter),
        new Law<>("tiesGoToEven", RoundingLaws::tiesGoToEven));
  }

  /**
   * For finite values, quantizing and decoding throw nothing except a {@link QuantException} that
   * states the fault.
   *
   * @param c a case; it may be refused
   */
  public static void throwsOnlyOnPurpose(SchemeCase c) {
    try {
      EncodedTile tile = c.quantize();
      c.decode(tile);
      for (int row = 0; row < tile.height(); row++) {
        c.bound().of(tile, row);
      }
    } catch (QuantException refused) {
      // A scheme may refuse a case; the contract checks that it does not refuse all of them.
      return;
    } catch (RuntimeException | LinkageError e) {
      throw new LawViolation("throwsOnlyOnPurpose", c, e.toString(), e);
    }
  }

  /**
   * The result for a tile of any height has the tile's first row and height and exactly the tiled
   * parts of the encoding, each of exactly the declared size. {@link TileQuantizer#tensorParts} are
   * exactly the whole parts, the same at each call; a group index names existing groups.
   *
   * @param c an accepted case
   */
  public static void returnsDeclaredParts(SchemeCase c) {
    String law = "returnsDeclaredParts";
    TileQuantizer worker = c.begin();
    List<Part> tiled = c.encoding().parts().stream().filter(Part::tiled).toList();
    for (int height : new int[] {1, 2, c.weight().height()}) {
      for (Span span : c.spans(height)) {
        EncodedTile tile = c.quantize(worker, span.firstRow(), span.height());
        if (tile.firstRow() != span.firstRow() || tile.height() != span.height()) {
          throw new LawViolation(
              law,
              c,
              "the result has %2$d rows from %1$d on, for %3$s"
                  .formatted(tile.firstRow(), tile.height(), span));
        }
        requireSizes(law, c, tile, tiled, span.height());
      }
    }
    List<Part> whole = c.encoding().parts().stream().filter(p -> !p.tiled()).toList();
    EncodedTile parts = Parts.whole(worker.tensorParts());
    requireSizes(law, c, parts, whole, c.weight().height());
    requireGroups(law, c, parts);
    Parts.difference(parts, Parts.whole(worker.tensorParts()))
        .ifPresent(
            d -> {
              throw new LawViolation(law, c, "a second call of whole: " + d);
            });
  }

  private static void requireGroups(String law, SchemeCase c, EncodedTile whole) {
    c.encoding()
        .groupIndex()
        .ifPresent(
            index -> {
              try {
                c.encoding().groupOfColumns(whole.part(index.name()), c.weight().cols());
              } catch (IllegalArgumentException e) {
                throw new LawViolation(law, c, String.valueOf(e.getMessage()), e);
              }
            });
  }

  private static void requireSizes(
      String law, SchemeCase c, EncodedTile tile, List<Part> declared, int height) {
    Set<String> names = declared.stream().map(Part::name).collect(Collectors.toSet());
    if (!tile.names().equals(names)) {
      throw new LawViolation(
          law,
          c,
          "it returned the parts %s; the encoding declares %s"
              .formatted(new TreeSet<>(tile.names()), new TreeSet<>(names)));
    }
    for (Part part : declared) {
      long expected = part.tileBytes(height, c.weight().cols());
      if (tile.part(part.name()).length != expected) {
        throw new LawViolation(
            law,
            c,
            "part %s of %d rows has %d bytes; the encoding declares %d"
                .formatted(part.name(), height, tile.part(part.name()).length, expected));
      }
    }
  }

  /**
   * Every cell of a code type below 8 bits holds a value of that type, sign-extended if the type is
   * signed.
   *
   * @param c an accepted case; the law does not apply if no part has such a type
   */
  public static void codesFitTheirType(SchemeCase c) {
    if (c.encoding().parts().stream().noneMatch(p -> p.type().isCode() && p.type().bits() < 8)) {
      throw new NotApplicable("codesFitTheirType", "no part has codes below 8 bits");
    }
    EncodedTile tile = c.quantize();
    for (Part part : c.encoding().parts()) {
      ElementType type = part.type();
      byte[] bytes = tile.part(part.name());
      for (int i = 0; type.isCode() && i < bytes.length; i++) {
        int code = Parts.code(type, bytes[i]);
        if (code < type.minCode() || code > type.maxCode()) {
          throw new LawViolation(
              "codesFitTheirType",
              c,
              "cell %d of part %s is %d; %s holds %d to %d"
                  .formatted(i, part.name(), code, type.wire(), type.minCode(), type.maxCode()));
        }
      }
    }
  }

  /**
   * Every cell of a floating point part is finite.
   *
   * @param c an accepted case; the law does not apply if no part has such a type
   */
  public static void floatsAreFinite(SchemeCase c) {
    if (c.encoding().parts().stream().noneMatch(p -> p.type().isQuantizable())) {
      throw new NotApplicable("floatsAreFinite", "no part is of a floating point type");
    }
    EncodedTile tile = c.quantize();
    for (Part part : c.encoding().parts()) {
      float[] cells = Parts.floats(part, tile.part(part.name())).orElse(new float[0]);
      for (int i = 0; i < cells.length; i++) {
        if (!Float.isFinite(cells[i])) {
          throw new LawViolation(
              "floatsAreFinite", c, "cell %d of part %s is %s".formatted(i, part.name(), cells[i]));
        }
      }
    }
  }

  /**
   * No factor of a scale that has a floating point type of 16 bits or more is zero, because readers
   * divide by it. (A factor of 8 bits may be one of two levels.) In an opaque encoding, the scale
   * is the part {@link Part#SCALE}.
   *
   * @param c an accepted case; the law does not apply if there is no such part
   */
  public static void scalesAreNotZero(SchemeCase c) {
    String law = "scalesAreNotZero";
    List<Part> scales =
        Parts.scales(c.encoding()).stream().filter(p -> p.type().isQuantizable()).toList();
    if (scales.isEmpty()) {
      throw new NotApplicable(law, "no scale is of a floating point type of 16 bits or more");
    }
    EncodedTile tile = c.quantize();
    for (Part part : scales) {
      float[] cells = part.toFloats(tile.part(part.name()));
      for (int i = 0; i < cells.length; i++) {
        if (cells[i] == 0) {
          throw new LawViolation(law, c, "%s %d is %s".formatted(part.name(), i, cells[i]));
        }
      }
    }
  }

  /**
   * Elements of {@link dev.monoquant.tile.Tile#values()} after the tile's values are ignored:
   * buffers are reused and may be longer than the tile.
   *
   * @param c an accepted case
   */
  public static void readsOnlyItsValues(SchemeCase c) {
    TileQuantizer worker = c.begin();
    EncodedTile expected = c.quantize(worker, 0, c.weight().height());
    try (MemoryTile exact = c.tile(0, c.weight().height());
        MemoryTile longer = exact.withSlack(2 * c.weight().cols() + 3)) {
      EncodedTile actual = worker.quantize(longer);
      Parts.difference(expected, actual)
          .ifPresent(
              d -> {
                throw new LawViolation(
                    "readsOnlyItsValues", c, "with NaN after the last value, " + d);
              });
    }
  }

  /**
   * Torch and plain Java give the same bits. For schemes that support both.
   *
   * @param c an accepted case
   */
  public static void torchEqualsJvm(SchemeCase c) {
    EncodedTile expected = computed(c, Compute.JVM);
    for (Compute compute : List.of(Compute.TORCH, Compute.AUTO)) {
      Parts.difference(expected, computed(c, compute))
          .ifPresent(
              d -> {
                throw new LawViolation(
                    "torchEqualsJvm", c, "%s differs from jvm: %s".formatted(compute.wire(), d));
              });
    }
  }

  private static EncodedTile computed(SchemeCase c, Compute compute) {
    return new SchemeCase(c.scheme(), c.weight(), c.options(), compute).quantize();
  }

  /**
   * After the call returns and the tile is closed, no array is left open: neither one detached from
   * the tile's manager nor one of a manager that the scheme created. Needs an engine. No other
   * thread may use arrays meanwhile.
   *
   * @param c an accepted case
   */
  public static void leavesNoArrays(SchemeCase c) {
    String law = "leavesNoArrays";
    quantizeOnce(law, c); // The first call may create and keep constants.
    int before = LiveArrays.count();
    quantizeOnce(law, c);
    int after = LiveArrays.count();
    if (after != before) {
      throw new LawViolation(
          law, c, "%d arrays are open, %d were before the call".formatted(after, before));
    }
  }

  private static void quantizeOnce(String law, SchemeCase c) {
    TileQuantizer worker = c.begin();
    Optional<NDArray> own;
    try (MemoryTile tile = c.tile(0, c.weight().height())) {
      worker.quantize(tile);
      own = tile.arrayIfAsked();
    }
    if (own.isPresent() && !LiveArrays.isFreed(own.get())) {
      throw new LawViolation(law, c, "the array of the tile was detached from its manager");
    }
  }
}
