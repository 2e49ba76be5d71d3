package dev.monoquant.io.calibration;

import com.google.auto.service.AutoService;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.input.MappedFile;
import dev.monoquant.spi.Calibration;
import dev.monoquant.spi.CalibrationReader;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The importance matrix of llama.cpp in its first format, usually {@code imatrix.dat}: no magic
 * number, all little-endian.
 *
 * <pre>
 *   int32                     number of layers
 *   for each layer
 *     int32, bytes            the length of the name and the name, as blk.0.attn_q.weight
 *     int32                   what the sums are divided by
 *     int32, float32...       the number of sums of squares and the sums
 *   int32, int32, bytes       chunks and the name of the text; may be absent, ignored
 * </pre>
 *
 * <p>A tensor of E experts has their columns one after the other, and this format does not say E.
 * The router of the same block sees what each expert sees, so E is the number of sums of {@code
 * ffn_gate_exps}, or {@code ffn_up_exps}, divided by that of {@code ffn_gate_inp}. Without these
 * layers experts have no statistics. An expert whose sums are all zero has none either: no token
 * reached it. Stateless and thread-safe.
 */
@AutoService(CalibrationReader.class)
public final class LegacyImatrix implements CalibrationReader {

  private static final int MAX_NAME = 256;
  private static final int MAX_SUMS = 1 << 28;
  private static final String WEIGHT = ".weight";
  private static final String EXPERTS = "_exps";
  private static final String ROUTER = "ffn_gate_inp";

  /** Layers of experts whose input is that of the router. */
  private static final List<String> BESIDE_ROUTER = List.of("ffn_gate_exps", "ffn_up_exps");

  /** Made by the service loader. */
  public LegacyImatrix() {}

  @Override
  public String id() {
    return "imatrix-dat";
  }

  @Override
  public Match probe(Path file) {
    try (MappedFile open = MappedFile.open(file)) {
      ByteBuffer head = open.slice(0, (int) Math.min(open.size(), MAX_NAME));
      int layers = head.getInt();
      int length = head.getInt();
      boolean plausible = layers > 0 && length > 0 && length <= head.remaining();
      for (int i = 0; plausible && i < length; i++) {
        byte c = head.get();
        plausible = c > ' ' && c < 127;
      }
      return plausible ? Match.LIKELY : Match.NONE;
    } catch (IOException | RuntimeException unreadable) {
      return Match.NONE;
    }
  }

  @Override
  public Calibration open(Path file, ReadLimits limits) throws IOException {
    MappedFile open = MappedFile.open(file);
    try {
      return new ImportanceMatrix(
          file, new Reader(file, open, limits).layers(), () -> close(file, open));
    } catch (IOException | RuntimeException e) {
      open.close();
      throw e;
    }
  }

  private static void close(Path file, MappedFile open) {
    try {
      open.close();
    } catch (IOException e) {
      throw HashedFile.unreadable(file, e);
    }
  }

  /**
   * A layer.
   *
   * @param from where its sums begin
   * @param sums how many there are
   * @param calls what they are divided by
   */
  private record Entry(long from, int sums, float calls) {}

  /** Reads from the start to the end. */
  private static final class Reader {

    private final Path file;
    private final MappedFile open;
    private final ReadLimits limits;
    private long at;

    Reader(Path file, MappedFile open, ReadLimits limits) {
      this.file = file;
      this.open = open;
      this.limits = limits;
    }

    Map<String, ImportanceMatrix.Layer> layers() throws IOException {
      int count = number("number of layers", limits.maxTensors());
      Map<String, Entry> entries = new HashMap<>();
      for (int i = 0; i < count; i++) {
        int length = number("length of a name", MAX_NAME);
        String name = StandardCharsets.UTF_8.decode(next(length)).toString();
        float calls = Math.max(1, number("number of calls", Integer.MAX_VALUE));
        int sums = number("number of sums", MAX_SUMS);
        long from = at;
        next(Math.multiplyExact(sums, Float.BYTES));
        entries.put(
            name.endsWith(WEIGHT) ? name.substring(0, name.length() - WEIGHT.length()) : name,
            new Entry(from, sums, calls));
      }
      Map<String, ImportanceMatrix.Layer> layers = new HashMap<>();
      entries.forEach(
          (name, entry) -> {
            int experts = name.endsWith(EXPERTS) ? experts(name, entry, entries) : 1;
            layers.put(name, new ImportanceMatrix.Layer(experts, () -> sums(entry, experts)));
          });
      return layers;
    }

    /** How many matrices a layer of experts has; 1 if that is not known. */
    private static int experts(String name, Entry own, Map<String, Entry> entries) {
      String block = name.substring(0, name.lastIndexOf('.') + 1);
      Entry router = entries.get(block + ROUTER);
      if (router == null) {
        return 1;
      }
      return BESIDE_ROUTER.stream()
          .flatMap(layer -> Optional.ofNullable(entries.get(block + layer)).stream())
          .filter(beside -> beside.sums() % router.sums() == 0)
          .map(beside -> beside.sums() / router.sums())
          .filter(experts -> own.sums() % experts == 0)
          .findFirst()
          .orElse(1);
    }

    private ImportanceMatrix.Sums sums(Entry entry, int experts) {
      float[] squares = read(entry.from(), entry.sums());
      float[] counts = new float[experts];
      int columns = squares.length / experts;
      for (int i = 0; i < squares.length; i++) {
        if (experts == 1 || squares[i] != 0) {
          counts[i / columns] = entry.calls();
        }
      }
      return new ImportanceMatrix.Sums(squares, counts);
    }

    private int number(String what, int most) throws IOException {
      int number = next(Integer.BYTES).getInt();
      if (number < 1 || number > most) {
        throw new ModelFormatException(
            Reason.NOT_THIS_FORMAT,
            file.toString(),
            "",
            "its "
                + what
                + " is "
                + number
                + "; 1 to "
                + most
                + " are allowed. It is no"
                + " importance matrix, or damaged; make it again with llama-imatrix");
      }
      return number;
    }

    private ByteBuffer next(int bytes) throws IOException {
      if (bytes > open.size() - at) {
        throw new ModelFormatException(
            Reason.TRUNCATED,
            file.toString(),
            "",
            "it ends at " + open.size() + ", within a layer. Fetch it again");
      }
      ByteBuffer read = open.slice(at, bytes);
      at += bytes;
      return read;
    }

    private float[] read(long from, int count) {
      float[] values = new float[count];
      try {
        open.slice(from, count * Float.BYTES).asFloatBuffer().get(values);
        return values;
      } catch (IOException e) {
        throw HashedFile.unreadable(file, e);
      }
    }
  }
}
