package dev.monoquant.testkit.laws;

import dev.monoquant.model.RowRange;
import dev.monoquant.spi.ErrorBound;
import dev.monoquant.spi.TileDecoder;
import dev.monoquant.testkit.SchemeCase;
import dev.monoquant.testkit.SchemeCase.Span;
import dev.monoquant.testkit.data.Representable;
import dev.monoquant.testkit.data.WeightSample;
import dev.monoquant.testkit.fakes.LiveArrays;
import dev.monoquant.tile.EncodedTile;
import java.util.Arrays;
import java.util.List;

/**
 * Laws for the {@link TileDecoder} of a scheme.
 *
 * <p>Check them on cases that are {@link SchemeCase#accepted()}.
 */
public final class TileDecoderLaws {

  /**
   * Values that no decoder writes; with two of them, an element that was not written is detected.
   */
  private static final float[] GUARDS = {Float.NaN, -98765f};

  private static final int BEYOND = 7;

  private TileDecoderLaws() {}

  /** {@return every law that holds for all schemes} */
  public static List<Law<SchemeCase>> all() {
    return List.of(
        new Law<>("decodingReadsOnly", TileDecoderLaws::decodingReadsOnly),
        new Law<>("writesExactlyItsValues", TileDecoderLaws::writesExactlyItsValues),
        new Law<>("decodesRowsAlone", TileDecoderLaws::decodesRowsAlone),
        new Law<>("decodesToItsType", TileDecoderLaws::decodesToItsType),
        new Law<>("staysWithinErrorBound", TileDecoderLaws::staysWithinErrorBound));
  }

  /**
   * Decoding writes all {@code height * cols} elements and no others, and does not use the previous
   * content of the array.
   *
   * @param c an accepted case
   */
  public static void writesExactlyItsValues(SchemeCase c) {
    String law = "writesExactlyItsValues";
    EncodedTile tile = c.quantize();
    TileDecoder decoder = c.decoder();
    int count = tile.height() * c.weight().cols();
    float[][] out = new float[GUARDS.length][count + BEYOND];
    for (int g = 0; g < GUARDS.length; g++) {
      Arrays.fill(out[g], GUARDS[g]);
      decoder.decode(tile, out[g]);
      for (int i = count; i < out[g].length; i++) {
        if (Float.compare(out[g][i], GUARDS[g]) != 0) {
          throw new LawViolation(
              law,
              c,
              "decode wrote element %d, and the tile has %d values: %s"
                  .formatted(i, count, out[g][i]));
        }
      }
    }
    for (int i = 0; i < count; i++) {
      if (Float.compare(out[0][i], out[1][i]) != 0) {
        throw new LawViolation(
            law,
            c,
            "element %d is %s if the array held NaN, and %s if it held %s"
                .formatted(i, out[0][i], out[1][i], GUARDS[1]));
      }
    }
  }

  /**
   * Decoding changes no part, and gives the same values when repeated with the same decoder or a
   * new one.
   *
   * @param c an accepted case
   */
  public static void decodingReadsOnly(SchemeCase c) {
    String law = "decodingReadsOnly";
    EncodedTile tile = c.quantize();
    EncodedTile before = Parts.copy(tile);
    TileDecoder decoder = c.decoder();
    float[] first = new float[tile.height() * c.weight().cols()];
    decoder.decode(tile, first);
    Parts.difference(before, tile)
        .ifPresent(
            d -> {
              throw new LawViolation(law, c, "decode changed the tile: " + d);
            });
    float[] again = new float[first.length];
    decoder.decode(tile, again);
    requireEqual(law, c, first, again, "second call with the same tile");
    requireEqual(law, c, first, c.decode(tile), "another decoder with the same tile");
  }

  /**
   * The decoded values of a row and its error bound do not depend on the other rows of the tile.
   *
   * @param c an accepted case
   */
  public static void decodesRowsAlone(SchemeCase c) {
    String law = "decodesRowsAlone";
    EncodedTile all = c.quantize();
    ErrorBound declared = c.bound();
    float[] expected = c.decode(all);
    int cols = c.weight().cols();
    for (Span span : c.spans(1)) {
      EncodedTile some = all.slice(c.encoding(), new RowRange(span.firstRow(), span.height()));
      float[] rows =
          Arrays.copyOfRange(
              expected, span.firstRow() * cols, (span.firstRow() + span.height()) * cols);
      requireEqual(law, c, rows, c.decode(some), span.toString());
      for (int row = 0; row < span.height(); row++) {
        double bound = declared.of(all, span.firstRow() + row);
        double alone = declared.of(some, row);
        if (Double.compare(bound, alone) != 0) {
          throw new LawViolation(
              law,
              c,
              "the bound of %s is %s, and of the row alone %s".formatted(span, bound, alone));
        }
      }
    }
  }

