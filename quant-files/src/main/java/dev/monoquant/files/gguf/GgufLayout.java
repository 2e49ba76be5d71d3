package dev.monoquant.files.gguf;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.PlanException;
import dev.monoquant.Problem;
import dev.monoquant.files.output.FileLayout.Region;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The layout of a GGUF file of version 3 to be written; {@link GgufFile} draws the bytes.
 * Immutable.
 *
 * <p>Tensors are ordered as llama.cpp's quantizer does: those outside blocks first, then block by
 * block, each by name in the order of UTF-8 bytes. Metadata stays in the given order. Each tensor,
 * the last one too, is followed by zeros up to a multiple of the alignment.
 */
public final class GgufLayout {

  private static final int VERSION = 3;
  private static final Pattern BLOCK = Pattern.compile("blk\\.(\\d{1,9})\\..*");
  private static final byte[] MAGIC = "GGUF".getBytes(StandardCharsets.US_ASCII);

  /**
   * A value of the metadata.
   *
   * @param key its key
   * @param type its type
   * @param bytes the value as in the file, not a copy; its position does not change
   */
  public record Value(String key, GgufValue.Type type, ByteBuffer bytes) {

    /**
     * {@return a text}
     *
     * @param key its key
     * @param text the text
     */
    public static Value of(String key, String text) {
      return new Value(key, GgufValue.Type.STRING, GgufLayout.text(text));
    }

    /**
     * {@return a number of 32 bits}
     *
     * @param key its key
     * @param number the number
     */
    public static Value of(String key, int number) {
      return new Value(key, GgufValue.Type.UINT32, buffer(Integer.BYTES).putInt(0, number));
    }

    /** {@return the text that this is; empty if it has another type} */
    public Optional<String> text() {
      if (type != GgufValue.Type.STRING) {
        return Optional.empty();
      }
      ByteBuffer in = bytes.duplicate();
      in.position(in.position() + Long.BYTES);
      return Optional.of(StandardCharsets.UTF_8.decode(in).toString());
    }

    /**
     * {@return the whole number that this is, or that comes first in the array; otherwise empty}
     */
    public OptionalLong number() {
      ByteBuffer in = bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
      GgufValue.Type own = type;
      if (own == GgufValue.Type.ARRAY) {
        own = GgufValue.Type.of(in.getInt()).orElse(GgufValue.Type.STRING);
        if (in.getLong() == 0) {
          return OptionalLong.empty();
        }
      }
      return switch (own) {
        case UINT8 -> OptionalLong.of(Byte.toUnsignedLong(in.get()));
        case INT8 -> OptionalLong.of(in.get());
        case UINT16 -> OptionalLong.of(Short.toUnsignedLong(in.getShort()));
        case INT16 -> OptionalLong.of(in.getShort());
        case UINT32 -> OptionalLong.of(Integer.toUnsignedLong(in.getInt()));
        case INT32 -> OptionalLong.of(in.getInt());
        case UINT64, INT64 -> OptionalLong.of(in.getLong());
        case FLOAT32, FLOAT64, BOOL, STRING, ARRAY -> OptionalLong.empty();
      };
    }

    /**
     * {@return a number of type binary32}
     *
     * @param key its key
     * @param number the number
     */
    public static Value of(String key, float number) {
      return new Value(key, GgufValue.Type.FLOAT32, buffer(Float.BYTES).putFloat(0, number));
    }

    /**
     * {@return true or false}
     *
     * @param key its key
     * @param flag the truth value
     */
    public static Value of(String key, boolean flag) {
      return new Value(key, GgufValue.Type.BOOL, buffer(1).put(0, (byte) (flag ? 1 : 0)));
    }

    /**
     * {@return an array of texts}
     *
     * @param key its key
     * @param texts the texts
     */
    public static Value of(String key, List<String> texts) {
      List<byte[]> items = texts.stream().map(t -> t.getBytes(StandardCharsets.UTF_8)).toList();
      int bytes = 12;
      for (byte[] item : items) {
        bytes = Math.addExact(bytes, Long.BYTES + item.length);
      }
      ByteBuffer out = array(GgufValue.Type.STRING, items.size(), bytes);
      items.forEach(item -> out.putLong(item.length).put(item));
      return new Value(key, GgufValue.Type.ARRAY, out.flip());
    }

    /**
     * {@return an array of signed numbers of 32 bits}
     *
     * @param key its key
     * @param numbers the numbers
     */
    public static Value of(String key, int[] numbers) {
      ByteBuffer out = array(GgufValue.Type.INT32, numbers.length, 12 + 4 * numbers.length);
      for (int number : numbers) {
        out.putInt(number);
      }
      return new Value(key, GgufValue.Type.ARRAY, out.flip());
    }

    /**
     * {@return an array of numbers of type binary32}
     *
     * @param key its key
     * @param numbers the numbers
     */
    public static Value of(String key, float[] numbers) {
      ByteBuffer out = array(GgufValue.Type.FLOAT32, numbers.length, 12 + 4 * numbers.length);
      for (float number : numbers) {
        out.putFloat(number);
      }
      return new Value(key, GgufValue.Type.ARRAY, out.flip());
    }

