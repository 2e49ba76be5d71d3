package dev.monoquant.core.run;

import static java.util.Objects.requireNonNull;

import dev.monoquant.NonFinitePolicy;
import dev.monoquant.PluginException;
import dev.monoquant.QuantException;
import dev.monoquant.ValidationException;
import dev.monoquant.core.control.Progress;
import dev.monoquant.core.report.PlannedWeight;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.work.TileBuffers;
import dev.monoquant.core.work.Workers;
import dev.monoquant.kernel.Kernels;
import dev.monoquant.model.Family;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.TileQuantizer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The reading pass before quantizing: finds the ranges of tensors for the schemes that need them,
 * and the weights to leave unquantized if the policy is to keep non-finite weights.
 */
public final class StatisticsPass {

  /**
   * Below this magnitude, an eighth of the greatest FLOAT16, no scale and no cast overflows in any
   * type. Trained weights stay far below, so hardly any weight is rehearsed.
   */
  private static final float HARMLESS = 0x1p13f;

  private final Settings settings;
  private final ModelSource source;
  private final NonFinitePolicy policy;

  public StatisticsPass(Settings settings, ModelSource source, NonFinitePolicy policy) {
    this.settings = settings;
    this.source = source;
    this.policy = policy;
  }

  /** The weights that hold NaN or infinities, or that their scheme refuses: name and reason. */
  public Map<String, String> toKeep(List<PlannedWeight> weights) throws IOException {
    Map<String, NonFinites> found = new HashMap<>();
    Set<String> large = new HashSet<>();
    forEachTile(
        weights,
        (planned, firstRow, height, values, count) -> {
          String name = planned.weight().name();
          if (NonFinites.any(values, count)) {
            NonFinites here = NonFinites.in(values, planned.weight().matrix(), firstRow, height);
            synchronized (found) {
              found.merge(name, here, NonFinites::plus);
            }
          } else if (greatest(values, count) > HARMLESS) {
            synchronized (found) {
              large.add(name);
            }
          }
        });
    List<PlannedWeight> finite =
        weights.stream().filter(w -> !found.containsKey(w.weight().name())).toList();
    Map<String, String> reasons = new HashMap<>();
    for (PlannedWeight planned : weights) {
      String name = planned.weight().name();
      NonFinites here = found.get(name);
      if (here != null) {
        reasons.put(name, here.describe(planned.weight().matrix().tensor().shape()));
      } else if (large.contains(name)) {
        rehearse(planned, finite).ifPresent(reason -> reasons.put(name, reason));
      }
    }
    return reasons;
  }

  private static float greatest(float[] values, int count) {
    return Kernels.current().absMax(values, 0, count);
  }

  /** Quantizes a weight only to find out whether its scheme refuses the numbers. */
  private Optional<String> rehearse(PlannedWeight planned, List<PlannedWeight> all)
      throws IOException {
    EncodedWeight weight = planned.weight();
    Scheme scheme = settings.plugins().scheme(weight.scheme());
    try {
      Facts facts = facts(List.of(planned), all).getOrDefault(weight.name(), Facts.NONE);
      TileQuantizer quantizer =
          scheme.begin(weight.matrix(), weight.options(), facts, settings.compute());
      forEachTile(
          List.of(planned),
          (same, firstRow, height, values, count) -> {
            int cols = Math.toIntExact(weight.matrix().columnCount());
            try (SourceTile tile =
                new SourceTile(
                    weight.matrix(), firstRow, height, cols, values, new TileBuffers())) {
              quantizer.quantize(tile);
            }
          });
      return Optional.empty();
    } catch (ValidationException refusal) {
      return Optional.of(String.valueOf(refusal.getMessage()));
    } catch (QuantException e) {
      throw e;
    } catch (RuntimeException e) {
      throw new PluginException(
          "scheme " + weight.scheme() + " on " + weight.name() + ": it failed: " + e, e);
    }
  }