  /**
   * Every decoded value is finite and representable in the weight's type, so that a float model can
   * be written without further rounding.
   *
   * @param c an accepted case
   */
  public static void decodesToItsType(SchemeCase c) {
    float[] decoded = c.decode(c.quantize());
    for (int i = 0; i < decoded.length; i++) {
      if (!Float.isFinite(decoded[i]) || !Representable.isIn(c.weight().type(), decoded[i])) {
        throw new LawViolation(
            "decodesToItsType",
            c,
            "value %d is %s, which is not a value of %s"
                .formatted(i, decoded[i], c.weight().type().wire()));
      }
    }
  }

  /**
   * No decoded value differs from the original by more than the bound of its row; the bound is not
   * NaN and not negative.
   *
   * @param c an accepted case; the law does not apply if no row has a finite bound
   */
  public static void staysWithinErrorBound(SchemeCase c) {
    String law = "staysWithinErrorBound";
    boolean judged = false;
    EncodedTile tile = c.quantize();
    ErrorBound declared = c.bound();
    float[] decoded = c.decode(tile);
    float[] original = c.weight().values();
    for (int row = 0; row < tile.height(); row++) {
      double bound = declared.of(tile, row);
      if (!(bound >= 0)) {
        throw new LawViolation(law, c, "the bound of row " + row + " is " + bound);
      }
      judged |= Double.isFinite(bound);
      for (int i = row * c.weight().cols(); i < (row + 1) * c.weight().cols(); i++) {
        double error = Math.abs((double) decoded[i] - original[i]);
        if (!(error <= bound)) {
          throw new LawViolation(
              law,
              c,
              "row %d, column %d: %s is decoded to %s, an error of %s; the bound is %s"
                  .formatted(
                      row, i - row * c.weight().cols(), original[i], decoded[i], error, bound));
        }
      }
    }
    if (!judged) {
      throw new NotApplicable(law, "no row has a finite error bound");
    }
  }

  /**
   * A row of zeros decodes to zeros. For schemes with a code for zero at any scale.
   *
   * @param c an accepted case; its values are not used
   */
  public static void zeroRowsDecodeToZero(SchemeCase c) {
    int height = c.weight().height();
    int cols = c.weight().cols();
    WeightSample zeros =
        WeightSample.of(c.weight().type(), height, cols, new float[height * cols])
            .as(c.weight().rows());
    SchemeCase z = c.on(zeros);
    float[] decoded = z.decode(z.quantize());
    for (int i = 0; i < decoded.length; i++) {
      if (decoded[i] != 0) {
        throw new LawViolation(
            "zeroRowsDecodeToZero",
            "%s on %d rows of %d zeros with %s"
                .formatted(c.scheme().id(), height, cols, c.options()),
            "value %d is %s".formatted(i, decoded[i]));
      }
    }
  }

  /**
   * Decoded values do not change when they are quantized and decoded again. For schemes whose
   * decoded values have the same scale as the original values.
   *
   * @param c an accepted case
   * @param tolerance how far a value may change, in units of its row's error bound; 0 for no change
   */
  public static void requantizingChangesNothing(SchemeCase c, double tolerance) {
    float[] once = c.decode(c.quantize());
    WeightSample decoded =
        WeightSample.of(c.weight().type(), c.weight().height(), c.weight().cols(), once)
            .as(c.weight().rows());
    SchemeCase again = c.on(decoded);
    EncodedTile tile = again.quantize();
    float[] twice = again.decode(tile);
    for (int i = 0; i < once.length; i++) {
      double bound = c.bound().of(tile, i / c.weight().cols());
      double allowed = tolerance == 0 ? 0 : tolerance * bound;
      if (!(Math.abs((double) twice[i] - once[i]) <= allowed)) {
        throw new LawViolation(
            "requantizingChangesNothing",
            c,
            "value %d is decoded to %s, and after another quantization to %s; allowed are %s"
                .formatted(i, once[i], twice[i], allowed));
      }
    }
  }

  /**
   * Decoding leaves no array open. Needs an engine. No other thread may use arrays meanwhile.
   *
   * @param c an accepted case
   */
  public static void leavesNoArrays(SchemeCase c) {
    EncodedTile tile = c.quantize();
    c.decode(tile); // The first call may create and keep constants.
    int before = LiveArrays.count();
    c.decode(tile);
    int after = LiveArrays.count();
    if (after != before) {
      throw new LawViolation(
          "leavesNoArrays",
          c,
          "%d arrays are open, %d were before the call".formatted(after, before));
    }
  }

  private static void requireEqual(
      String law, SchemeCase c, float[] expected, float[] actual, String when) {
    int at = Arrays.mismatch(expected, actual);
    if (at >= 0) {
      throw new LawViolation(
          law, c, "%s: value %d is %s instead of %s".formatted(when, at, actual[at], expected[at]));
    }
  }
}
