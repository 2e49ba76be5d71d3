package dev.monoquant.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class FloatBytesTest {

  @Property(tries = 200)
  void narrowAndWidenAreTheScalarConversions(
      @ForAll @Size(max = 5000) float[] values, @ForAll @IntRange(max = 9) int at) {
    for (ElementType type :
        new ElementType[] {
          ElementType.FLOAT16, ElementType.BFLOAT16, ElementType.FLOAT32, ElementType.FLOAT64
        }) {
      byte[] bytes = new byte[values.length * type.cellBytes() + at];
      FloatBytes.narrow(type, values, 0, values.length, bytes, at);
      float[] back = new float[values.length + at];
      ByteBuffer direct = ByteBuffer.allocateDirect(bytes.length).order(ByteOrder.BIG_ENDIAN);
      direct.put(bytes).position(at);
      FloatBytes.widen(type, direct, back, at, values.length);

      float[] expected = new float[values.length];
      for (int i = 0; i < values.length; i++) {
        expected[i] =
            switch (type) {
              case FLOAT16 -> Float16.round(values[i]);
              case BFLOAT16 -> BFloat16.round(values[i]);
              default -> values[i];
            };
      }
      assertThat(Arrays.copyOfRange(back, at, back.length)).isEqualTo(expected);
      assertThat(direct.position()).isEqualTo(at);
    }
  }

  @Test
  void bytesAreLittleEndian() {
    byte[] bytes = new byte[14];
    float[] one = {1f};
    FloatBytes.narrow(ElementType.FLOAT16, one, 0, 1, bytes, 0);
    FloatBytes.narrow(ElementType.FLOAT32, one, 0, 1, bytes, 2);
    FloatBytes.narrow(ElementType.FLOAT64, one, 0, 1, bytes, 6);
    assertThat(bytes).containsExactly(0, 0x3C, 0, 0, 0x80, 0x3F, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F);
  }

  @Test
  void firstFiniteNumberThatBecameInfiniteIsTold() {
    double[] doubles = new double[5000];
    doubles[1] = Double.POSITIVE_INFINITY;
    doubles[2] = Double.NaN;
    ByteBuffer buffer = ByteBuffer.allocate(40_000).order(ByteOrder.LITTLE_ENDIAN);
    buffer.asDoubleBuffer().put(doubles);
    float[] floats = new float[5000];
    assertThat(FloatBytes.widen(ElementType.FLOAT64, buffer, floats, 0, 5000))
        .isEqualTo(FloatBytes.NONE);
    buffer.putDouble(4000 * 8, -1e300).putDouble(4500 * 8, 1e39);
    assertThat(FloatBytes.widen(ElementType.FLOAT64, buffer, floats, 0, 5000)).isEqualTo(4000);

    byte[] bytes = new byte[10_000];
    Arrays.fill(floats, Float.POSITIVE_INFINITY);
    floats[7] = Float.NaN;
    assertThat(FloatBytes.narrow(ElementType.FLOAT16, floats, 0, 5000, bytes, 0))
        .isEqualTo(FloatBytes.NONE);
    floats[3000] = -65520f;
    floats[3001] = 3.4e38f;
    assertThat(FloatBytes.narrow(ElementType.FLOAT16, floats, 0, 5000, bytes, 0)).isEqualTo(3000);
    assertThat(FloatBytes.narrow(ElementType.BFLOAT16, floats, 0, 5000, bytes, 0)).isEqualTo(3001);
    assertThat(FloatBytes.narrow(ElementType.FLOAT32, floats, 0, 2500, bytes, 0))
        .isEqualTo(FloatBytes.NONE);
  }

  @ParameterizedTest
  @EnumSource(
      value = ElementType.class,
      names = {"FLOAT16", "BFLOAT16", "FLOAT32", "FLOAT64"},
      mode = EnumSource.Mode.EXCLUDE)
  void otherTypesAreRefused(ElementType type) {
    assertThatThrownBy(() -> FloatBytes.widen(type, ByteBuffer.allocate(8), new float[1], 0, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(type.wire());
    assertThatThrownBy(() -> FloatBytes.narrow(type, new float[1], 0, 1, new byte[8], 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(type.wire());
  }

  @Test
  void shortBuffersAreRefused() {
    assertThatThrownBy(
            () -> FloatBytes.widen(ElementType.FLOAT32, ByteBuffer.allocate(7), new float[2], 0, 2))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(
            () -> FloatBytes.narrow(ElementType.FLOAT32, new float[2], 0, 2, new byte[7], 0))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(
            () -> FloatBytes.widen(ElementType.FLOAT32, ByteBuffer.allocate(8), new float[2], 1, 2))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }
}
