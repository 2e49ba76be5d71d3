package dev.monoquant.core.run;

import static java.util.Objects.requireNonNull;

import dev.monoquant.NonFinitePolicy;
import dev.monoquant.PluginException;
import dev.monoquant.QuantException;
import dev.monoquant.ValidationException;
import dev.monoquant.core.control.Progress;
import dev.monoquant.core.event.RecordedStage;
import dev.monoquant.core.report.PlannedWeight;
import dev.monoquant.core.settings.InputFacts;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.work.TileBuffers;
import dev.monoquant.core.work.Workers;
import dev.monoquant.model.BoundKernels;
import dev.monoquant.model.Family;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.TileQuantizer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The reading pass before quantizing: finds the ranges of tensors for the schemes that need them,
 * and the weights to leave unquantized if the policy is to keep non-finite weights. A weight that
 * several outputs ask about is read once.
 */
public final class StatisticsPass {

  /**
   * Below this magnitude, an eighth of the greatest FLOAT16, no scale and no cast overflows in any
   * type. Trained weights stay far below, so hardly any weight is rehearsed.
   */
  private static final float HARMLESS = 0x1p13f;

  /**
   * What an output asks about its weights.
   *
   * @param source the model as its format shows it
   * @param policy how it handles NaN and infinities
   * @param weights the weights to be quantized
   * @param all every weight of the plan: weights that an interrupted run has finished still count
   *     in their family
   */
  public record Request(
      ModelSource source,
      NonFinitePolicy policy,
      List<PlannedWeight> weights,
      List<PlannedWeight> all) {}

  private final Settings settings;

  public StatisticsPass(Settings settings) {
    this.settings = settings;
  }

  /**
   * The weights that hold NaN or infinities, or that their scheme refuses: name and reason, for
   * each request.
   */
  public List<Map<String, String>> toKeep(List<Request> requests) throws IOException {
    List<Look> looks = new ArrayList<>();
    List<Magnitudes> found = new ArrayList<>();
    for (Request request : requests) {
      Magnitudes magnitudes = new Magnitudes();
      found.add(magnitudes);
      for (PlannedWeight planned : request.weights()) {
        looks.add(new Look(request, planned, magnitudes.of(planned)));
      }
    }
    forEachTile(looks);
    List<Map<String, String>> all = new ArrayList<>();
    for (int i = 0; i < requests.size(); i++) {
      all.add(reasons(requests.get(i), found.get(i)));
    }
    return all;
  }

  private Map<String, String> reasons(Request request, Magnitudes found) throws IOException {
    List<PlannedWeight> finite =
        request.weights().stream().filter(w -> !found.odd.containsKey(w.weight().name())).toList();
    Map<String, String> reasons = new HashMap<>();
    for (PlannedWeight planned : request.weights()) {
      String name = planned.weight().name();
      NonFinites here = found.odd.get(name);
      if (here != null) {
        reasons.put(name, here.describe(planned.weight().matrix().tensor().shape()));
      } else if (found.large.contains(name)) {
        rehearse(request, planned, finite).ifPresent(reason -> reasons.put(name, reason));
      }
    }
    return reasons;
  }

  /** The weights with numbers that are not finite, or large. Thread-safe while tiles are seen. */
  private static final class Magnitudes {

    private final Map<String, NonFinites> odd = new HashMap<>();
    private final Set<String> large = new HashSet<>();

    TileVisitor of(PlannedWeight planned) {
      String name = planned.weight().name();
      return (firstRow, height, values, count) -> {
        if (NonFinites.any(values, count)) {
          NonFinites here = NonFinites.in(values, planned.weight().matrix(), firstRow, height);
          synchronized (this) {
            odd.merge(name, here, NonFinites::plus);
          }
        } else if (greatest(values, count) > HARMLESS) {
          synchronized (this) {
            large.add(name);
          }
        }
      };
    }

    private static float greatest(float[] values, int count) {
      return BoundKernels.current().absMax(values, 0, count);
    }
  }