    /**
     * {@return an array of unsigned numbers of 8 bits}
     *
     * @param key its key
     * @param bytes the numbers; the position does not change
     */
    public static Value of(String key, ByteBuffer bytes) {
      int count = bytes.remaining();
      ByteBuffer out = array(GgufValue.Type.UINT8, count, 12 + count);
      return new Value(key, GgufValue.Type.ARRAY, out.put(bytes.duplicate()).flip());
    }

    /**
     * {@return the type of the items of an array; empty if it is unknown}
     *
     * @param id the number of the type, with which the array begins
     */
    public static Optional<GgufValue.Type> itemType(int id) {
      return GgufValue.Type.of(id);
    }

    private static ByteBuffer array(GgufValue.Type type, int count, int bytes) {
      return buffer(bytes).putInt(type.id()).putLong(count);
    }
  }

  private final List<GgufTensor> tensors;
  private final byte[] header;
  private final long alignment;
  private final long fileBytes;

  /**
   * Makes the layout of some tensors.
   *
   * @param contents the tensors, in any order; their offsets are ignored
   * @param metadata the metadata in order
   * @param alignment a power of two, as the metadata says
   * @throws PlanException if two tensors have one name
   */
  public GgufLayout(List<GgufTensor> contents, List<Value> metadata, long alignment) {
    this.alignment = alignment;
    Set<String> names = new HashSet<>();
    List<GgufTensor> sorted = new ArrayList<>(contents);
    sorted.sort(
        Comparator.comparingLong((GgufTensor t) -> block(t.name()))
            .thenComparing(GgufTensor::name));
    List<GgufTensor> placed = new ArrayList<>();
    long offset = 0;
    for (GgufTensor tensor : sorted) {
      if (!names.add(tensor.name())) {
        throw new PlanException(
            List.of(
                Problem.error(
                    "tensor " + quote(tensor.name()),
                    "two tensors of the output would have this name",
                    "Exclude the layer.")));
      }
      placed.add(
          new GgufTensor(tensor.name(), tensor.type(), tensor.shape(), offset, tensor.bytes()));
      offset = padded(Math.addExact(offset, tensor.bytes()));
    }
    this.tensors = List.copyOf(placed);
    this.header = encode(metadata);
    this.fileBytes = Math.addExact(header.length, offset);
  }

  private static long block(String name) {
    Matcher block = BLOCK.matcher(name);
    return block.matches() ? Long.parseLong(block.group(1)) : -1;
  }

  private long padded(long end) {
    return Math.addExact(end, alignment - 1) & -alignment;
  }

  private byte[] encode(List<Value> metadata) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(MAGIC);
    put(out, buffer(20).putInt(VERSION).putLong(tensors.size()).putLong(metadata.size()).flip());
    for (Value value : metadata) {
      put(out, text(value.key()));
      put(out, buffer(Integer.BYTES).putInt(0, value.type().id()));
      put(out, value.bytes());
    }
    for (GgufTensor tensor : tensors) {
      put(out, text(tensor.name()));
      long[] dims = tensor.shape().dims();
      ByteBuffer info = buffer(Integer.BYTES + dims.length * Long.BYTES + 12);
      info.putInt(dims.length);
      for (int i = dims.length - 1; i >= 0; i--) {
        info.putLong(dims[i]);
      }
      put(out, info.putInt(tensor.type().id()).putLong(tensor.offset()).flip());
    }
    out.writeBytes(new byte[Math.toIntExact(padded(out.size()) - out.size())]);
    return out.toByteArray();
  }

  private static void put(ByteArrayOutputStream out, ByteBuffer bytes) {
    byte[] copy = new byte[bytes.remaining()];
    bytes.duplicate().get(copy);
    out.writeBytes(copy);
  }

  private static ByteBuffer text(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return buffer(Long.BYTES + bytes.length).putLong(bytes.length).put(bytes).flip();
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** {@return the bytes before the data, not a copy} */
  public byte[] headerBytes() {
    return header;
  }

  /** {@return the size in bytes of the whole file} */
  public long fileBytes() {
    return fileBytes;
  }

  /** {@return the tensors in the order of the file} */
  public List<GgufTensor> tensors() {
    return tensors;
  }

  /** {@return the place of each tensor in the file, without padding} */
  public List<Region> regions() {
    return tensors.stream()
        .map(t -> new Region(t.name(), header.length + t.offset(), t.bytes()))
        .toList();
  }

  /** {@return the zeros behind the tensors, by their offset in the file; none are empty} */
  public Map<Long, byte[]> paddings() {
    Map<Long, byte[]> paddings = new TreeMap<>();
    for (GgufTensor tensor : tensors) {
      long end = tensor.offset() + tensor.bytes();
      if (padded(end) > end) {
        paddings.put(header.length + end, new byte[(int) (padded(end) - end)]);
      }
    }
    return paddings;
  }
}
