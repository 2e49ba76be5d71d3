package dev.monoquant.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.IntStream;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Every code of every small float, and every boundary between two of them, in plain doubles. */
class SmallFloatTest {

  /** A format as its specification has it; what is not finite by rule, not by table. */
  private record Format(
      ElementType type, int exponentBits, int fractionBits, int bias, boolean signed) {

    int bits() {
      return exponentBits + fractionBits + (signed ? 1 : 0);
    }

    double value(int code) {
      if (!signed) {
        return code == 255 ? Double.NaN : Math.pow(2, code - bias);
      }
      double sign = (code >> (exponentBits + fractionBits)) == 0 ? 1 : -1;
      int exponent = (code >> fractionBits) & ((1 << exponentBits) - 1);
      double fraction = (code & ((1 << fractionBits) - 1)) / Math.pow(2, fractionBits);
      boolean top = exponent == (1 << exponentBits) - 1;
      boolean nan =
          switch (type) {
            case FLOAT8_E4M3 -> top && fraction == 0.875;
            case FLOAT8_E5M2 -> top && fraction != 0;
            case FLOAT8_E4M3FNUZ, FLOAT8_E5M2FNUZ -> code == 0x80;
            default -> false;
          };
      if (nan) {
        return Double.NaN;
      }
      if (type == ElementType.FLOAT8_E5M2 && top) {
        return sign / 0.0;
      }
      return exponent == 0
          ? sign * Math.pow(2, 1 - bias) * fraction
          : sign * Math.pow(2, exponent - bias) * (1 + fraction);
    }
  }

  static Stream<Format> formats() {
    return Stream.of(
        new Format(ElementType.FLOAT8_E4M3, 4, 3, 7, true),
        new Format(ElementType.FLOAT8_E5M2, 5, 2, 15, true),
        new Format(ElementType.FLOAT8_E4M3FNUZ, 4, 3, 8, true),
        new Format(ElementType.FLOAT8_E5M2FNUZ, 5, 2, 16, true),
        new Format(ElementType.FLOAT8_E8M0, 8, 0, 127, false),
        new Format(ElementType.FLOAT6_E3M2, 3, 2, 3, true),
        new Format(ElementType.FLOAT6_E2M3, 2, 3, 1, true),
        new Format(ElementType.FLOAT4, 2, 1, 1, true));
  }

