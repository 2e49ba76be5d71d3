package dev.monoquant.testkit.laws;

import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.tile.EncodedTile;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeSet;

/** Opens and reads sources for laws. */
final class Sources {

  private Sources() {}

  /** The code that uses an open source. */
  interface Reading {
    void of(ModelSource source) throws IOException;
  }

  /** Reads one item completely. */
  interface Item {
    byte[] read() throws IOException;
  }

  /** Opens the model, reads, and closes it. */
  static void with(SourceCase c, Reading reading) {
    try (ModelSource source = c.open()) {
      reading.of(source);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** All plain tensors and all quantized weights, by their descriptions in the source. */
  static Map<String, Item> items(ModelSource source) {
    Map<String, Item> items = new LinkedHashMap<>();
    for (TensorInfo tensor : source.info().tensors()) {
      items.put(tensor.toString(), () -> bytes(source, tensor, 0, Math.toIntExact(tensor.bytes())));
    }
    for (EncodedWeight weight : source.info().quantized()) {
      items.put(weight.toString(), () -> parts(source, weight));
    }
    return items;
  }

  private static byte[] parts(ModelSource source, EncodedWeight weight) throws IOException {
    EncodedTile all =
        source.readTile(weight, new RowRange(0, Math.toIntExact(weight.matrix().rowCount())));
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (String part : new TreeSet<>(all.names())) {
      bytes.writeBytes(all.part(part));
    }
    return bytes.toByteArray();
  }

  /** The contents of all {@link #items}. */
  static Map<String, byte[]> content(ModelSource source) throws IOException {
    Map<String, byte[]> content = new LinkedHashMap<>();
    for (Map.Entry<String, Item> item : items(source).entrySet()) {
      content.put(item.getKey(), item.getValue().read());
    }
    return content;
  }

  /** Whether two models are the same, byte for byte. */
  static boolean same(Map<String, byte[]> a, Map<String, byte[]> b) {
    return a.keySet().equals(b.keySet())
        && a.keySet().stream().allMatch(name -> Arrays.equals(a.get(name), b.get(name)));
  }

  /** The bytes of one read. */
  static byte[] bytes(ModelSource source, TensorInfo tensor, int from, int length)
      throws IOException {
    ByteBuffer buffer = source.read(tensor, from, length);
    byte[] bytes = new byte[buffer.remaining()];
    buffer.get(bytes);
    return bytes;
  }
}
