package dev.monoquant.schemes;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.Rows;
import dev.monoquant.tile.Granularity;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/**
 * Vectors that the peers' own code computed: torch 2.13.0, and compressed-tensors at commit ac8e2ba.
 *
 * <p>{@code golden.zip} holds the plain little-endian bytes of each tensor and a line for each case
 * in {@code cases.txt}.
 */
final class Golden {

  /** A weight. */
  record Input(String name, String kind, Rows rows, float[] values) {}

  /** What compressed-tensors makes of a weight. */
  record IntegerCase(
      String name, Input input, int bits, Granularity granularity, boolean symmetric) {
    @Override
    public String toString() {
      return name;
    }

    byte[] part(String part) {
      return bytes(name + "." + part);
    }
  }

  /** What torch's casts make of a weight. */
  record CastCase(String name, Input input) {
    @Override
    public String toString() {
      return name;
    }

    byte[] values(String type) {
      return bytes(name + "." + type);
    }
  }

  private static final Map<String, byte[]> FILES = load();

  private Golden() {}

  static byte[] bytes(String name) {
    byte[] bytes = FILES.get(name);
    if (bytes == null) {
      throw new IllegalArgumentException("golden.zip has no " + name);
    }
    return bytes;
  }

  static List<IntegerCase> integers() {
    Map<String, Input> inputs = inputs();
    List<IntegerCase> cases = new ArrayList<>();
    for (String[] word : lines("integer")) {
      cases.add(
          new IntegerCase(
              word[1],
              inputs.get(word[2]),
              Integer.parseInt(word[3]),
              Granularity.parse(word[4]),
              word[5].equals("symmetric")));
    }
    return cases;
  }

  static List<CastCase> casts() {
    Map<String, Input> inputs = inputs();
    return lines("cast").stream().map(w -> new CastCase(w[1], inputs.get(w[2]))).toList();
  }

  private static Map<String, Input> inputs() {
    Map<String, Input> inputs = new HashMap<>();
    for (String[] word : lines("input")) {
      ElementType type = ElementType.of(word[3]);
      Rows rows = Run.rows(type, Long.parseLong(word[4]), Long.parseLong(word[5]));
      float[] values = new float[(int) rows.tensor().shape().elements()];
      byte[] bytes = bytes(word[1] + ".input");
      FloatBytes.widen(type, ByteBuffer.wrap(bytes), values, 0, values.length);
      inputs.put(word[1], new Input(word[1], word[2], rows, values));
    }
    return inputs;
  }

  private static List<String[]> lines(String kind) {
    return new String(bytes("cases.txt"), StandardCharsets.UTF_8)
        .lines()
        .map(line -> line.split(" ", -1))
        .filter(word -> word[0].equals(kind))
        .toList();
  }

  private static Map<String, byte[]> load() {
    Map<String, byte[]> files = new HashMap<>();
    try (InputStream raw = Golden.class.getResourceAsStream("golden.zip");
        ZipInputStream zip = new ZipInputStream(raw)) {
      for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        files.put(entry.getName(), zip.readAllBytes());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return files;
  }
}