  @ParameterizedTest
  @MethodSource("formats")
  void everyCodeIsTheNumberOfTheSpecification(Format format) {
    for (int code = 0; code < 256; code++) {
      double expected = code < 1 << format.bits() ? format.value(code) : Double.NaN;
      float actual = format.type().decode((byte) code);
      assertThat((Double) (double) actual)
          .as("%s %02x", format.type(), code)
          .isEqualTo((Double) expected);
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void everyNumberIsItsOwnCode(Format format) {
    for (int code = 0; code < 1 << format.bits(); code++) {
      float value = format.type().decode((byte) code);
      if (!Float.isNaN(value)) {
        assertThat(format.type().encode(value)).as("code %02x", code).isEqualTo((byte) code);
        assertThat(format.type().round(value)).isEqualTo(value);
      }
    }
  }

  /** The nearest of all finite numbers, of two the one whose code is even: by looking at each. */
  private static double nearest(Format format, double number) {
    double limit = 2.0 * format.type().maxValue();
    double x = Math.max(format.signed() ? -limit : 0, Math.min(limit, number));
    double best = Double.NaN;
    int bestCode = 0;
    for (int code = 0; code < 1 << format.bits(); code++) {
      double value = format.value(code);
      if (!Double.isFinite(value)) {
        continue;
      }
      double here = Math.abs(value - x);
      double least = Math.abs(best - x);
      boolean tie = here == least && (format.signed() ? code % 2 == 0 : code > bestCode);
      if (Double.isNaN(best) || here < least || (tie && value != best)) {
        best = value;
        bestCode = code;
      }
    }
    return best;
  }

  /** Beside each pair of neighbours: half way between them, and the floats next to that. */
  @ParameterizedTest
  @MethodSource("formats")
  void everyBoundaryIsRoundedToNearestEven(Format format) {
    double[] sorted =
        IntStream.range(0, 1 << format.bits())
            .mapToDouble(format::value)
            .filter(Double::isFinite)
            .sorted()
            .toArray();
    for (int i = 1; i < sorted.length; i++) {
      float middle = (float) ((sorted[i - 1] + sorted[i]) / 2);
      for (float x : new float[] {Math.nextDown(middle), middle, Math.nextUp(middle)}) {
        assertThat((double) format.type().round(x) + 0.0)
            .as("%s of %s", format.type(), x)
            .isEqualTo(nearest(format, x) + 0.0);
      }
    }
  }

  @Property(tries = 5000)
  void anyFloatGoesToTheNearestNumber(@ForAll float value) {
    formats()
        .filter(f -> f.type() != ElementType.FLOAT8_E5M2 || Math.abs(value) < 61440)
        .forEach(
            f ->
                assertThat((double) f.type().round(value) + 0.0)
                    .as("%s of %s", f.type(), value)
                    .isEqualTo(nearest(f, value) + 0.0));
  }

  static Stream<Arguments> greatest() {
    return Stream.of(
        Arguments.of(ElementType.FLOAT8_E4M3, 448f, 448f, 0x7E),
        Arguments.of(ElementType.FLOAT8_E5M2, 57344f, Float.POSITIVE_INFINITY, 0x7C),
        Arguments.of(ElementType.FLOAT8_E4M3FNUZ, 240f, 240f, 0x7F),
        Arguments.of(ElementType.FLOAT8_E5M2FNUZ, 57344f, 57344f, 0x7F),
        Arguments.of(ElementType.FLOAT8_E8M0, 0x1p127f, 0x1p127f, 0xFE),
        Arguments.of(ElementType.FLOAT6_E3M2, 28f, 28f, 0x1F),
        Arguments.of(ElementType.FLOAT6_E2M3, 7.5f, 7.5f, 0x1F),
        Arguments.of(ElementType.FLOAT4, 6f, 6f, 0x07));
  }

  @ParameterizedTest
  @MethodSource("greatest")
  void whatIsTooLargeSaturatesWhereThereIsNoInfinity(
      ElementType type, float max, float beyond, int code) {
    assertThat(type.maxValue()).isEqualTo(max);
    for (float x : new float[] {Float.MAX_VALUE, Float.POSITIVE_INFINITY}) {
      assertThat(type.round(x)).isEqualTo(beyond);
      assertThat(type.encode(x)).isEqualTo((byte) code);
      assertThat(type.round(-x)).isEqualTo(type.signed() ? -beyond : 0x1p-127f);
    }
  }

  @Test
  void halfAStepBeyondTheGreatestBecomesInfiniteWhereThereIsInfinity() {
    assertThat(ElementType.FLOAT8_E5M2.round(Math.nextDown(61440f))).isEqualTo(57344f);
    assertThat(ElementType.FLOAT8_E5M2.round(61440f)).isInfinite();
    assertThat(ElementType.FLOAT8_E5M2.round(-61440f)).isEqualTo(Float.NEGATIVE_INFINITY);
    assertThat(ElementType.FLOAT16.round(65520f)).isInfinite();
    assertThat(ElementType.BFLOAT16.round(Float.MAX_VALUE)).isInfinite();
    assertThat(ElementType.FLOAT32.round(Float.MAX_VALUE)).isEqualTo(Float.MAX_VALUE);
  }

  /** What peers round alike: FP4 by its table of borders, MX scales, the subnormals of E4M3. */
  @Test
  void knownNumbers() {
    float[] borders = {0.25f, 0.75f, 1.25f, 1.75f, 2.5f, 3.5f, 5f, 9f};
    float[] at = {0f, 1f, 1f, 2f, 2f, 4f, 4f, 6f};
    for (int i = 0; i < borders.length; i++) {
      assertThat(ElementType.FLOAT4.round(borders[i])).isEqualTo(at[i]);
      assertThat(ElementType.FLOAT4.round(-borders[i])).isEqualTo(-at[i]);
    }
    assertThat(ElementType.FLOAT4.encode(-0.1f)).isEqualTo((byte) 8);
    assertThat(ElementType.FLOAT8_E4M3.encode(-0f)).isEqualTo((byte) 0x80);
    assertThat(ElementType.FLOAT8_E4M3.round(0x1p-10f)).isZero();
    assertThat(ElementType.FLOAT8_E4M3.round(Math.nextUp(0x1p-10f))).isEqualTo(0x1p-9f);
    assertThat(ElementType.FLOAT8_E4M3.encode(0.125f)).isEqualTo((byte) 0x20);
    assertThat(ElementType.FLOAT8_E4M3FNUZ.encode(-0f)).isEqualTo((byte) 0);
    assertThat(ElementType.FLOAT8_E8M0.encode(1f)).isEqualTo((byte) 127);
    assertThat(ElementType.FLOAT8_E8M0.encode(1.5f)).isEqualTo((byte) 128);
    assertThat(ElementType.FLOAT8_E8M0.encode(3f)).isEqualTo((byte) 129);
    assertThat(ElementType.FLOAT8_E8M0.encode(0f)).isEqualTo((byte) 0);
    assertThat(ElementType.FLOAT8_E8M0.encode(-5f)).isEqualTo((byte) 0);
  }

  @Test
  void nanStaysNanOrIsRefused() {
    assertThat(ElementType.FLOAT8_E4M3.encode(Float.NaN)).isEqualTo((byte) 0x7F);
    assertThat(ElementType.FLOAT8_E5M2.encode(Float.NaN)).isEqualTo((byte) 0x7E);
    assertThat(ElementType.FLOAT8_E4M3FNUZ.encode(Float.NaN)).isEqualTo((byte) 0x80);
    assertThat(ElementType.FLOAT8_E5M2FNUZ.encode(Float.NaN)).isEqualTo((byte) 0x80);
    assertThat(ElementType.FLOAT8_E8M0.encode(Float.NaN)).isEqualTo((byte) 0xFF);
    for (ElementType type :
        new ElementType[] {ElementType.FLOAT4, ElementType.FLOAT6_E2M3, ElementType.FLOAT6_E3M2}) {
      assertThatThrownBy(() -> type.round(Float.NaN))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(type.wire() + " has no NaN");
    }
  }

  @ParameterizedTest
  @EnumSource(ElementType.class)
  void otherTypesAreRefused(ElementType type) {
    if (!type.isFloatingPoint()) {
      assertThatThrownBy(() -> type.round(1f)).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(type::maxValue)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(type.wire());
    }
    if (!type.isSmallFloat()) {
      assertThatThrownBy(() -> type.encode(1f)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void codesAreTheirOwnNumbers() {
    assertThat(ElementType.INT4.decode((byte) -8)).isEqualTo(-8f);
    assertThat(ElementType.INT4.decode((byte) 8)).isNaN();
    assertThat(ElementType.UINT8.decode((byte) -1)).isEqualTo(255f);
    assertThat(ElementType.UINT4.decode((byte) 16)).isNaN();
  }
}
