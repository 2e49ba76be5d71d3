package dev.monoquant.model;

import static org.assertj.core.api.Assertions.assertThat;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HalfFloatsTest {

  /**
   * What the bits of a float with so many exponent and fraction bits mean, straight from IEEE 754.
   */
  private static double meaning(int bits, int exponentBits, int fractionBits) {
    int fraction = bits & ((1 << fractionBits) - 1);
    int exponent = bits >>> fractionBits & ((1 << exponentBits) - 1);
    int bias = (1 << (exponentBits - 1)) - 1;
    double sign = bits >>> (exponentBits + fractionBits) == 0 ? 1 : -1;
    if (exponent == (1 << exponentBits) - 1) {
      return fraction == 0 ? sign * Double.POSITIVE_INFINITY : Double.NaN;
    }
    double significand = fraction / (double) (1 << fractionBits) + (exponent == 0 ? 0 : 1);
    return sign * significand * Math.pow(2, Math.max(exponent, 1) - bias);
  }

  @Test
  void everyFloat16WidensExactlyAndNarrowsBack() {
    for (int bits = 0; bits < 0x10000; bits++) {
      float wide = Float16.toFloat((short) bits);
      assertThat(wide).isEqualTo(Float.valueOf((float) meaning(bits, 5, 10)));
      if (Float.isNaN(wide)) {
        assertThat(Float16.fromFloat(wide) & 0x7FFF).isEqualTo(0x7E00);
      } else {
        assertThat(Float16.fromFloat(wide)).isEqualTo((short) bits);
        assertThat(Float16.round(wide)).isEqualTo(wide);
      }
    }
  }

  @Test
  void everyBFloat16WidensExactlyAndNarrowsBack() {
    for (int bits = 0; bits < 0x10000; bits++) {
      float wide = BFloat16.toFloat((short) bits);
      assertThat(wide).isEqualTo(Float.valueOf((float) meaning(bits, 8, 7)));
      if (Float.isNaN(wide)) {
        assertThat(BFloat16.fromFloat(wide)).isEqualTo((short) 0x7FC0);
      } else {
        assertThat(BFloat16.fromFloat(wide)).isEqualTo((short) bits);
        assertThat(BFloat16.round(wide)).isEqualTo(wide);
      }
    }
  }

  @Test
  void everyMidpointGoesToTheEvenNeighbour() {
    for (int bits = 0; bits < 0x7BFF; bits++) {
      double mid = (meaning(bits, 5, 10) + meaning(bits + 1, 5, 10)) / 2;
      assertThat(Float16.fromFloat((float) mid) & 0xFFFF).isEqualTo(bits + (bits & 1));
      assertThat(Float16.fromFloat(Math.nextDown((float) mid)) & 0xFFFF).isEqualTo(bits);
      assertThat(Float16.fromFloat(-Math.nextUp((float) mid)) & 0x7FFF).isEqualTo(bits + 1);
    }
    for (int bits = 0; bits < 0x7F7F; bits++) {
      double mid = (meaning(bits, 8, 7) + meaning(bits + 1, 8, 7)) / 2;
      assertThat(BFloat16.fromFloat((float) mid) & 0xFFFF).isEqualTo(bits + (bits & 1));
      assertThat(BFloat16.fromFloat(Math.nextDown((float) mid)) & 0xFFFF).isEqualTo(bits);
      assertThat(BFloat16.fromFloat(-Math.nextUp((float) mid)) & 0x7FFF).isEqualTo(bits + 1);
    }
  }

  @Property(tries = 20_000)
  void noNeighbourIsNearer(@ForAll int anyBits) {
    float value = Float.intBitsToFloat(anyBits);
    if (!Float.isFinite(value)) {
      return;
    }
    if (Math.abs(value) < 65520) {
      int got = Float16.fromFloat(value) & 0x7FFF;
      double error = Math.abs(meaning(got, 5, 10) - Math.abs(value));
      assertThat(error).isLessThanOrEqualTo(distance(got + 1, 5, 10, value));
      assertThat(error).isLessThanOrEqualTo(distance(Math.max(0, got - 1), 5, 10, value));
    }
    int got = BFloat16.fromFloat(value) & 0x7FFF;
    if (got < 0x7F80) {
      double error = Math.abs(meaning(got, 8, 7) - Math.abs(value));
      assertThat(error).isLessThanOrEqualTo(distance(got + 1, 8, 7, value));
      assertThat(error).isLessThanOrEqualTo(distance(Math.max(0, got - 1), 8, 7, value));
    }
  }

  private static double distance(int bits, int exponentBits, int fractionBits, float value) {
    double there = meaning(bits, exponentBits, fractionBits);
    return Math.abs(there - Math.abs(value));
  }

  @ParameterizedTest
  @CsvSource({
    "65519.996, 7BFF",
    "65520, 7C00",
    "-65520, FC00",
    "1e30, 7C00",
    "Infinity, 7C00",
    "-0.0, 8000",
    "2.9802322E-8, 0000",
    "2.980233E-8, 0001",
    "6.1035156E-5, 0400",
    "6.09e-5, 03FE"
  })
  void edgesOfFloat16(float value, String hex) {
    assertThat(Float16.fromFloat(value) & 0xFFFF).isEqualTo(Integer.parseInt(hex, 16));
  }

  @ParameterizedTest
  @CsvSource({
    "3.3961775E38, 7F80",
    "3.3961773E38, 7F7F",
    "-3.4028235E38, FF80",
    "-0.0, 8000",
    "1.4E-45, 0000",
    "9.2E-41, 0001",
    "-Infinity, FF80"
  })
  void edgesOfBFloat16(float value, String hex) {
    assertThat(BFloat16.fromFloat(value) & 0xFFFF).isEqualTo(Integer.parseInt(hex, 16));
  }

  @Test
  void constants() {
    assertThat(Float16.toFloat((short) 0x7BFF)).isEqualTo(Float16.MAX_VALUE);
    assertThat(Float16.toFloat((short) 0x3C01)).isEqualTo(1 + Float16.EPSILON);
    assertThat(Float16.toFloat((short) 0x0400)).isEqualTo(Float16.MIN_NORMAL);
    assertThat(BFloat16.toFloat((short) 0x7F7F)).isEqualTo(BFloat16.MAX_VALUE);
    assertThat(BFloat16.toFloat((short) 0x3F81)).isEqualTo(1 + BFloat16.EPSILON);
  }
}
