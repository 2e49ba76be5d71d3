package dev.monoquant.core.control;

import static java.util.Objects.requireNonNull;

import dev.monoquant.ConfigurationException;
import dev.monoquant.Selector;
import java.util.Arrays;
import java.util.List;

/**
 * How the inputs of layers are observed.
 *
 * @param layers the layers to observe; empty for all
 * @param products the layers whose Gram matrices are collected, which take four bytes for each pair
 *     of columns; empty for none
 * @param range how the ends of the range are found
 * @param batch rows of a sample that are run in one call; 0 for whole samples
 * @param mostCalls the most calls of the model; at least 1
 * @param productBytes the bytes of the Gram matrices that are collected in one pass; more passes
 *     follow for the others
 * @param resume whether to go on with an interrupted run
 */
public record CalibrationOptions(
    List<Selector> layers,
    List<Selector> products,
    Range range,
    int batch,
    long mostCalls,
    long productBytes,
    boolean resume) {

  private static final long PRODUCT_BYTES = 1L << 30;

  /** All layers, without Gram matrices, over all samples, each in one call. */
  public static final CalibrationOptions DEFAULT =
      new CalibrationOptions(
          List.of(), List.of(), Range.STATIC_MINMAX, 0, Long.MAX_VALUE, PRODUCT_BYTES, false);

  /** How the least and greatest number of an input are found. */
  public enum Range {
    /** The least and the greatest of all calls. */
    STATIC_MINMAX("static_minmax"),
    /** Moving averages: each call moves them by .01 of the distance to its own. */
    MINMAX("minmax"),
    /**
     * The range whose 256 equal steps have the least expected squared error, by a histogram of 2048
     * bins. It takes a second pass.
     */
    HISTOGRAM("histogram");

    private final String wire;

    Range(String wire) {
      this.wire = wire;
    }

    /** {@return the stable name} */
    public String wire() {
      return wire;
    }

    /**
     * {@return the constant}
     *
     * @param wire a name; case-sensitive
     * @throws ConfigurationException if there is none of that name
     */
    public static Range of(String wire) {
      return Arrays.stream(values())
          .filter(r -> r.wire.equals(wire))
          .findFirst()
          .orElseThrow(
              () ->
                  new ConfigurationException(
                      "no observer "
                          + wire
                          + "; there are "
                          + String.join(", ", Arrays.stream(values()).map(Range::wire).toList())));
    }
  }

  /** Checks the numbers. */
  public CalibrationOptions {
    layers = List.copyOf(layers);
    products = List.copyOf(products);
    requireNonNull(range, "range");
    if (batch < 0 || mostCalls < 1 || productBytes < 1) {
      throw new ConfigurationException(
          "batches of "
              + batch
              + " rows, "
              + mostCalls
              + " calls and "
              + productBytes
              + " bytes for Gram matrices: at least 0, 1 and 1 are allowed");
    }
  }

  /**
   * {@return the same for other layers}
   *
   * @param value the layers to observe; empty for all
   */
  public CalibrationOptions withLayers(List<Selector> value) {
    return new CalibrationOptions(value, products, range, batch, mostCalls, productBytes, resume);
  }

  /**
   * {@return the same with Gram matrices}
   *
   * @param value the layers whose Gram matrices are collected
   */
  public CalibrationOptions withProducts(List<Selector> value) {
    return new CalibrationOptions(layers, value, range, batch, mostCalls, productBytes, resume);
  }

  /**
   * {@return the same with another range}
   *
   * @param value how it is found
   */
  public CalibrationOptions withRange(Range value) {
    return new CalibrationOptions(layers, products, value, batch, mostCalls, productBytes, resume);
  }

  /**
   * {@return the same with samples in batches}
   *
   * @param rows rows of a sample that are run in one call; 0 for whole samples
   */
  public CalibrationOptions withBatch(int rows) {
    return new CalibrationOptions(layers, products, range, rows, mostCalls, productBytes, resume);
  }

  /**
   * {@return the same with a limit of calls}
   *
   * @param calls the most calls of the model
   */
  public CalibrationOptions withMostCalls(long calls) {
    return new CalibrationOptions(layers, products, range, batch, calls, productBytes, resume);
  }

  /**
   * {@return the same with another limit of memory}
   *
   * @param bytes the bytes of the Gram matrices of one pass
   */
  public CalibrationOptions withProductBytes(long bytes) {
    return new CalibrationOptions(layers, products, range, batch, mostCalls, bytes, resume);
  }

  /**
   * {@return the same that goes on with an interrupted run}
   *
   * @param value whether to
   */
  public CalibrationOptions withResume(boolean value) {
    return new CalibrationOptions(layers, products, range, batch, mostCalls, productBytes, value);
  }
}
