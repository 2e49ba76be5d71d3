package dev.monoquant.io.calibration;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.Calibration;
import dev.monoquant.spi.GramMatrix;
import dev.monoquant.spi.InputStatistics;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Statistics of the inputs of layers as tensors that are named after the layers.
 *
 * <p>{@link SafetensorsCalibration} lists them.
 *
 * <p>Values are read when they are needed. Thread-safe.
 */
final class NamedStatistics implements Calibration {

  private static final String SQUARES = "x2";
  private static final String GRAM = "h";
  private static final String LEAST = "xmin";
  private static final String GREATEST = "xmax";
  private static final String COLUMN_LEAST = "cmin";
  private static final String COLUMN_GREATEST = "cmax";
  private static final String COUNT = "count";
  private static final Set<String> KNOWN =
      Set.of(SQUARES, GRAM, LEAST, GREATEST, COLUMN_LEAST, COLUMN_GREATEST, COUNT);

  /** Columns beyond this have Gram matrices of more than 16 GiB. */
  private static final int MAX_GRAM_COLUMNS = 1 << 16;

  /** Mean squares of any type of that many columns fit into one array of 2 GiB. */
  private static final int MAX_COLUMNS = 1 << 27;

  /** A tensor whose values can be read. */
  interface Numbers {

    ElementType type();

    TensorShape shape();

    /** {@return little-endian bytes of the values} */
    ByteBuffer read(long offset, int length) throws IOException;
  }

  private final HashedFile file;
  private final Closeable open;

  /** By the layer, then by the kind of statistic. */
  private final Map<String, Map<String, Numbers>> layers = new TreeMap<>();

  /**
   * Layers by their names in GGUF files, for models that are shown with those. A name that two
   * layers have is not here: nothing says which of them is meant.
   */
  private final Map<String, String> byGguf;

  private final Map<String, InputStatistics> read = new ConcurrentHashMap<>();

  /**
   * @param tensors the tensors by name
   * @param open closed with this calibration
   */
  NamedStatistics(Path file, Map<String, Numbers> tensors, Closeable open) {
    this.file = new HashedFile(file);
    this.open = open;
    tensors.forEach(this::add);
    byGguf = byGguf(layers.keySet());
    if (layers.isEmpty()) {
      throw new ModelFormatException(
          Reason.NOT_THIS_FORMAT,
          file.toString(),
          "",
          "it holds no statistics of inputs, no tensor NAME.x2, NAME.h, NAME.xmin or NAME.xmax of a"
              + " layer NAME. Give the file that quant calibrate wrote");
    }
  }

  private static Map<String, String> byGguf(Set<String> layers) {
    Map<String, String> byGguf = new TreeMap<>();
    Set<String> twice = new HashSet<>();
    for (String layer : layers) {
      GgufLayerNames.of(layer)
          .map(
              named ->
                  named.layer().endsWith("_exps")
                      ? named.layer() + "." + named.expert()
                      : named.layer())
          .filter(name -> byGguf.put(name, layer) != null)
          .ifPresent(twice::add);
    }
    byGguf.keySet().removeAll(twice);
    return byGguf;
  }

  /** {@return whether a tensor is named like a statistic of a layer: {@code NAME.x2} and so on} */
  static boolean isStatistic(String tensor) {
    return tensor.lastIndexOf('.') > 0 && KNOWN.contains(kind(tensor));
  }

  private static String kind(String tensor) {
    return tensor.substring(tensor.lastIndexOf('.') + 1);
  }

