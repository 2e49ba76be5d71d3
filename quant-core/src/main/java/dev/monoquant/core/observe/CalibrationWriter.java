package dev.monoquant.core.observe;

import dev.monoquant.core.control.CalibrationOptions.Range;
import dev.monoquant.core.report.CalibrationReport.LayerRange;
import dev.monoquant.core.trial.SumsFile;
import dev.monoquant.files.safetensors.SafetensorsLayout;
import dev.monoquant.files.safetensors.StoredTensor;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.ObservableModel.Bins;
import dev.monoquant.spi.ObservableModel.Request;
import dev.monoquant.spi.ObservableModel.Total;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Writes the statistics of layers as a safetensors file, from the sums of the passes.
 *
 * <pre>
 * NAME.x2       FLOAT32 (columns)          mean of the square of each column of the input rows
 * NAME.h        FLOAT32 (columns, columns) Gram matrix: mean of x xT over input rows x
 * NAME.xmin     FLOAT32 ()                 least number of the range
 * NAME.xmax     FLOAT32 ()                 greatest number of the range
 * NAME.cmin     FLOAT32 (columns)          least number of each column
 * NAME.cmax     FLOAT32 (columns)          greatest number of each column
 * NAME.count    INT64 ()                   input rows
 * NAME.lookups  INT64 (rows)               how often each row of a table was looked up
 * </pre>
 */
final class CalibrationWriter {

  /** The key of the metadata with the version of the file; other keys begin with it. */
  static final String VERSION_KEY = "monoquant.calibration";

  private static final int PIECE = 1 << 18;

  /** The sums of a layer. */
  private static final class Sums {
    private double @Nullable [] totals;
    private double[] squares = {};
    private double[] looks = {};
    private double[] range = {};
    private double[] lows = {};
    private double[] highs = {};
    private @Nullable SumsFile products;
    private SumsFile.@Nullable Item item;

    double total(Total total) {
      return totals == null ? 0 : total.of(totals);
    }

    double rows() {
      return total(Total.ROWS);
    }
  }

  private final Range observer;
  private final Map<String, String> leftOut;
  private final Map<String, Sums> layers = new LinkedHashMap<>();

  /**
   * @param observer how the range is found
   * @param leftOut receives layers without statistics, with the reason
   */
  CalibrationWriter(Range observer, Map<String, String> leftOut) {
    this.observer = observer;
    this.leftOut = leftOut;
  }

  /**
   * Adds the sums of a layer from a pass; the first pass comes first.
   *
   * @param name the layer
   * @param request what was observed
   * @param file open until everything is written
   * @param items its sums in the file
   */
  void add(String name, Request request, SumsFile file, List<SumsFile.Item> items)
      throws IOException {
    Sums sums = layers.computeIfAbsent(name, n -> new Sums());
    if (sums.totals == null) {
      sums.totals = file.numbers(items.get(0));
      sums.squares = file.numbers(items.get(1));
      sums.looks = file.numbers(items.get(4));
      sums.lows = file.numbers(items.get(5));
      sums.highs = file.numbers(items.get(6));
      sums.range =
          observer == Range.MINMAX
              ? new double[] {sums.total(Total.AVERAGE_LEAST), sums.total(Total.AVERAGE_GREATEST)}
              : new double[] {sums.total(Total.LEAST), sums.total(Total.GREATEST)};
    }
    if (request.products()) {
      sums.products = file;
      sums.item = items.get(2);
    }
    if (request.bins().isPresent()) {
      Bins bins = request.bins().get();
      sums.range = BestRange.of(file.numbers(items.get(3)), bins.least(), bins.greatest());
    }
  }

