package dev.monoquant.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class CellChecksTest {

  /** Codes of some bits, with a single byte of any value among them. */
  @Property
  void codes(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 40) int count,
      @ForAll @IntRange(min = 1, max = 8) int bits,
      @ForAll boolean signed) {
    Random random = new Random(seed);
    byte[] cells = new byte[count];
    for (int i = 0; i < count; i++) {
      int code = random.nextInt(1 << bits);
      cells[i] = (byte) (signed ? code << (32 - bits) >> (32 - bits) : code);
    }
    assertThat(CellChecks.areCodes(cells, bits, signed)).isTrue();
    int at = random.nextInt(count);
    cells[at] = (byte) random.nextInt();
    int least = signed ? -(1 << (bits - 1)) : 0;
    int cell = signed ? cells[at] : cells[at] & 0xFF;
    boolean within = cell >= least && cell < least + (1 << bits);
    assertThat(CellChecks.areCodes(cells, bits, signed)).isEqualTo(within);
  }

  @Property
  void nonFiniteHalves(@ForAll long seed, @ForAll @IntRange(max = 40) int count) {
    Random random = new Random(seed);
    byte[] cells = new byte[2 * count];
    random.nextBytes(cells);
    boolean bfloat16 = false;
    boolean float16 = false;
    int greatest = 0;
    for (int i = 0; i < count; i++) {
      short half = (short) ((cells[2 * i] & 0xFF) | cells[2 * i + 1] << 8);
      bfloat16 |= !Float.isFinite(BFloat16.toFloat(half));
      float16 |= !Float.isFinite(Float16.toFloat(half));
      greatest = Math.max(greatest, half & 0x7FFF);
    }
    assertThat(CellChecks.mayHoldNonFinite(cells, 0x7F80)).isEqualTo(bfloat16);
    assertThat(CellChecks.mayHoldNonFinite(cells, 0x7C00)).isEqualTo(float16);
    assertThat(CellChecks.greatestMagnitude(cells, 0, cells.length)).isEqualTo(greatest);
  }
}