  /**
   * The facts that the schemes need, by the name of the weight.
   *
   * @param weights the weights to be quantized
   * @param all every weight of the plan: weights that an interrupted run has finished still count
   *     in their family
   */
  Map<String, Facts> facts(List<PlannedWeight> weights, List<PlannedWeight> all)
      throws IOException {
    Families families = new Families(all);
    Set<PlannedWeight> read = new LinkedHashSet<>();
    Map<String, FactFinder> finders = new HashMap<>();
    Map<String, Facts> facts = new HashMap<>();
    for (PlannedWeight planned : weights) {
      facts.put(planned.weight().name(), Facts.NONE);
      if (FactFinder.mustRead(needs(planned))) {
        read.add(planned);
        read.addAll(families.of(planned));
      }
    }
    for (PlannedWeight planned : read) {
      EncodedWeight weight = planned.weight();
      finders.put(weight.name(), new FactFinder(weight, needs(planned)));
    }
    forEachTile(
        List.copyOf(read),
        (planned, firstRow, height, values, count) -> {
          EncodedWeight weight = planned.weight();
          if (policy == NonFinitePolicy.CLAMP) {
            NonFiniteScan.clamp(values, weight.matrix(), firstRow, height);
          }
          requireNonNull(finders.get(weight.name())).see(firstRow, values, count);
        });
    for (PlannedWeight planned : read) {
      FactFinder finder = requireNonNull(finders.get(planned.weight().name()));
      requireFinite(planned, finder);
      facts.computeIfPresent(planned.weight().name(), (name, none) -> finder.facts());
    }
    for (PlannedWeight planned : weights) {
      EncodedWeight weight = planned.weight();
      if (needs(planned).contains(Need.FAMILY_RANGE)) {
        Facts.Range range =
            families.of(planned).stream()
                .map(w -> requireNonNull(finders.get(w.weight().name())).range())
                .reduce((a, b) -> new Facts.Range(min(a, b), max(a, b)))
                .orElseThrow();
        facts.computeIfPresent(
            weight.name(), (name, own) -> own.withFamilyRange(range.min(), range.max()));
      }
      if (needs(planned).contains(Need.COLUMN_STATISTICS)) {
        float[] columns = settings.columns().find(weight.name()).orElseThrow();
        facts.computeIfPresent(weight.name(), (name, own) -> own.withColumns(columns));
      }
    }
    return facts;
  }

  private static float min(Facts.Range a, Facts.Range b) {
    return Math.min(a.min(), b.min());
  }

  private static float max(Facts.Range a, Facts.Range b) {
    return Math.max(a.max(), b.max());
  }

  private Set<Need> needs(PlannedWeight planned) {
    EncodedWeight weight = planned.weight();
    return settings.plugins().scheme(weight.scheme()).needs(weight.options());
  }

  /** The weights that loaders merge into one and whose schemes ask for their common range. */
  private final class Families {

    private final Map<String, List<PlannedWeight>> byWeight = new HashMap<>();

    Families(List<PlannedWeight> all) {
      Map<String, List<PlannedWeight>> byLayer = new HashMap<>();
      for (PlannedWeight planned : all) {
        if (needs(planned).contains(Need.FAMILY_RANGE)) {
          String layer = planned.weight().matrix().layer();
          byLayer.computeIfAbsent(layer, k -> new ArrayList<>()).add(planned);
        }
      }
      for (Family family : source.info().families()) {
        if (!family.quantizedOnly()) {
          List<PlannedWeight> members =
              family.layers().stream()
                  .flatMap(layer -> byLayer.getOrDefault(layer, List.of()).stream())
                  .toList();
          members.forEach(w -> byWeight.put(w.weight().name(), members));
        }
      }
    }

    /** The weight and those it is merged with; the weight alone if there are none. */
    List<PlannedWeight> of(PlannedWeight planned) {
      return byWeight.getOrDefault(planned.weight().name(), List.of(planned));
    }
  }

