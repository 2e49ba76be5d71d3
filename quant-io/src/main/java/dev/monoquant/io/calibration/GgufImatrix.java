package dev.monoquant.io.calibration;

import com.google.auto.service.AutoService;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.gguf.GgmlType;
import dev.monoquant.files.gguf.GgufFile;
import dev.monoquant.files.gguf.GgufTensor;
import dev.monoquant.files.gguf.GgufValue;
import dev.monoquant.spi.Calibration;
import dev.monoquant.spi.CalibrationReader;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The importance matrix of llama.cpp as a GGUF file, {@code imatrix.gguf}: mean squares of the
 * inputs of layers, for any model of the same weights.
 *
 * <table>
 * <caption>tensors of a layer with K columns, all F32</caption>
 * <tr><td>{@code blk.0.attn_q.weight.in_sum2}</td><td>(K), or (E, K) for E experts</td><td>sums of
 * squares</td></tr>
 * <tr><td>{@code blk.0.attn_q.weight.counts}</td><td>(1), or (E, 1)</td><td>what they are divided
 * by; 0 if no token reached the matrix, whose mean squares are then 1</td></tr>
 * </table>
 *
 * <p>Source: {@code tools/imatrix/imatrix.cpp} of llama.cpp since its pull request 9400; the value
 * {@code general.type} is {@code imatrix}. Stateless and thread-safe.
 */
@AutoService(CalibrationReader.class)
public final class GgufImatrix implements CalibrationReader {

  private static final String SUMS = ".in_sum2";
  private static final String COUNTS = ".counts";
  private static final String WEIGHT = ".weight";
  private static final String TYPE = "general.type";

  /** Made by the service loader. */
  public GgufImatrix() {}

  @Override
  public String id() {
    return "imatrix-gguf";
  }

  @Override
  public Match probe(Path file) {
    try (GgufFile open = GgufFile.open(file, file.toString(), ReadLimits.DEFAULT)) {
      return isImatrix(open) ? Match.CERTAIN : Match.POSSIBLE;
    } catch (IOException | ModelFormatException unreadable) {
      return file.toString().endsWith(".gguf") ? Match.POSSIBLE : Match.NONE;
    }
  }

  private static boolean isImatrix(GgufFile file) {
    GgufValue type = file.metadata().get(TYPE);
    return type != null && type.text().equals("imatrix");
  }

  @Override
  public Calibration open(Path file, ReadLimits limits) throws IOException {
    GgufFile open = GgufFile.open(file, file.toString(), limits);
    try {
      return new ImportanceMatrix(file, layers(file, open), () -> close(file, open));
    } catch (RuntimeException e) {
      open.close();
      throw e;
    }
  }

  private static void close(Path file, GgufFile open) {
    try {
      open.close();
    } catch (IOException e) {
      throw HashedFile.unreadable(file, e);
    }
  }

  private static Map<String, ImportanceMatrix.Layer> layers(Path file, GgufFile open) {
    Map<String, GgufTensor> tensors = new HashMap<>();
    open.tensors().forEach(t -> tensors.put(t.name(), t));
    Map<String, ImportanceMatrix.Layer> layers = new HashMap<>();
    tensors.forEach(
        (name, sums) -> {
          if (name.endsWith(SUMS)) {
            String weight = name.substring(0, name.length() - SUMS.length());
            GgufTensor counts = counts(file, sums, tensors.get(weight + COUNTS));
            layers.put(
                weight.endsWith(WEIGHT)
                    ? weight.substring(0, weight.length() - WEIGHT.length())
                    : weight,
                new ImportanceMatrix.Layer(
                    Math.toIntExact(counts.shape().elements()),
                    () -> sums(read(file, open, sums), read(file, open, counts))));
          }
        });
    if (layers.isEmpty() || !isImatrix(open)) {
      throw new ModelFormatException(
          Reason.NOT_THIS_FORMAT,
          file.toString(),
          "",
          "it is no importance matrix: its general.type is not imatrix, or it has no tensor"
              + " NAME.in_sum2. Give the file that llama-imatrix wrote");
    }
    return layers;
  }

  /** What no token reached counts alike in all columns, as llama-quantize takes it. */
  private static ImportanceMatrix.Sums sums(float[] squares, float[] counts) {
    int columns = squares.length / counts.length;
    for (int i = 0; i < counts.length; i++) {
      if (!(counts[i] > 0)) {
        counts[i] = 1;
        Arrays.fill(squares, i * columns, (i + 1) * columns, 1);
      }
    }
    return new ImportanceMatrix.Sums(squares, counts);
  }

  private static GgufTensor counts(Path file, GgufTensor sums, @Nullable GgufTensor counts) {
    if (counts != null
        && sums.type() == GgmlType.F32
        && counts.type() == GgmlType.F32
        && counts.shape().elements() > 0
        && sums.shape().elements() > 0
        && sums.shape().elements() % counts.shape().elements() == 0) {
      return counts;
    }
    throw new ModelFormatException(
        Reason.SHAPE,
        file.toString(),
        "tensor " + sums.name(),
        "sums are F32, and counts of the same name are F32 and divide them. Make it again with"
            + " llama-imatrix");
  }

  private static float[] read(Path file, GgufFile open, GgufTensor tensor) {
    float[] values = new float[Math.toIntExact(tensor.shape().elements())];
    try {
      open.read(tensor, 0, Math.toIntExact(tensor.bytes())).asFloatBuffer().get(values);
      return values;
    } catch (IOException e) {
      throw HashedFile.unreadable(file, e);
    }
  }
}