  /** Quantizes a weight only to find out whether its scheme refuses the numbers. */
  private Optional<String> rehearse(
      Request request, PlannedWeight planned, List<PlannedWeight> finite) throws IOException {
    EncodedWeight weight = planned.weight();
    Scheme scheme = settings.plugins().scheme(weight.scheme());
    Request alone = new Request(request.source(), request.policy(), List.of(planned), finite);
    try {
      Facts facts = facts(List.of(alone)).get(0).getOrDefault(weight.name(), Facts.NONE);
      TileQuantizer quantizer =
          scheme.begin(weight.matrix(), weight.options(), facts, settings.compute());
      TileVisitor rehearsal =
          (firstRow, height, values, count) -> {
            int cols = Math.toIntExact(weight.matrix().columnCount());
            try (SourceTile tile =
                new SourceTile(
                    weight.matrix(), firstRow, height, cols, values, new TileBuffers())) {
              quantizer.quantize(tile);
            }
          };
      forEachTile(List.of(new Look(alone, planned, rehearsal)));
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

  /** The facts that the schemes need, by the name of the weight, for each request. */
  List<Map<String, Facts>> facts(List<Request> requests) throws IOException {
    List<Collecting> all = new ArrayList<>();
    List<Look> looks = new ArrayList<>();
    for (Request request : requests) {
      Collecting collecting = new Collecting(request);
      all.add(collecting);
      looks.addAll(collecting.looks());
    }
    forEachTile(looks);
    List<Map<String, Facts>> facts = new ArrayList<>();
    for (Collecting collecting : all) {
      facts.add(collecting.facts());
    }
    return facts;
  }

  /** The facts of the weights of a request, while they are collected. */
  private final class Collecting {

    private final Request request;
    private final Families families;
    private final Map<PlannedWeight, FactFinder> finders = new LinkedHashMap<>();

    Collecting(Request request) {
      this.request = request;
      this.families = new Families(request);
      for (PlannedWeight planned : request.weights()) {
        if (FactFinder.mustRead(needs(planned))) {
          see(planned);
          families.of(planned).forEach(this::see);
        }
      }
    }

    private void see(PlannedWeight planned) {
      finders.computeIfAbsent(planned, p -> new FactFinder(p.weight(), needs(p)));
    }

    List<Look> looks() {
      List<Look> looks = new ArrayList<>();
      finders.forEach((planned, finder) -> looks.add(new Look(request, planned, finder)));
      return looks;
    }

    Map<String, Facts> facts() throws IOException {
      for (Map.Entry<PlannedWeight, FactFinder> entry : finders.entrySet()) {
        requireFinite(request, entry.getKey(), entry.getValue());
      }
      Map<String, Facts> facts = new HashMap<>();
      for (PlannedWeight planned : request.weights()) {
        EncodedWeight weight = planned.weight();
        FactFinder finder = finders.get(planned);
        Facts own = finder == null ? Facts.NONE : finder.facts();
        if (needs(planned).contains(Need.FAMILY_RANGE)) {
          Facts.Range range =
              families.of(planned).stream()
                  .map(w -> requireNonNull(finders.get(w)).range())
                  .reduce((a, b) -> new Facts.Range(min(a, b), max(a, b)))
                  .orElseThrow();
          own = own.withFamilyRange(range.min(), range.max());
        }
        facts.put(
            weight.name(),
            new InputFacts(settings)
                .add(
                    own,
                    settings.plugins().scheme(weight.scheme()),
                    weight.options(),
                    weight.matrix()));
      }
      return facts;
    }
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

    Families(Request request) {
      Map<String, List<PlannedWeight>> byLayer = new HashMap<>();
      for (PlannedWeight planned : request.all()) {
        if (needs(planned).contains(Need.FAMILY_RANGE)) {
          String layer = planned.weight().matrix().layer();
          byLayer.computeIfAbsent(layer, k -> new ArrayList<>()).add(planned);
        }
      }
      for (Family family : request.source().info().families()) {
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

  private void requireFinite(Request request, PlannedWeight planned, FactFinder finder)
      throws IOException {
    if (!finder.finite()) {
      int height = TileGrid.height(planned.weight(), settings.tileElements());
      throw NonFiniteScan.refusal(
          new RowReader(request.source(), planned.weight().matrix()), height);
    }
  }

  /** Receives the tiles of a weight, in any order, from several threads. */
  @FunctionalInterface
  private interface TileVisitor {
    /** Receives rows of a weight; {@code values} is valid only during the call. */
    void visit(long firstRow, int height, float[] values, int count);
  }

  /** A weight of a request that is to be read. */
  private record Look(Request request, PlannedWeight planned, TileVisitor visitor) {

    boolean clamps() {
      return request.policy() == NonFinitePolicy.CLAMP;
    }
  }

  /** Identifies a matrix that several outputs may ask about. */
  private record Shown(Numbers numbers, int rowAxis) {}

  private void forEachTile(List<Look> looks) throws IOException {
    Map<Shown, List<Look>> byMatrix = new LinkedHashMap<>();
    for (Look look : looks) {
      WeightMatrix matrix = look.planned().weight().matrix();
      Numbers numbers = Numbers.of(look.request().source(), matrix.tensor());
      byMatrix
          .computeIfAbsent(new Shown(numbers, matrix.rowAxis()), k -> new ArrayList<>())
          .add(look);
    }
    if (byMatrix.isEmpty()) {
      return;
    }
    long total =
        byMatrix.values().stream().mapToLong(same -> same.get(0).planned().bytesBefore()).sum();
    Meter meter = new Meter(settings.progress(), Progress.Stage.STATISTICS, total);
    List<Workers.Job> jobs = new ArrayList<>();
    byMatrix.values().forEach(same -> addJobs(same, meter, jobs));
    String model = looks.get(0).request().source().info().name();
    RecordedStage.run(
        Progress.Stage.STATISTICS,
        model,
        total,
        () -> new Workers(settings.threads(), model).runAll(jobs));
  }

  /** Adds a job for each tile of a matrix, which is read once for all that ask about it. */
  private void addJobs(List<Look> same, Meter meter, List<Workers.Job> jobs) {
    List<Look> ordered = same.stream().sorted(Comparator.comparing(Look::clamps)).toList();
    PlannedWeight planned = same.get(0).planned();
    WeightMatrix matrix = planned.weight().matrix();
    RowReader reader = new RowReader(same.get(0).request().source(), matrix);
    int alignment =
        same.stream()
            .mapToInt(look -> look.planned().weight().encoding().rowAlignment())
            .max()
            .orElseThrow();
    int height = TileGrid.height(matrix, alignment, settings.tileElements());
    long rows = matrix.rowCount();
    for (long first = 0; first < rows; first += height) {
      long firstRow = first;
      int h = (int) Math.min(height, rows - first);
      jobs.add(
          buffers -> {
            int count = h * reader.cols();
            float[] values = buffers.original(count);
            long overflow = reader.readAll(firstRow, h, values);
            for (Look look : ordered) {
              if (look.request().policy() == NonFinitePolicy.FAIL) {
                reader.requireFloat32(overflow);
              }
              if (look.clamps()) {
                NonFiniteScan.clamp(values, matrix, firstRow, h);
              }
              look.visitor().visit(firstRow, h, values, count);
            }
            meter.add((long) count * matrix.tensor().type().cellBytes(), planned.weight().name());
          });
    }
  }

  /** Collects the facts of one weight from its tiles, in any order. Thread-safe. */
  private static final class FactFinder implements TileVisitor {

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

    @Override
    public void visit(long firstRow, int height, float[] values, int count) {
      float least = BoundKernels.current().min(values, 0, count);
      float greatest = BoundKernels.current().max(values, 0, count);
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