  private void requireFinite(PlannedWeight planned, FactFinder finder) throws IOException {
    if (!finder.finite()) {
      int height = TileGrid.height(planned.weight(), settings.tileElements());
      throw NonFiniteScan.refusal(source, new RowReader(source, planned.weight().matrix()), height);
    }
  }

  private interface TileVisitor {
    void visit(PlannedWeight weight, long firstRow, int height, float[] values, int count);
  }

  private void forEachTile(List<PlannedWeight> weights, TileVisitor visitor) throws IOException {
    if (weights.isEmpty()) {
      return;
    }
    long total = weights.stream().mapToLong(PlannedWeight::bytesBefore).sum();
    Meter meter = new Meter(settings.progress(), Progress.Stage.STATISTICS, total);
    List<Workers.Job> jobs = new ArrayList<>();
    for (PlannedWeight planned : weights) {
      RowReader reader = new RowReader(source, planned.weight().matrix());
      int height = TileGrid.height(planned.weight(), settings.tileElements());
      long rows = planned.weight().matrix().rowCount();
      for (long first = 0; first < rows; first += height) {
        long firstRow = first;
        int h = (int) Math.min(height, rows - first);
        jobs.add(
            buffers -> {
              int count = h * reader.cols();
              float[] values = buffers.original(count);
              if (policy == NonFinitePolicy.FAIL) {
                reader.read(firstRow, h, values);
              } else {
                reader.readAll(firstRow, h, values);
              }
              visitor.visit(planned, firstRow, h, values, count);
              long bytes = (long) count * planned.weight().matrix().tensor().type().cellBytes();
              meter.add(bytes, planned.weight().name());
            });
      }
    }
    var iterator = jobs.iterator();
    new Workers(settings.threads(), source.info().name())
        .run(() -> iterator.hasNext() ? iterator.next() : null);
  }

  /** Collects the facts of one weight from its tiles, in any order. Thread-safe. */
  private static final class FactFinder {

    private final Set<Need> needs;
    private final long cols;
    private final long step;
    private final float[] sample;
    private float min = Float.POSITIVE_INFINITY;
    private float max = Float.NEGATIVE_INFINITY;

    FactFinder(EncodedWeight weight, Set<Need> needs) {
      long elements = weight.matrix().tensor().shape().elements();
      this.needs = needs;
      this.cols = weight.matrix().columnCount();
      this.step = Facts.sampleStep(elements);
      this.sample =
          new float[needs.contains(Need.TENSOR_SAMPLE) ? (int) ((elements + step - 1) / step) : 0];
    }

    /** Whether the needs require reading the weight. */
    static boolean mustRead(Set<Need> needs) {
      return needs.contains(Need.TENSOR_RANGE)
          || needs.contains(Need.FAMILY_RANGE)
          || needs.contains(Need.TENSOR_SAMPLE);
    }

    void see(long firstRow, float[] values, int count) {
      float least = Kernels.current().min(values, 0, count);
      float greatest = Kernels.current().max(values, 0, count);
      long first = firstRow * cols;
      synchronized (this) {
        min = Math.min(min, least);
        max = Math.max(max, greatest);
        if (sample.length > 0) {
          // The first multiple of the step that lies within these values.
          for (long at = (first + step - 1) / step * step; at < first + count; at += step) {
            sample[(int) (at / step)] = values[(int) (at - first)];
          }
        }
      }
    }

    synchronized boolean finite() {
      return Float.isFinite(min) && Float.isFinite(max);
    }

    synchronized Facts.Range range() {
      return new Facts.Range(min, max);
    }

    /** The requested facts of the weight itself, and no others. */
    synchronized Facts facts() {
      Facts facts = needs.contains(Need.TENSOR_RANGE) ? Facts.ofRange(min, max) : Facts.NONE;
      return needs.contains(Need.TENSOR_SAMPLE) ? facts.withSample(sample) : facts;
    }
  }
}
