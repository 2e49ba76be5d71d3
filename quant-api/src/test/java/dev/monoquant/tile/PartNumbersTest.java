package dev.monoquant.tile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.model.ElementType;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.FloatRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class PartNumbersTest {

  private static Part part(ElementType type) {
    return Part.perRow("scale", type);
  }

  @Test
  void bytesAreLittleEndianAndRounded() {
    assertThat(part(ElementType.FLOAT32).toBytes(1f, -2f))
        .containsExactly(0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0);
    assertThat(part(ElementType.BFLOAT16).toBytes(1f)).containsExactly(0x80, 0x3F);
    assertThat(part(ElementType.FLOAT64).toBytes(1f)).containsExactly(0, 0, 0, 0, 0, 0, 0xF0, 0x3F);
    assertThat(part(ElementType.FLOAT8_E4M3).toBytes(1f, 500f)).containsExactly(0x38, 0x7E);
    assertThat(part(ElementType.FLOAT4).toBytes(-0.6f)).containsExactly(9);
  }

  @Property(tries = 200)
  void theyComeBackAsTheTypeHasThem(
      @ForAll @Size(max = 50) float[] drawn,
      @ForAll @FloatRange(min = -1e30f, max = 1e30f) float more) {
    for (ElementType type : ElementType.values()) {
      if (type.isFloatingPoint()) {
        float[] numbers = drawn.clone();
        for (int i = 0; i < numbers.length; i++) {
          numbers[i] = Float.isNaN(numbers[i]) ? more : numbers[i];
        }
        float[] expected = numbers.clone();
        for (int i = 0; i < expected.length; i++) {
          expected[i] = type.round(expected[i]);
        }
        Part part = part(type);
        byte[] bytes = part.toBytes(numbers);
        assertThat(bytes).hasSize(numbers.length * type.cellBytes());
        assertThat(part.toFloats(bytes)).as(type.wire()).isEqualTo(expected);
      }
    }
  }

  @Test
  void codesAreReadAsNumbersAndWrittenAsBytes() {
    assertThat(part(ElementType.UINT8).toFloats(new byte[] {-1, 2})).containsExactly(255f, 2f);
    assertThat(part(ElementType.INT4).toFloats(new byte[] {-8, 7})).containsExactly(-8f, 7f);
    assertThatThrownBy(() -> part(ElementType.INT4).toBytes(1f))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("I4");
    assertThatThrownBy(() -> part(ElementType.INT64).toFloats(new byte[8]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("I64");
  }
}