  private void add(String name, Numbers numbers) {
    if (!isStatistic(name)) {
      return;
    }
    String kind = kind(name);
    TensorShape shape = numbers.shape();
    boolean floats = numbers.type().isQuantizable();
    boolean valid =
        switch (kind) {
          case SQUARES, COLUMN_LEAST, COLUMN_GREATEST ->
              floats && shape.rank() == 1 && isWidth(shape.dim(0), MAX_COLUMNS);
          case GRAM ->
              floats
                  && shape.rank() == 2
                  && isWidth(shape.dim(0), MAX_GRAM_COLUMNS)
                  && shape.dim(0) == shape.dim(1);
          case COUNT -> (floats || numbers.type() == ElementType.INT64) && shape.elements() == 1;
          default -> floats && shape.elements() == 1;
        };
    if (!valid) {
      throw fault(
          Reason.SHAPE,
          name,
          "is of type "
              + numbers.type().wire()
              + " and shape "
              + shape
              + "; "
              + switch (kind) {
                case SQUARES, COLUMN_LEAST, COLUMN_GREATEST ->
                    "numbers of columns are floats of shape (columns), of at most "
                        + MAX_COLUMNS
                        + " columns";
                case GRAM ->
                    "a Gram matrix is floats of shape (columns, columns), of at most "
                        + MAX_GRAM_COLUMNS
                        + " columns";
                case COUNT -> "a number of rows is one integer";
                default -> "an end of a range is one float";
              }
              + ". Write it again");
    }
    String layer = name.substring(0, name.lastIndexOf('.'));
    layers.computeIfAbsent(layer, k -> new TreeMap<>()).put(kind, numbers);
  }

  private static boolean isWidth(long columns, long most) {
    return columns >= 1 && columns <= most;
  }

  @Override
  public String describe() {
    return file.describe();
  }

  @Override
  public String digest() {
    return file.digest();
  }

  @Override
  public Set<String> layers() {
    return Set.copyOf(layers.keySet());
  }

  @Override
  public Optional<InputStatistics> find(String layer) {
    String own = layers.containsKey(layer) ? layer : byGguf.getOrDefault(layer, layer);
    Map<String, Numbers> found = layers.get(own);
    return found == null
        ? Optional.empty()
        : Optional.of(read.computeIfAbsent(own, name -> read(name, found)));
  }

  private InputStatistics read(String layer, Map<String, Numbers> found) {
    InputStatistics statistics = InputStatistics.of(layer);
    if (found.containsKey(COUNT)) {
      statistics = statistics.withRows(count(found.get(COUNT)));
    }
    Numbers least = found.get(LEAST);
    Numbers greatest = found.get(GREATEST);
    if (least != null && greatest != null) {
      statistics = statistics.withRange(row(least, 0, 1)[0], row(greatest, 0, 1)[0]);
    }
    Numbers squares = found.get(SQUARES);
    if (squares != null) {
      statistics =
          statistics.withMeanSquares(row(squares, 0, Math.toIntExact(squares.shape().dim(0))));
    }
    Numbers lows = found.get(COLUMN_LEAST);
    Numbers highs = found.get(COLUMN_GREATEST);
    if (lows != null && highs != null) {
      statistics =
          statistics.withColumnRanges(
              row(lows, 0, Math.toIntExact(lows.shape().dim(0))),
              row(highs, 0, Math.toIntExact(highs.shape().dim(0))));
    }
    Numbers gram = found.get(GRAM);
    return gram == null ? statistics : statistics.withGram(new Stored(gram));
  }

  private long count(Numbers numbers) {
    if (numbers.type() != ElementType.INT64) {
      return (long) row(numbers, 0, 1)[0];
    }
    try {
      return numbers.read(0, Long.BYTES).getLong();
    } catch (IOException e) {
      throw file.unreadable(e);
    }
  }

  /** A Gram matrix that stays in the file. */
  private final class Stored implements GramMatrix {

    private final Numbers numbers;

    Stored(Numbers numbers) {
      this.numbers = numbers;
    }

    @Override
    public int size() {
      return Math.toIntExact(numbers.shape().dim(0));
    }

    @Override
    public void readRow(int row, float[] into) {
      System.arraycopy(row(numbers, row, size()), 0, into, 0, size());
    }
  }

  private float[] row(Numbers numbers, int row, int count) {
    float[] values = new float[count];
    int length = Math.multiplyExact(count, numbers.type().cellBytes());
    try {
      ByteBuffer bytes = numbers.read((long) row * length, length);
      FloatBytes.widen(numbers.type(), bytes, values, 0, count);
      return values;
    } catch (IOException e) {
      throw file.unreadable(e);
    }
  }

  private ModelFormatException fault(Reason reason, String tensor, String detail) {
    return new ModelFormatException(reason, file.toString(), "tensor " + quote(tensor), detail);
  }

  @Override
  public void close() {
    try {
      open.close();
    } catch (IOException e) {
      throw file.unreadable(e);
    }
  }
}
