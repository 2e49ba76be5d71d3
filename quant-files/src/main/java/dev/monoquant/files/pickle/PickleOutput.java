package dev.monoquant.files.pickle;

import dev.monoquant.ModelFormatException.Reason;
import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** Writes the bytes of a pickle: operations with their arguments. */
final class PickleOutput {

  /** The maximum that the reader accepts. */
  private static final int MAX_NAME_BYTES = 1 << 12;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final PickleFault fault;

  PickleOutput(PickleFault fault) {
    this.fault = fault;
  }

  byte[] bytes() {
    return out.toByteArray();
  }

  void op(int opcode) {
    out.write(opcode);
  }

  void op(int opcode, int argument) {
    out.write(opcode);
    out.write(argument);
  }

  private void op4(int opcode, int argument) {
    op(opcode);
    out.writeBytes(little(Integer.BYTES).putInt(argument).array());
  }

  private static ByteBuffer little(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }

  void put(int entry) {
    if (entry < 1 << 8) {
      op(Op.BINPUT, entry);
    } else {
      op4(Op.LONG_BINPUT, entry);
    }
  }

  void get(int entry) {
    if (entry < 1 << 8) {
      op(Op.BINGET, entry);
    } else {
      op4(Op.LONG_BINGET, entry);
    }
  }

  /** Writes the shortest form; beyond 32 bits 8 bytes, the only length that libtorch reads. */
  void integer(long value) {
    if (value >= 0 && value < 1 << 8) {
      op(Op.BININT1, (int) value);
    } else if (value >= 0 && value < 1 << 16) {
      op(Op.BININT2);
      out.writeBytes(little(Short.BYTES).putShort((short) value).array());
    } else if (value == (int) value) {
      op4(Op.BININT, (int) value);
    } else {
      op(Op.LONG1, Long.BYTES);
      out.writeBytes(little(Long.BYTES).putLong(value).array());
    }
  }

  void integer(BigInteger value) {
    byte[] big = value.toByteArray();
    if (big.length < 1 << 8) {
      op(Op.LONG1, big.length);
    } else {
      op4(Op.LONG4, big.length);
    }
    for (int i = big.length - 1; i >= 0; i--) {
      out.write(big[i]);
    }
  }

  void real(double value) {
    op(Op.BINFLOAT);
    out.writeBytes(
        ByteBuffer.allocate(Double.BYTES).putLong(Double.doubleToRawLongBits(value)).array());
  }

  void text(String value) {
    byte[] utf8 = utf8(value, "a text");
    op4(Op.BINUNICODE, utf8.length);
    out.writeBytes(utf8);
  }

  void data(byte[] value) {
    if (value.length < 1 << 8) {
      op(Op.SHORT_BINBYTES, value.length);
    } else {
      op4(Op.BINBYTES, value.length);
    }
    out.writeBytes(value);
  }

  void global(PickleValue.Global global) {
    op(Op.GLOBAL);
    line(global.module());
    line(global.name());
  }

  private void line(String name) {
    byte[] utf8 = utf8(name, "the name of a class or function");
    if (name.indexOf('\n') >= 0 || utf8.length > MAX_NAME_BYTES) {
      throw fault.of(
          Reason.PICKLE_SHAPE,
          "the name of a class or function has "
              + utf8.length
              + " bytes, at most "
              + MAX_NAME_BYTES
              + " without a line feed can be written. Rename it.");
    }
    out.writeBytes(utf8);
    out.write('\n');
  }

  private byte[] utf8(String text, String what) {
    try {
      ByteBuffer bytes = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
      byte[] out = new byte[bytes.remaining()];
      bytes.get(out);
      return out;
    } catch (CharacterCodingException e) {
      throw fault.of(
          Reason.PICKLE_SHAPE, what + " holds half a surrogate pair, which UTF-8 cannot. Mend it.");
    }
  }
}
