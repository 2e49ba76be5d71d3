package dev.monoquant.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The reference of all kernels does what the interface says. */
class JvmKernelsTest {

  private static final Kernels JVM = BoundKernels.JVM;

  @ParameterizedTest
  @EnumSource(names = {"FLOAT8_E4M3", "FLOAT8_E5M2"})
  void encodesFloatsOf8Bits(ElementType type) {
    // Every 65521st float, and the values of the type, with the floats beside them.
    for (long bits = 0; bits < 1L << 32; bits += 65521) {
      encodes(type, Float.intBitsToFloat((int) bits));
    }
    for (int code = 0; code < 256; code++) {
      float value = type.decode((byte) code);
      float between = (value + type.decode((byte) (code + 1))) / 2;
      encodes(type, value);
      encodes(type, between);
      encodes(type, Math.nextUp(between));
      encodes(type, Math.nextDown(between));
    }
  }

  private static void encodes(ElementType type, float value) {
    byte[] code = new byte[1];
    JVM.narrowFloat8(type, new float[] {value}, new float[] {value}, 1, code, 0);
    float expected = type.round(Math.max(-type.maxValue(), Math.min(value, type.maxValue())));
    if (Float.isNaN(value)) {
      assertThat(Math.abs(type.decode(code[0]))).isEqualTo(type.maxValue());
    } else {
      assertThat(type.decode(code[0])).as("%s", value).isEqualTo(expected);
    }
  }

  @Test
  void lowBytesAreTheIntegersOfSums() {
    float[] sums = new float[256];
    byte[] bytes = new byte[257];
    for (int i = 0; i < 256; i++) {
      sums[i] = 0x1.8p23f + (byte) i;
    }
    JVM.lowBytes(sums, 256, bytes, 1);
    for (int i = 0; i < 256; i++) {
      assertThat(bytes[i + 1]).isEqualTo((byte) i);
    }
    JVM.lowBytes(new float[] {Float.intBitsToFloat(0x7FC0_0055)}, 1, bytes, 0);
    assertThat(bytes[0]).isZero();
  }

  /** Against sums in double; the squares of extreme numbers do not get lost. */
  @Property
  void errorsAreThoseOfDouble(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 1200) int count,
      @ForAll @IntRange(min = -120, max = 120) int exponent) {
    Random random = new Random(seed);
    float[] x = new float[count];
    float[] y = new float[count];
    double signal = 0;
    double noise = 0;
    double cross = 0;
    double greatest = 0;
    for (int i = 0; i < count; i++) {
      x[i] = Math.scalb((float) random.nextGaussian(), exponent);
      y[i] = x[i] + Math.scalb(x[i], -7);
      double e = (double) x[i] - y[i];
      signal += (double) x[i] * x[i];
      noise += e * e;
      cross += x[i] * e;
      greatest = Math.max(greatest, Math.abs(e));
    }
    double[] sums = new double[3];
    double most = JVM.errors(x, y, 0, count, sums);
    assertThat(sums[0]).isCloseTo(signal, within(signal * 1e-5));
    assertThat(sums[1]).isCloseTo(noise, within(noise * 1e-5));
    assertThat(sums[2]).isCloseTo(cross, within(signal * 1e-5));
    assertThat(most).isCloseTo(greatest, within(greatest * 1e-6));
  }

  @Test
  void errorsOfNumbersThatAreNotFinite() {
    for (float odd : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
      for (int at : new int[] {0, 255, 256, 299}) {
        float[] x = new float[300];
        x[at] = odd;
        double[] sums = new double[3];
        assertThat(JVM.errors(x, new float[300], 0, 300, sums)).isNaN();
        assertThat(JVM.errors(new float[300], x, 0, 300, sums)).isNaN();
      }
    }
  }

  @Test
  void rangesOfZerosAndNaN() {
    float[] zeros = {0f, -0f};
    assertThat(Float.floatToRawIntBits(JVM.min(zeros, 0, 2))).isEqualTo(0x8000_0000);
    assertThat(Float.floatToRawIntBits(JVM.max(zeros, 1, 1))).isZero();
    assertThat(Float.floatToRawIntBits(JVM.absMax(zeros, 0, 2))).isZero();
    float[] odd = {1, Float.NaN, -Float.NaN, Float.NEGATIVE_INFINITY};
    assertThat(JVM.min(odd, 0, 4)).isNaN();
    assertThat(JVM.max(odd, 0, 4)).isNaN();
    assertThat(JVM.absMax(odd, 0, 4)).isNaN();
  }

  @Test
  void kernelsAreBoundToAThread() {
    Kernels other = new JvmKernels();
    assertThat(BoundKernels.with(other, BoundKernels::current)).isSameAs(other);
    assertThat(BoundKernels.current()).isSameAs(JVM);
    assertThat(BoundKernels.find("jvm")).containsSame(JVM);
    assertThat(BoundKernels.find("none")).isEmpty();
  }
}
