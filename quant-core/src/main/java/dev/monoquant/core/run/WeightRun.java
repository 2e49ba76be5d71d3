package dev.monoquant.core.run;

import dev.monoquant.ModelFormatException;
import dev.monoquant.PluginException;
import dev.monoquant.QuantException;
import dev.monoquant.ValidationException;
import dev.monoquant.core.report.ErrorStatistics;
import dev.monoquant.core.report.PlannedWeight;
import dev.monoquant.core.work.TileBuffers;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ErrorBound;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.GramMatrix;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.TileDecoder;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The encoding of one weight for the outputs that agree on it: its workers, its gate, and the
 * errors of its tiles. When the last tile is measured, only the errors are kept. Thread-safe.
 */
final class WeightRun {

  /**
   * An output that receives the encoded weight.
   *
   * @param planned the weight as this output has it; all receivers of a run agree on its matrix,
   *     scheme, options and encoding
   * @param sink the writer of the output
   */
  record Receiver(PlannedWeight planned, OutputWriter sink) {}

  private final EncodedWeight weight;
  private final List<Receiver> receivers;
  private final RowReader reader;
  private final int height;
  private final boolean clamps;
  private final TileDecoder decoder;
  private final ErrorBound bound;
  private final Gate gate;
  private final Map<String, byte[]> whole;
  private final String said;
  private OptionalDouble outputSqnrDb = OptionalDouble.empty();
  private final ErrorStatistics[] errors;
  private final double[] bounds;
  private final NonFinites[] clamped;
  private final AtomicInteger unmeasured;

  /** May hold the factors of a Gram matrix; null when all tiles are measured. */
  private @Nullable TileQuantizer quantizer;

  /** Holds rows of the weight; empty when all tiles are measured. */
  private Optional<OutputErrors> outputs;

  /**
   * @param receivers at least one
   * @param clamps whether numbers that are not finite are replaced before
   * @param inputs the Gram matrix of the layer's inputs, if it is known
   * @param factors by which the columns of the weight were multiplied, if its encoding divides
   *     them; tiles are measured against the multiplied numbers
   */
  WeightRun(
      List<Receiver> receivers,
      Scheme scheme,
      Facts facts,
      Compute compute,
      RowReader reader,
      int height,
      boolean clamps,
      Optional<GramMatrix> inputs,
      Optional<float[]> factors)
      throws IOException {
    this.receivers = receivers;
    this.weight = receivers.get(0).planned().weight();
    this.reader = reader;
    this.height = height;
    this.clamps = clamps;
    this.gate = new Gate(weight);
    this.outputs = inputs.map(gram -> new OutputErrors(gram, weight.matrix().rowCount()));
    try {
      TileQuantizer begun = scheme.begin(weight.matrix(), weight.options(), facts, compute);
      this.quantizer = begun;
      this.decoder = scheme.decoderOf(weight.withEncoding(weight.encoding().undivided()));
      this.bound = scheme.bound(weight.matrix(), weight.options());
      Map<String, byte[]> parts = new HashMap<>(begun.tensorParts());
      weight
          .encoding()
          .columnFactors()
          .ifPresent(part -> parts.put(part.name(), part.toBytes(factors.orElseThrow())));
      this.whole = Map.copyOf(parts);
      this.said = begun.warning().orElse("");
    } catch (RuntimeException e) {
      throw blame("it could not begin", e);
    }
    gate.checkWhole(whole);
    int tiles = TileGrid.tiles(weight, height);
    this.errors = new ErrorStatistics[tiles];
    this.bounds = new double[tiles];
    this.unmeasured = new AtomicInteger(tiles);
    this.clamped = new NonFinites[tiles];
    for (Receiver receiver : receivers) {
      receiver.sink().writeWhole(receiver.planned().weight(), whole);
    }
  }

  boolean clamps() {
    return clamps;
  }

  /** Whether several outputs receive the codes. */
  boolean isShared() {
    return receivers.size() > 1;
  }