  /**
   * Writes the file under a temporary name, flushes it and puts it in place. Without a layer that
   * has statistics, nothing is written.
   *
   * @param part the temporary name, in the file system of the target
   * @return the layers that have statistics
   */
  List<LayerRange> write(Path target, Path part, Map<String, String> metadata) throws IOException {
    List<TensorInfo> tensors = new ArrayList<>();
    List<LayerRange> ranges = new ArrayList<>();
    layers.forEach((name, sums) -> describe(name, sums, tensors, ranges));
    if (ranges.isEmpty()) {
      return ranges;
    }
    SafetensorsLayout layout = new SafetensorsLayout(tensors, metadata);
    try (FileChannel out =
        FileChannel.open(
            part,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      byte[] header = layout.headerBytes();
      write(out, ByteBuffer.wrap(header));
      for (StoredTensor tensor : layout.tensors()) {
        write(out, tensor.name());
      }
      out.force(true);
      Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(part);
    }
    return ranges;
  }

  private void describe(String name, Sums sums, List<TensorInfo> tensors, List<LayerRange> ranges) {
    if (sums.rows() == 0) {
      leftOut.put(
          name,
          sums.total(Total.LEFT_OUT) == 0
              ? "it was not called on the samples"
              : "all "
                  + (long) sums.total(Total.LEFT_OUT)
                  + " of its inputs hold NaN or infinities");
      return;
    }
    boolean columns = sums.squares.length > 0;
    if (columns) {
      tensors.add(tensor(name + ".x2", ElementType.FLOAT32, sums.squares.length));
      tensors.add(tensor(name + ".xmin", ElementType.FLOAT32));
      tensors.add(tensor(name + ".xmax", ElementType.FLOAT32));
      tensors.add(tensor(name + ".cmin", ElementType.FLOAT32, sums.lows.length));
      tensors.add(tensor(name + ".cmax", ElementType.FLOAT32, sums.highs.length));
    }
    if (sums.products != null) {
      tensors.add(
          tensor(name + ".h", ElementType.FLOAT32, sums.squares.length, sums.squares.length));
    }
    if (sums.looks.length > 0) {
      tensors.add(tensor(name + ".lookups", ElementType.INT64, sums.looks.length));
    }
    tensors.add(tensor(name + ".count", ElementType.INT64));
    ranges.add(
        new LayerRange(
            name,
            columns ? sums.squares.length : 0,
            (long) sums.rows(),
            columns ? sums.range[0] : Double.NaN,
            columns ? sums.range[1] : Double.NaN,
            sums.products != null,
            (long) sums.total(Total.LEFT_OUT)));
  }

  private static TensorInfo tensor(String name, ElementType type, long... dims) {
    return new TensorInfo(name, type, TensorShape.of(dims));
  }

  private void write(FileChannel out, String tensor) throws IOException {
    int dot = tensor.lastIndexOf('.');
    Sums sums = layers.get(tensor.substring(0, dot));
    if (sums == null) {
      throw new IllegalStateException("no sums of " + tensor);
    }
    switch (tensor.substring(dot + 1)) {
      case "x2" -> write(out, means(sums.squares, sums.rows()));
      case "xmin" -> write(out, floats((float) sums.range[0]));
      case "xmax" -> write(out, floats((float) sums.range[1]));
      case "cmin" -> write(out, means(sums.lows, 1));
      case "cmax" -> write(out, means(sums.highs, 1));
      case "count" -> write(out, longs(sums.rows()));
      case "lookups" -> write(out, longs(sums.looks));
      default -> writeProducts(out, sums);
    }
  }

  private static void writeProducts(FileChannel out, Sums sums) throws IOException {
    SumsFile file = sums.products;
    SumsFile.Item item = sums.item;
    if (file == null || item == null) {
      throw new IllegalStateException("no products");
    }
    for (long at = 0; at < item.bytes(); at += PIECE) {
      int length = (int) Math.min(PIECE, item.bytes() - at);
      ByteBuffer in = file.read(item, at, length);
      ByteBuffer means = buffer(length);
      while (in.hasRemaining()) {
        means.putFloat((float) (in.getFloat() / sums.rows()));
      }
      write(out, means.flip());
    }
  }

  private static ByteBuffer means(double[] sums, double rows) {
    ByteBuffer bytes = buffer(sums.length * Float.BYTES);
    for (double sum : sums) {
      bytes.putFloat((float) (sum / rows));
    }
    return bytes.flip();
  }

  private static ByteBuffer floats(float number) {
    return buffer(Float.BYTES).putFloat(number).flip();
  }

  private static ByteBuffer longs(double... numbers) {
    ByteBuffer bytes = buffer(numbers.length * Long.BYTES);
    for (double number : numbers) {
      bytes.putLong((long) number);
    }
    return bytes.flip();
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static void write(FileChannel out, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      out.write(bytes);
    }
  }
}
