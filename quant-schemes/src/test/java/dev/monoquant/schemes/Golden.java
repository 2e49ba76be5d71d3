package dev.monoquant.schemes;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.tile.Granularity;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/**
 * Vectors that the peers' own code computed: torch 2.13.0, compressed-tensors at commit ac8e2ba,
 * torchao at 36027d8, optimum-quanto at e33f820 and ONNX Runtime 1.30.0.
 *
 * <p>A zip file holds the plain little-endian bytes of each tensor, and a line for each case in
 * {@code cases.txt}: {@code input NAME KIND TYPE ROWS COLS}, {@code integer NAME INPUT BITS
 * GRANULARITY SYMMETRIC [PROFILE [SEARCH]]}, {@code cast NAME INPUT} or {@code float NAME INPUT
 * SCHEME GRANULARITY FUSED}. Several files are one set.
 */
final class Golden {

  /** What a peer makes of a weight. */
  final class Case {
    private final String[] words;

    private Case(String[] words) {
      this.words = words;
    }

    /** The values of every weight of the family, of a float case. */
    float[] family() {
      if (words[5].equals("-")) {
        return weight();
      }
      float[] all = new float[0];
      for (String member : words[5].split(",", -1)) {
        String[] same = words.clone();
        same[2] = member;
        all = Run.concatenate(all, new Case(same).weight());
      }
      return all;
    }

    WeightMatrix rows() {
      String[] input = input();
      return Run.rows(ElementType.of(input[3]), Long.parseLong(input[4]), Long.parseLong(input[5]));
    }

    float[] weight() {
      WeightMatrix rows = rows();
      float[] values = new float[(int) (rows.rowCount() * rows.columnCount())];
      ByteBuffer bytes = ByteBuffer.wrap(file(words[2] + ".input"));
      FloatBytes.widen(rows.tensor().type(), bytes, values, 0, values.length);
      return values;
    }

    /** The id of a scheme, of a float case. */
    String scheme() {
      return words[3];
    }

    int bits() {
      return Integer.parseInt(words[3]);
    }

    Granularity granularity() {
      return Granularity.parse(words[4]);
    }

    boolean symmetric() {
      return words[5].equals("symmetric");
    }

    boolean hasProfile() {
      return words.length > 6;
    }

    String profile() {
      return hasProfile() ? words[6] : CommonOptions.COMPRESSED_TENSORS;
    }

    String search() {
      return words.length > 7 ? words[7] : CommonOptions.NO_SEARCH;
    }

    /** Whether errors are weighted, of a block case. */
    boolean weighted() {
      return words[5].equals("importance");
    }

    /** The bytes of an expected tensor. */
    byte[] part(String part) {
      return file(words[1] + "." + part);
    }

    private String[] input() {
      return lines("input").stream().filter(w -> w[1].equals(words[2])).findFirst().orElseThrow();
    }

    @Override
    public String toString() {
      return words[1];
    }
  }

  private final Map<String, byte[]> files = new HashMap<>();

  Golden(String... resources) {
    for (String resource : resources) {
      read(resource);
    }
  }

  private void read(String resource) {
    try (InputStream raw = Golden.class.getResourceAsStream(resource);
        ZipInputStream zip = new ZipInputStream(raw)) {
      for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        files.merge(entry.getName(), zip.readAllBytes(), Golden::concatenate);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] concatenate(byte[] first, byte[] second) {
    byte[] both = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, both, first.length, second.length);
    return both;
  }

  List<Case> cases(String kind) {
    return lines(kind).stream().map(Case::new).toList();
  }

  /** The float32 numbers of a file. */
  float[] floats(String name) {
    byte[] bytes = file(name);
    float[] numbers = new float[bytes.length / Float.BYTES];
    FloatBytes.widen(ElementType.FLOAT32, ByteBuffer.wrap(bytes), numbers, 0, numbers.length);
    return numbers;
  }

  private byte[] file(String name) {
    byte[] bytes = files.get(name);
    if (bytes == null) {
      throw new IllegalArgumentException("there is no vector " + name);
    }
    return bytes;
  }

  private List<String[]> lines(String kind) {
    return new String(file("cases.txt"), UTF_8)
        .lines()
        .map(line -> line.split(" ", -1))
        .filter(words -> words[0].equals(kind))
        .toList();
  }
}
