package dev.monoquant.testkit.laws;

import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.TensorSource;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/** How laws open and read sources. */
final class Sources {

  private Sources() {}

  /** Something to do with an open source. */
  interface Reading {
    void of(TensorSource source) throws IOException;
  }

  /** Opens the model, reads, and closes it. */
  static void with(SourceLaws.Case c, Reading reading) {
    try (TensorSource source = c.open()) {
      reading.of(source);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** All plain tensors with all their bytes. */
  static Map<TensorInfo, byte[]> content(TensorSource source) throws IOException {
    Map<TensorInfo, byte[]> content = new LinkedHashMap<>();
    for (TensorInfo tensor : source.tensors()) {
      content.put(tensor, bytes(source, tensor, 0, Math.toIntExact(tensor.bytes())));
    }
    return content;
  }

  /** Whether two models have the same tensors with the same bytes. */
  static boolean sameBytes(Map<TensorInfo, byte[]> a, Map<TensorInfo, byte[]> b) {
    return a.keySet().equals(b.keySet())
        && a.keySet().stream().allMatch(t -> Arrays.equals(a.get(t), b.get(t)));
  }

  /** What one read gives. */
  static byte[] bytes(TensorSource source, TensorInfo tensor, int from, int length)
      throws IOException {
    ByteBuffer buffer = source.read(tensor, from, length);
    byte[] bytes = new byte[buffer.remaining()];
    buffer.get(bytes);
    return bytes;
  }
}
