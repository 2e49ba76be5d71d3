package dev.monoquant.core;

import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.TensorSource;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The reading pass before quantizing: ranges of tensors for the schemes that need them, and which
 * weights hold NaN or infinities where the policy is to keep those.
 */
final class Survey {

  private final Settings settings;
  private final TensorSource source;

  Survey(Settings settings, TensorSource source) {
    this.settings = settings;
    this.source = source;
  }

  /** The names of the weights that hold NaN or infinities. */
  Set<String> nonFinite(List<PlannedWeight> weights) throws IOException {
    Set<String> found = new HashSet<>();
    forEachTile(
        weights,
        (weight, values, count) -> {
          if (NonFiniteScan.any(values, count)) {
            synchronized (found) {
              found.add(weight.weight().name());
            }
          }
        });
    return found;
  }

  /** What the schemes need to know, by the name of the weight. */
  Map<String, Facts> facts(List<PlannedWeight> weights) throws IOException {
    List<PlannedWeight> ranged = new ArrayList<>();
    for (PlannedWeight planned : weights) {
      Scheme scheme = settings.plugins().scheme(planned.weight().scheme());
      if (scheme.needs(planned.weight().options()).contains(Need.TENSOR_RANGE)) {
        ranged.add(planned);
      }
    }
    Map<String, Facts> facts = new HashMap<>();
    forEachTile(
        ranged,
        (weight, values, count) -> {
          float min = values[0];
          float max = values[0];
          for (int i = 1; i < count; i++) {
            min = Math.min(min, values[i]);
            max = Math.max(max, values[i]);
          }
          Facts own = Facts.ofRange(min, max);
          synchronized (facts) {
            facts.merge(weight.weight().name(), own, Survey::widest);
          }
        });
    for (PlannedWeight planned : ranged) {
      requireFinite(planned, facts);
    }
    return facts;
  }

  private void requireFinite(PlannedWeight planned, Map<String, Facts> facts) throws IOException {
    Facts own = facts.get(planned.weight().name());
    if (own != null && !Float.isFinite(own.range().max() - own.range().min())) {
      // The difference of two finite floats may overflow as well; only real ones are refused.
      if (!Float.isFinite(own.range().min()) || !Float.isFinite(own.range().max())) {
        int height = TileGrid.height(planned.weight(), settings.tileElements());
        throw NonFiniteScan.refusal(source, new RowReader(source, planned.weight().rows()), height);
      }
    }
  }

  private static Facts widest(Facts a, Facts b) {
    return Facts.ofRange(
        Math.min(a.range().min(), b.range().min()), Math.max(a.range().max(), b.range().max()));
  }

  private interface TileVisitor {
    void visit(PlannedWeight weight, float[] values, int count);
  }

  private void forEachTile(List<PlannedWeight> weights, TileVisitor visitor) throws IOException {
    if (weights.isEmpty()) {
      return;
    }
    long total = weights.stream().mapToLong(PlannedWeight::bytesBefore).sum();
    Meter meter = new Meter(settings.progress(), Progress.Stage.SURVEYING, total);
    List<Workers.Job> jobs = new ArrayList<>();
    for (PlannedWeight planned : weights) {
      RowReader reader = new RowReader(source, planned.weight().rows());
      int height = TileGrid.height(planned.weight(), settings.tileElements());
      long rows = planned.weight().rows().rows();
      for (long first = 0; first < rows; first += height) {
        long firstRow = first;
        int h = (int) Math.min(height, rows - first);
        jobs.add(
            buffers -> {
              int count = h * reader.cols();
              float[] values = buffers.original(count);
              reader.read(firstRow, h, values);
              visitor.visit(planned, values, count);
              long bytes = (long) count * planned.weight().rows().tensor().type().cellBytes();
              meter.add(bytes, planned.weight().name());
            });
      }
    }
    var iterator = jobs.iterator();
    new Workers(settings.threads()).run(() -> iterator.hasNext() ? iterator.next() : null);
  }
}
