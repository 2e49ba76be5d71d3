package dev.monoquant.io.calibration;

import com.google.auto.service.AutoService;
import dev.monoquant.ModelFormatException;
import dev.monoquant.files.safetensors.SafetensorsFile;
import dev.monoquant.files.safetensors.StoredTensor;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.Calibration;
import dev.monoquant.spi.CalibrationReader;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Statistics of the inputs of layers in a safetensors file, usually {@code
 * NAME.calibration.safetensors}.
 *
 * <table>
 * <caption>tensors of a layer NAME with K columns, all optional</caption>
 * <tr><td>{@code NAME.x2}</td><td>float, (K)</td><td>the mean of the square of each column</td></tr>
 * <tr><td>{@code NAME.h}</td><td>float, (K, K)</td><td>the Gram matrix, the mean of x xᵀ over the
 * rows x; its diagonal is {@code x2}</td></tr>
 * <tr><td>{@code NAME.xmin}, {@code NAME.xmax}</td><td>float, one number</td><td>the least and the
 * greatest input</td></tr>
 * <tr><td>{@code NAME.count}</td><td>integer or float, one number</td><td>the rows</td></tr>
 * </table>
 *
 * <p>NAME is the name of the weight in the state dict without {@code .weight}. Means are over all
 * rows that entered the layer: tokens, or positions of a convolution. Floats may be of any of the
 * types of weights; one number may be of shape () or (1). Other tensors are ignored; they may hold
 * statistics that this class does not know.
 *
 * <p>The metadata may say where they come from:
 *
 * <table>
 * <caption>metadata, all optional</caption>
 * <tr><td>{@code monoquant.calibration}</td><td>the version of the file, {@value #VERSION}; a greater
 * one is refused</td></tr>
 * <tr><td>{@code monoquant.calibration.model}</td><td>the SHA-256 of the model</td></tr>
 * <tr><td>{@code monoquant.calibration.samples}</td><td>the SHA-256 of each file of samples, by
 * name, in JSON</td></tr>
 * <tr><td>{@code monoquant.calibration.count}</td><td>how many samples were run</td></tr>
 * </table>
 *
 * <p>Stateless and thread-safe.
 */
@AutoService(CalibrationReader.class)
public final class SafetensorsCalibration implements CalibrationReader {

  /** The key of the metadata with the version of the file. */
  public static final String VERSION_KEY = "monoquant.calibration";

  /** The version of the file that this class reads. */
  public static final int VERSION = 1;

  /** Made by the service loader. */
  public SafetensorsCalibration() {}

  @Override
  public String id() {
    return "calibration";
  }

  @Override
  public Match probe(Path file) {
    boolean named = file.toString().endsWith(".safetensors");
    try (SafetensorsFile open = SafetensorsFile.open(file, file.toString(), ReadLimits.DEFAULT)) {
      if (open.metadata().containsKey(VERSION_KEY)) {
        return Match.CERTAIN;
      }
      return open.tensors().stream().anyMatch(t -> NamedStatistics.isStatistic(t.name()))
          ? Match.LIKELY
          : Match.POSSIBLE;
    } catch (IOException | ModelFormatException unreadable) {
      return named && Files.isRegularFile(file) ? Match.POSSIBLE : Match.NONE;
    }
  }

  @Override
  public Calibration open(Path file, ReadLimits limits) throws IOException {
    SafetensorsFile open = SafetensorsFile.open(file, file.toString(), limits);
    try {
      requireVersion(open);
      Map<String, NamedStatistics.Numbers> numbers = new LinkedHashMap<>();
      for (StoredTensor tensor : open.tensors()) {
        numbers.put(tensor.name(), new Stored(open, tensor));
      }
      return new NamedStatistics(file, numbers, open);
    } catch (RuntimeException e) {
      open.close();
      throw e;
    }
  }

  private static void requireVersion(SafetensorsFile file) {
    String version = file.metadata().getOrDefault(VERSION_KEY, String.valueOf(VERSION));
    if (!version.equals(String.valueOf(VERSION))) {
      throw new ModelFormatException(
          ModelFormatException.Reason.VERSION,
          file.label(),
          VERSION_KEY,
          "version "
              + version
              + " of calibrations; "
              + VERSION
              + " is read. Use the version of this program that wrote it, or a newer one");
    }
  }

  private record Stored(SafetensorsFile file, StoredTensor tensor)
      implements NamedStatistics.Numbers {

    @Override
    public ElementType type() {
      return tensor.type();
    }

    @Override
    public TensorShape shape() {
      return tensor.shape();
    }

    @Override
    public ByteBuffer read(long offset, int length) throws IOException {
      return file.read(tensor, offset, length);
    }
  }
}
