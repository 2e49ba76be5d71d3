package dev.monoquant.files.testing;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/** A plain writer of GGUF files, independent of the one that is tested, for any damage. */
public final class GgufText {

  private final List<byte[]> values = new ArrayList<>();
  private final List<byte[]> infos = new ArrayList<>();
  private final ByteArrayOutputStream data = new ByteArrayOutputStream();
  private int version = 3;
  private OptionalLong tensors = OptionalLong.empty();
  private OptionalLong count = OptionalLong.empty();
  private int alignment = 32;

  /** Changes the version. */
  public GgufText version(int number) {
    version = number;
    return this;
  }

  /** Declares another number of tensors than there are. */
  public GgufText tensors(long number) {
    tensors = OptionalLong.of(number);
    return this;
  }

  /** Declares another number of values than there are. */
  public GgufText values(long number) {
    count = OptionalLong.of(number);
    return this;
  }

  /** Pads to another alignment, which the value general.alignment must declare. */
  public GgufText alignedTo(int bytes) {
    alignment = bytes;
    return this;
  }

  /** Adds a value: its type and its bytes. */
  public GgufText value(String key, int type, byte[] bytes) {
    values.add(join(text(key), u32(type), bytes));
    return this;
  }

  /** Adds a text. */
  public GgufText value(String key, String text) {
    return value(key, 8, text(text));
  }

  /** Adds a number of type u32. */
  public GgufText value(String key, int number) {
    return value(key, 4, u32(number));
  }

  /** Adds a tensor at the place where it belongs; the dimensions as in the file. */
  public GgufText tensor(String name, int type, byte[] content, long... dims) {
    return tensorAt(data.size(), name, type, content, dims);
  }

  /** Adds a tensor and says that it is elsewhere. */
  public GgufText tensorAt(long offset, String name, int type, byte[] content, long... dims) {
    ByteArrayOutputStream info = new ByteArrayOutputStream();
    info.writeBytes(join(text(name), u32(dims.length)));
    for (long dim : dims) {
      info.writeBytes(u64(dim));
    }
    info.writeBytes(join(u32(type), u64(offset)));
    infos.add(info.toByteArray());
    data.writeBytes(content);
    pad(data);
    return this;
  }

  /** {@return the file} */
  public byte[] build() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes("GGUF".getBytes(StandardCharsets.US_ASCII));
    out.writeBytes(u32(version));
    out.writeBytes(u64(tensors.orElse(infos.size())));
    out.writeBytes(u64(count.orElse(values.size())));
    values.forEach(out::writeBytes);
    infos.forEach(out::writeBytes);
    pad(out);
    out.writeBytes(data.toByteArray());
    return out.toByteArray();
  }

  private void pad(ByteArrayOutputStream out) {
    while (out.size() % alignment != 0) {
      out.write(0);
    }
  }

  /** {@return the bytes of a text, with its length} */
  public static byte[] text(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return join(u64(bytes.length), bytes);
  }

  /** {@return four bytes} */
  public static byte[] u32(int number) {
    return ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(number).array();
  }

  /** {@return eight bytes} */
  public static byte[] u64(long number) {
    return ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(number).array();
  }

  /** {@return one after the other} */
  public static byte[] join(byte[]... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      out.writeBytes(part);
    }
    return out.toByteArray();
  }
}
