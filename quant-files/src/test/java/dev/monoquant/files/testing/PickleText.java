package dev.monoquant.files.testing;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** A plain assembler of pickles, independent of the reader that is tested. */
public final class PickleText {

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  public PickleText() {
    op(0x80).op(2);
  }

  public PickleText op(int opcode) {
    out.write(opcode);
    return this;
  }

  public PickleText op(char opcode) {
    return op((int) opcode);
  }

  public PickleText bytes(byte... bytes) {
    out.writeBytes(bytes);
    return this;
  }

  public PickleText text(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    op('X').i4(utf8.length);
    return bytes(utf8);
  }

  private PickleText i4(int value) {
    return bytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array());
  }

  /** An integer of any size, as {@code LONG1} of 8 bytes. */
  public PickleText number(long value) {
    op(0x8a).op(8);
    return bytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array());
  }

  public PickleText global(String module, String name) {
    return op('c').bytes((module + "\n" + name + "\n").getBytes(StandardCharsets.UTF_8));
  }

  public PickleText numbers(long... values) {
    op('(');
    for (long value : values) {
      number(value);
    }
    return op('t');
  }

  /** A tensor of {@code torch.<type>Storage} with that key. */
  public PickleText tensor(
      String type, String key, long elements, long offset, long[] size, long[] stride) {
    global("torch._utils", "_rebuild_tensor_v2").op('(');
    op('(').text("storage").global("torch", type + "Storage").text(key).text("cpu");
    number(elements).op('t').op('Q');
    number(offset).numbers(size).numbers(stride).op(0x89);
    return global("collections", "OrderedDict").op(')').op('R').op('t').op('R');
  }

  public byte[] stop() {
    op('.');
    return out.toByteArray();
  }
}