  /**
   * Quantizes, checks, decodes, measures and writes one tile.
   *
   * @param original the numbers of the tile, row-major, not changed
   * @param replaced the numbers that were not finite before
   * @param buffers the calling thread's own
   */
  void process(
      int tileIndex,
      long firstRow,
      int rows,
      float[] original,
      NonFinites replaced,
      TileBuffers buffers)
      throws IOException {
    int cols = reader.cols();
    clamped[tileIndex] = replaced;
    EncodedTile coded;
    try (SourceTile tile =
        new SourceTile(weight.matrix(), firstRow, rows, cols, original, buffers)) {
      coded = Objects.requireNonNull(quantizer).quantize(tile);
      gate.check(coded, firstRow, rows);
    } catch (RuntimeException e) {
      if (NonFinites.any(original, rows * cols)) {
        throw NonFiniteScan.refusal(reader, height);
      }
      throw blame("rows " + firstRow + " to " + (firstRow + rows - 1), e);
    }
    float[] decoded = buffers.decoded(rows * cols);
    ErrorMeter meter = new ErrorMeter(cols);
    double greatestBound = 0;
    EncodedTile all = coded.with(whole);
    try {
      decoder.decode(all, decoded);
    } catch (RuntimeException e) {
      throw blame("decoding rows " + firstRow + " to " + (firstRow + rows - 1), e);
    }
    for (int r = 0; r < rows; r++) {
      double error = meter.row(original, decoded, r * cols);
      double limit = bound.of(all, r);
      greatestBound = Math.max(greatestBound, limit);
      if (!(error <= limit)) {
        double exact = ErrorMeter.greatest(original, decoded, r * cols, cols);
        if (!(exact <= limit)) {
          throw tooFar(firstRow + r, exact, limit, original, r * cols);
        }
      }
    }
    outputs.ifPresent(o -> o.add(firstRow, rows, cols, original, decoded));
    errors[tileIndex] = meter.total();
    bounds[tileIndex] = greatestBound;
    // Counting makes the results of all tiles visible to the thread that measured the last one.
    if (unmeasured.decrementAndGet() == 0) {
      if (outputs.isPresent()) {
        outputSqnrDb = outputs.get().sqnrDb();
      }
      // The run is kept for the report, so that what only tiles need must not stay with it.
      quantizer = null;
      outputs = Optional.empty();
      String remark = result().toText();
      for (Receiver receiver : receivers) {
        receiver.sink().remark(receiver.planned().weight().name(), remark);
      }
    }
    for (Receiver receiver : receivers) {
      receiver.sink().writeTile(receiver.planned().weight(), coded);
    }
  }

  /** The result of the weight; call this when all tiles are done. */
  WeightResult result() {
    ErrorStatistics total = ErrorStatistics.EMPTY;
    double bound = 0;
    NonFinites replaced = NonFinites.NONE;
    for (int i = 0; i < errors.length; i++) {
      total = total.plus(errors[i]);
      bound = Math.max(bound, bounds[i]);
      replaced = replaced.plus(clamped[i]);
    }
    return new WeightResult(total, bound, replaced, outputSqnrDb, said);
  }

  private RuntimeException tooFar(long row, double error, double bound, float[] original, int at)
      throws IOException {
    for (int c = 0; c < reader.cols(); c++) {
      if (!Float.isFinite(original[at + c])) {
        return NonFiniteScan.refusal(reader, height);
      }
    }
    return new ValidationException(
        String.format(
            Locale.ROOT,
            "scheme %s on %s: row %d decodes to numbers that are off by up to %g, and the scheme"
                + " declares at most %g. The scheme is wrong, or its bound is; nothing was written",
            weight.scheme(),
            QuantException.quote(weight.name()),
            row,
            error,
            bound));
  }

  private RuntimeException blame(String where, RuntimeException e) {
    if (e instanceof ModelFormatException || e instanceof QuantException) {
      return e;
    }
    return new PluginException(
        "scheme " + weight.scheme() + " on " + weight.name() + ": " + where + ": " + e, e);
  }
}
