package dev.monoquant.core;

import static java.util.Objects.requireNonNull;

import dev.monoquant.spi.EncodedWeight;
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
        (weight, firstRow, values, count) -> {
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
    List<PlannedWeight> read = new ArrayList<>();
    Map<String, FactFinder> finders = new HashMap<>();
    Map<String, Facts> facts = new HashMap<>();
    for (PlannedWeight planned : weights) {
      EncodedWeight weight = planned.weight();
      Scheme scheme = settings.plugins().scheme(weight.scheme());
      Set<Need> needs = scheme.needs(weight.options());
      facts.put(weight.name(), Facts.NONE);
      if (FactFinder.mustRead(needs)) {
        read.add(planned);
        finders.put(weight.name(), new FactFinder(weight, needs));
      }
    }
    forEachTile(
        read,
        (planned, firstRow, values, count) ->
            requireNonNull(finders.get(planned.weight().name())).see(firstRow, values, count));
    for (PlannedWeight planned : read) {
      FactFinder finder = requireNonNull(finders.get(planned.weight().name()));
      requireFinite(planned, finder);
      facts.put(planned.weight().name(), finder.facts());
    }
    for (PlannedWeight planned : weights) {
      EncodedWeight weight = planned.weight();
      Scheme scheme = settings.plugins().scheme(weight.scheme());
      if (scheme.needs(weight.options()).contains(Need.COLUMN_STATISTICS)) {
        float[] columns = settings.columns().find(weight.name()).orElseThrow();
        facts.computeIfPresent(weight.name(), (name, own) -> own.withColumns(columns));
      }
    }
    return facts;
  }

  private void requireFinite(PlannedWeight planned, FactFinder finder) throws IOException {
    if (!finder.finite()) {
      int height = TileGrid.height(planned.weight(), settings.tileElements());
      throw NonFiniteScan.refusal(source, new RowReader(source, planned.weight().rows()), height);
    }
  }

  private interface TileVisitor {
    void visit(PlannedWeight weight, long firstRow, float[] values, int count);
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
              visitor.visit(planned, firstRow, values, count);
              long bytes = (long) count * planned.weight().rows().tensor().type().cellBytes();
              meter.add(bytes, planned.weight().name());
            });
      }
    }
    var iterator = jobs.iterator();
    new Workers(settings.threads()).run(() -> iterator.hasNext() ? iterator.next() : null);
  }
}
