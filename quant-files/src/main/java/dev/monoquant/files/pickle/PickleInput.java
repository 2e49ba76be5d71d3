package dev.monoquant.files.pickle;

import dev.monoquant.files.input.ParseBudget;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** The bytes of a pickle; a length is compared with the remaining bytes before any allocation. */
final class PickleInput {

  /** More than the 9 bytes of torch's magic number; no size needs this many. */
  private static final int MAX_LONG_BYTES = 64;

  private static final int MAX_LINE_BYTES = 1 << 12;

  private final ByteBuffer data;
  private final PickleFault fault;
  private final long most;
  private final ParseBudget budget;
  private int opcodeAt;

  /**
   * @param data begins with the pickle; more bytes may follow
   * @param most the maximum number of bytes to read, the limit maxPickleBytes
   * @param budget for texts and bytes
   */
  PickleInput(ByteBuffer data, PickleFault fault, long most, ParseBudget budget) {
    this.data = data.slice().order(ByteOrder.LITTLE_ENDIAN);
    this.fault = fault;
    this.most = most;
    this.budget = budget;
  }

  /** {@return the next opcode} */
  int opcode() {
    if (!data.hasRemaining()) {
      throw fault.truncated(
          "the pickle ends after " + data.position() + " bytes without its STOP operation.");
    }
    opcodeAt = data.position();
    return u1();
  }

  /** {@return the offset of the last opcode} */
  int opcodeAt() {
    return opcodeAt;
  }

  /** {@return the number of bytes read so far} */
  int position() {
    return data.position();
  }

  /** {@return the number of bytes left} */
  int remaining() {
    return data.remaining();
  }

  int u1() {
    return Byte.toUnsignedInt(bytes(1).get());
  }

  int u2() {
    return Short.toUnsignedInt(bytes(2).getShort());
  }

  int i4() {
    return bytes(4).getInt();
  }

  long u4() {
    return Integer.toUnsignedLong(bytes(4).getInt());
  }

  long i8() {
    return bytes(8).getLong();
  }

  /** Reads a float, the only big-endian value. */
  double real() {
    return Double.longBitsToDouble(Long.reverseBytes(i8()));
  }

  /** {@return a little-endian view of the next bytes; a negative length is taken as unsigned} */
  ByteBuffer bytes(long length) {
    if (length < 0 || length > data.remaining()) {
      throw fault.truncated(
          "the operation at byte "
              + opcodeAt
              + " needs "
              + Long.toUnsignedString(length)
              + " bytes, "
              + data.remaining()
              + " are left.");
    }
    long end = data.position() + length;
    if (end > most) {
      throw fault.limit(end, "bytes", most, "maxPickleBytes");
    }
    ByteBuffer out = data.slice(data.position(), (int) length).order(ByteOrder.LITTLE_ENDIAN);
    data.position((int) end);
    return out;
  }

  byte[] array(long length) {
    ByteBuffer view = bytes(length);
    budget.charge(length);
    byte[] out = new byte[view.remaining()];
    view.get(out);
    return out;
  }

  /** {@return a text of the given number of bytes, which must be UTF-8} */
  String text(long length) {
    ByteBuffer bytes = bytes(length);
    // Decoding takes 16 bits per byte, plus a copy.
    budget.charge(3 * length);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
    } catch (CharacterCodingException e) {
      throw fault.shape("the text at byte " + opcodeAt + " is not UTF-8.");
    }
  }

  /** {@return a text up to the next line feed, which is skipped} */
  String line() {
    int end = data.position();
    while (end < data.limit() && data.get(end) != '\n') {
      if (++end - data.position() > MAX_LINE_BYTES) {
        throw fault.shape(
            "the name at byte " + opcodeAt + " has more than " + MAX_LINE_BYTES + " bytes.");
      }
    }
    if (end == data.limit()) {
      throw fault.truncated("the name at byte " + opcodeAt + " does not end.");
    }
    String text = text(end - data.position());
    data.get();
    return text;
  }

  /** {@return an integer of the given number of bytes, two's complement} */
  PickleValue integer(long length) {
    if (length < 0 || length > data.remaining()) {
      bytes(length);
    }
    if (length > MAX_LONG_BYTES) {
      throw fault.shape(
          "the integer at byte "
              + opcodeAt
              + " has "
              + length
              + " bytes, at most "
              + MAX_LONG_BYTES
              + " are read.");
    }
    byte[] little = array(length);
    byte[] big = new byte[little.length];
    for (int i = 0; i < big.length; i++) {
      big[i] = little[big.length - 1 - i];
    }
    BigInteger value = big.length == 0 ? BigInteger.ZERO : new BigInteger(big);
    return value.bitLength() < Long.SIZE
        ? new PickleValue.Int(value.longValue())
        : new PickleValue.BigInt(value);
  }
}
