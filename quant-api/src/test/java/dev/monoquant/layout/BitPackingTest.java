package dev.monoquant.layout;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** Eight at once and one bit at a time come to the same. */
class BitPackingTest {

  @Property
  void packsLikeBitByBit(
      @ForAll @IntRange(min = 1, max = 8) int bits,
      @ForAll @IntRange(max = 100) int cols,
      @ForAll @IntRange(min = 1, max = 4) int rows,
      @ForAll boolean offset,
      @ForAll long seed) {
    byte[] codes = new byte[rows * cols];
    new Random(seed).nextBytes(codes);
    int flip = offset ? 1 << (bits - 1) : 0;
    int stride = (int) BitPacking.packedBytes(cols, bits) + new Random(seed).nextInt(4);
    byte[] packed = new byte[rows * stride];
    byte[] flipped = new byte[codes.length];
    for (int i = 0; i < codes.length; i++) {
      flipped[i] = (byte) (codes[i] ^ flip);
    }
    for (int row = 0; row < rows; row++) {
      BitPacking.pack(codes, row * cols, cols, bits, flip, packed, row * stride);
    }
    assertThat(packed).isEqualTo(bitByBit(flipped, cols, bits, stride, rows));
  }

  @Property
  void unpacksWhatWasPacked(
      @ForAll @IntRange(min = 1, max = 8) int bits,
      @ForAll @IntRange(max = 100) int count,
      @ForAll boolean signed,
      @ForAll boolean offset,
      @ForAll boolean bigEndianView,
      @ForAll long seed) {
    Random random = new Random(seed);
    byte[] codes = new byte[count];
    int low = signed ? -(1 << (bits - 1)) : 0;
    for (int i = 0; i < count; i++) {
      codes[i] = (byte) (low + random.nextInt(1 << bits));
    }
    int flip = offset ? 1 << (bits - 1) : 0;
    byte[] packed = new byte[3 + (int) BitPacking.packedBytes(count, bits) + random.nextInt(9)];
    random.nextBytes(packed);
    BitPacking.pack(codes, 0, count, bits, flip, packed, 3);
    byte[] out = new byte[count + 5];
    ByteBuffer view =
        ByteBuffer.wrap(packed)
            .order(bigEndianView ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
    BitPacking.unpack(view, 3, count, bits, flip, signed, out, 5);
    assertThat(java.util.Arrays.copyOfRange(out, 5, out.length)).isEqualTo(codes);
  }

  private static byte[] bitByBit(byte[] codes, int cols, int bits, int rowBytes, int rows) {
    byte[] out = new byte[rows * rowBytes];
    for (int bit = 0; bit < rows * cols * bits; bit++) {
      int cell = bit / bits;
      if ((codes[cell] >> bit % bits & 1) != 0) {
        int inRow = cell % cols * bits + bit % bits;
        out[cell / cols * rowBytes + inRow / 8] |= (byte) (1 << inRow % 8);
      }
    }
    return out;
  }
}
