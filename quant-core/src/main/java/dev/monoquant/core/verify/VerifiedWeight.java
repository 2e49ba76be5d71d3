package dev.monoquant.core.verify;

import dev.monoquant.ModelFormatException;
import dev.monoquant.QuantException;
import dev.monoquant.core.report.ErrorStatistics;
import dev.monoquant.core.run.ErrorMeter;
import dev.monoquant.core.run.NonFiniteScan;
import dev.monoquant.core.run.NonFinites;
import dev.monoquant.core.run.RowReader;
import dev.monoquant.core.run.StoredOptions;
import dev.monoquant.core.run.TileGrid;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.work.TileBuffers;
import dev.monoquant.core.work.Workers;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ErrorBound;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.TileDecoder;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Decodes one quantized weight again, tile by tile, and measures it against its original. */
final class VerifiedWeight {

  private final Settings settings;
  private final ModelSource output;
  private final EncodedWeight weight;
  private final @Nullable RowReader original;
  private final boolean clamps;
  private final int height;
  private final ErrorStatistics[] errors;
  private final @Nullable String[] faults;

  VerifiedWeight(
      Settings settings,
      ModelSource output,
      EncodedWeight weight,
      Optional<ModelSource> original,
      @Nullable TensorInfo tensor,
      boolean clamps) {
    this.settings = settings;
    this.output = output;
    this.weight = weight;
    this.original = original.isPresent() && tensor != null ? reader(original.get(), tensor) : null;
    this.clamps = clamps;
    this.height = TileGrid.height(weight, settings.tileElements());
    int tiles = TileGrid.tiles(weight, height);
    this.errors = new ErrorStatistics[tiles];
    this.faults = new String[tiles];
  }

  private RowReader reader(ModelSource source, TensorInfo tensor) {
    WeightMatrix rows = weight.matrix();
    return new RowReader(
        source, new WeightMatrix(rows.layer(), rows.kind(), rows.param(), tensor, rows.rowAxis()));
  }

  /** Decodes the whole weight; returns the first fault in row order, or empty. */
  Optional<String> run() throws IOException {
    StoredOptions options = new StoredOptions(settings.plugins(), output);
    TileDecoder decoder = options.decoder(weight);
    ErrorBound bound = options.bound(weight);
    List<Workers.Job> jobs = new ArrayList<>();
    for (int i = 0; i < errors.length; i++) {
      int index = i;
      jobs.add(buffers -> tile(index, decoder, bound, buffers));
    }
    new Workers(settings.threads(), output.info().name()).runAll(jobs);
    for (String fault : faults) {
      if (fault != null) {
        return Optional.of(fault);
      }
    }
    return Optional.empty();
  }

  ErrorStatistics errors() {
    ErrorStatistics total = ErrorStatistics.EMPTY;
    for (ErrorStatistics tile : errors) {
      total = total.plus(tile);
    }
    return total;
  }

  private void tile(int index, TileDecoder decoder, ErrorBound bound, TileBuffers buffers)
      throws IOException {
    int cols = Math.toIntExact(weight.matrix().columnCount());
    long first = (long) index * height;
    int rows = (int) Math.min(height, weight.matrix().rowCount() - first);
    ErrorMeter meter = new ErrorMeter(cols);
    try {
      EncodedTile tile = output.readTile(weight, new RowRange(first, rows));
      float[] decoded = buffers.decoded(rows * cols);
      decoder.decode(tile, decoded);
      if (NonFinites.any(decoded, rows * cols)) {
        faults[index] =
            "rows " + first + " to " + (first + rows - 1) + " decode to NaN or infinities";
      } else if (original != null) {
        measure(index, first, rows, bound, tile, decoded, buffers, meter);
      }
    } catch (ModelFormatException e) {
      faults[index] = String.valueOf(e.getMessage());
    } catch (QuantException e) {
      throw e;
    } catch (RuntimeException e) {
      faults[index] = "rows " + first + " on could not be decoded: " + e;
    }
    errors[index] = meter.total();
  }

  private void measure(
      int index,
      long first,
      int rows,
      ErrorBound bound,
      EncodedTile tile,
      float[] decoded,
      TileBuffers buffers,
      ErrorMeter meter)
      throws IOException {
    int cols = Math.toIntExact(weight.matrix().columnCount());
    float[] values = buffers.original(rows * cols);
    RowReader reader = java.util.Objects.requireNonNull(original);
    reader.readAll(first, rows, values);
    if (clamps) {
      NonFiniteScan.clamp(values, reader.rows(), first, rows);
    }
    for (int r = 0; r < rows; r++) {
      double error = meter.row(values, decoded, r * cols);
      double limit = bound.of(tile, r);
      if (!(error <= limit)
          && !(ErrorMeter.greatest(values, decoded, r * cols, cols) <= limit)
          && faults[index] == null) {
        faults[index] =
            String.format(
                Locale.ROOT,
                "row %d decodes to numbers that are off by up to %g, and scheme %s allows %g",
                first + r,
                error,
                weight.scheme(),
                limit);
      }
    }
  }
}
