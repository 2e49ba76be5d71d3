package dev.monoquant.core.trial;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.monoquant.ValidationException;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * The sums of a pass that observes, in a file that replaces its predecessor as a whole.
 *
 * <pre>
 * u64 length of the header | header, JSON | arrays, one after the other
 * header: identity, file and calls of the position, done, arrays [[name, bytes], ...]
 * </pre>
 */
public final class SumsFile implements Closeable {

  private static final int MOST_HEADER = 64 << 20;

  /** Bytes that are moved at once. */
  private static final int PIECE = 1 << 20;

  /**
   * An array of the file.
   *
   * @param name its name
   * @param at the offset of its first byte
   * @param bytes its bytes
   */
  public record Item(String name, long at, long bytes) {}

  /**
   * The place in the samples up to which the sums are.
   *
   * @param sample the index of the next sample
   * @param done the calls of that sample that are done
   * @param calls all calls so far
   * @param complete whether the pass is complete
   */
  public record Position(int sample, long done, long calls, boolean complete) {}

  private final FileChannel channel;
  private final String identity;
  private final Position position;
  private final List<Item> items;

  private SumsFile(FileChannel channel, String identity, Position position, List<Item> items) {
    this.channel = channel;
    this.identity = identity;
    this.position = position;
    this.items = items;
  }

  /**
   * Writes a file and puts it in the place of an earlier one.
   *
   * @param path the file
   * @param names the names of the arrays
   * @param arrays their bytes
   */
  static void write(
      Path path, String identity, Position position, List<String> names, List<ByteBuffer> arrays)
      throws IOException {
    JsonObject json = new JsonObject();
    json.addProperty("identity", identity);
    json.addProperty("sample", position.sample());
    json.addProperty("done", position.done());
    json.addProperty("calls", position.calls());
    json.addProperty("complete", position.complete());
    JsonArray all = new JsonArray();
    for (int i = 0; i < names.size(); i++) {
      JsonArray one = new JsonArray();
      one.add(names.get(i));
      one.add(arrays.get(i).remaining());
      all.add(one);
    }
    json.add("arrays", all);
    byte[] header = new Gson().toJson(json).getBytes(StandardCharsets.UTF_8);
    Path part = path.resolveSibling(path.getFileName() + ".part");
    try (FileChannel out =
        FileChannel.open(
            part,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      ByteBuffer length = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      write(out, length.putLong(0, header.length));
      write(out, ByteBuffer.wrap(header));
      for (ByteBuffer array : arrays) {
        write(out, array.duplicate());
      }
    }
    Files.move(part, path, StandardCopyOption.ATOMIC_MOVE);
  }

  private static void write(FileChannel out, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      out.write(bytes);
    }
  }

  /**
   * Opens a file.
   *
   * @param path the file
   * @throws ValidationException if it is not such a file
   */
  public static SumsFile open(Path path) throws IOException {
    FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
    try {
      ByteBuffer length = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      readFully(channel, length, 0);
      long bytes = length.getLong(0);
      if (bytes < 1 || bytes > MOST_HEADER || bytes > channel.size()) {
        throw damaged(path);
      }
      ByteBuffer header = ByteBuffer.allocate((int) bytes);
      readFully(channel, header, Long.BYTES);
      JsonObject json =
          JsonParser.parseString(new String(header.array(), StandardCharsets.UTF_8))
              .getAsJsonObject();
      List<Item> items = new ArrayList<>();
      long at = Long.BYTES + bytes;
      for (JsonElement one : json.getAsJsonArray("arrays")) {
        long size = one.getAsJsonArray().get(1).getAsLong();
        items.add(new Item(one.getAsJsonArray().get(0).getAsString(), at, size));
        at = Math.addExact(at, size);
      }
      if (at != channel.size()) {
        throw damaged(path);
      }
      Position position =
          new Position(
              json.get("sample").getAsInt(),
              json.get("done").getAsLong(),
              json.get("calls").getAsLong(),
              json.get("complete").getAsBoolean());
      return new SumsFile(channel, json.get("identity").getAsString(), position, items);
    } catch (JsonParseException
        | ClassCastException
        | IllegalStateException
        | NullPointerException
        | IndexOutOfBoundsException
        | ArithmeticException
        | NumberFormatException
        | EOFException e) {
      channel.close();
      throw (ValidationException) damaged(path).initCause(e);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  private static ValidationException damaged(Path path) {
    return new ValidationException(
        path + ": it is no file of sums, or was cut short. Remove it and run again");
  }

  private static void readFully(FileChannel channel, ByteBuffer into, long at) throws IOException {
    long from = at;
    while (into.hasRemaining()) {
      int read = channel.read(into, from);
      if (read < 0) {
        throw new EOFException();
      }
      from += read;
    }
    into.flip();
  }

  /** {@return what the sums are of} */
  public String identity() {
    return identity;
  }

  /** {@return the place in the samples} */
  public Position position() {
    return position;
  }

  /** {@return the arrays in order} */
  public List<Item> items() {
    return List.copyOf(items);
  }

  /** Copies an array into a buffer of its size. */
  void read(Item item, ByteBuffer into) throws IOException {
    for (long at = 0; at < item.bytes(); at += PIECE) {
      ByteBuffer piece = into.slice((int) at, (int) Math.min(PIECE, item.bytes() - at));
      readFully(channel, piece, item.at() + at);
    }
  }

  /**
   * {@return bytes of an array, little-endian}
   *
   * @param item one of {@link #items}
   * @param offset the first byte
   * @param length the number of bytes
   */
  public ByteBuffer read(Item item, long offset, int length) throws IOException {
    if (offset < 0 || length < 0 || offset > item.bytes() - length) {
      throw new IllegalArgumentException(offset + " and " + length + " of " + item.bytes());
    }
    ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    readFully(channel, bytes, item.at() + offset);
    return bytes;
  }

  /** {@return the numbers of an array of FLOAT64} */
  public double[] numbers(Item item) throws IOException {
    double[] numbers = new double[Math.toIntExact(item.bytes() / Double.BYTES)];
    read(item, 0, Math.toIntExact(item.bytes())).asDoubleBuffer().get(numbers);
    return numbers;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
