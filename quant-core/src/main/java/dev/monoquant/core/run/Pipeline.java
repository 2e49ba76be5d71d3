package dev.monoquant.core.run;

import dev.monoquant.NonFinitePolicy;
import dev.monoquant.Problem;
import dev.monoquant.core.control.Progress;
import dev.monoquant.core.report.PlannedWeight;
import dev.monoquant.core.report.WeightReport;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.work.Workers;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.Scheme;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Streams a model from a source to a sink: quantizes the planned weights tile by tile and copies
 * the rest, on all threads, in bounded memory.
 */
public final class Pipeline {

  /** Bytes of an unquantized tensor that are copied at once. */
  static final int COPY_BYTES = 4 << 20;

  /**
   * The result of a run.
   *
   * @param weights the report of each weight, in the given order
   * @param warnings the numbers that were replaced, weight by weight
   */
  record Outcome(List<WeightReport> weights, List<Problem> warnings) {}

  private final Settings settings;
  private final ModelSource source;
  private final OutputWriter sink;
  private final NonFinitePolicy policy;

  public Pipeline(
      Settings settings, ModelSource source, OutputWriter sink, NonFinitePolicy policy) {
    this.settings = settings;
    this.source = source;
    this.sink = sink;
    this.policy = policy;
  }

  /** A pipeline that only copies. */
  public Pipeline(Settings settings, ModelSource source, OutputWriter sink) {
    this(settings, source, sink, NonFinitePolicy.FAIL);
  }

  /** Quantizes the weights and copies the tensors; does not commit. */
  public Outcome run(List<PlannedWeight> weights, List<TensorInfo> kept, Map<String, Facts> facts)
      throws IOException {
    List<Object> open = byShard(weights, kept);
    long total =
        open.stream()
            .mapToLong(
                o -> o instanceof PlannedWeight w ? w.bytesBefore() : ((TensorInfo) o).bytes())
            .sum();
    Meter meter = new Meter(settings.progress(), Progress.Stage.PROCESSING, total);
    Map<String, WeightRun> runs = new HashMap<>();
    Iterator<Object> work = open.iterator();
    Workers.Jobs jobs =
        new Workers.Jobs() {
          private Iterator<Workers.Job> current = List.<Workers.Job>of().iterator();

          @Override
          public Workers.@Nullable Job next() throws IOException {
            while (!current.hasNext()) {
              if (!work.hasNext()) {
                return null;
              }
              Object next = work.next();
              current =
                  next instanceof PlannedWeight planned
                      ? tiles(planned, facts, runs, meter)
                      : copies((TensorInfo) next, meter);
            }
            return current.next();
          }
        };
    new Workers(settings.threads(), source.info().name()).run(jobs);
    List<WeightReport> reports = new ArrayList<>();
    List<Problem> warnings = new ArrayList<>();
    for (PlannedWeight planned : weights) {
      WeightRun run = runs.get(planned.weight().name());
      WeightResult result =
          run == null
              ? WeightResult.parse(sink.finished(planned.weight().name()).orElse(""))
              : run.result();
      reports.add(result.report(planned));
      result.warning(planned).ifPresent(warnings::add);
    }
    return new Outcome(reports, warnings);
  }

  /**
   * The remaining work, ordered by the files of the model, so that files of the output are finished
   * one by one and an interrupted run can be resumed.
   */
  private List<Object> byShard(List<PlannedWeight> weights, List<TensorInfo> kept) {
    Map<String, List<Object>> shards = new TreeMap<>();
    for (PlannedWeight planned : weights) {
      if (sink.finished(planned.weight().name()).isEmpty()) {
        String shard = planned.weight().matrix().tensor().shard();
        shards.computeIfAbsent(shard, s -> new ArrayList<>()).add(planned);
      }
    }
    for (TensorInfo tensor : kept) {
      if (sink.finished(tensor.name()).isEmpty()) {
        shards.computeIfAbsent(tensor.shard(), s -> new ArrayList<>()).add(tensor);
      }
    }
    return shards.values().stream().flatMap(List::stream).toList();
  }

  private Iterator<Workers.Job> tiles(
      PlannedWeight planned, Map<String, Facts> facts, Map<String, WeightRun> runs, Meter meter)
      throws IOException {
    Scheme scheme = settings.plugins().scheme(planned.weight().scheme());
    int height = TileGrid.height(planned.weight(), settings.tileElements());
    Facts own = facts.getOrDefault(planned.weight().name(), Facts.NONE);
    WeightRun run =
        new WeightRun(planned, scheme, own, settings.compute(), source, sink, height, policy);
    runs.put(planned.weight().name(), run);
    int tiles = TileGrid.tiles(planned.weight(), height);
    long bytes = planned.bytesBefore() / tiles;
    long rest = planned.bytesBefore() - bytes * (tiles - 1);
    return new Iterator<>() {
      private int index;

      @Override
      public boolean hasNext() {
        return index < tiles;
      }

      @Override
      public Workers.Job next() {
        int tile = index++;
        return buffers -> {
          run.process(tile, buffers);
          meter.add(tile == tiles - 1 ? rest : bytes, planned.weight().name());
        };
      }
    };
  }

  private Iterator<Workers.Job> copies(TensorInfo tensor, Meter meter) {
    TensorPieces pieces = new TensorPieces(source, tensor, COPY_BYTES);
    return new Iterator<>() {
      private long next;

      @Override
      public boolean hasNext() {
        return next < pieces.count();
      }

      @Override
      public Workers.Job next() {
        long piece = next++;
        return buffers -> {
          pieces.read(piece, buffers, (at, data) -> sink.writeKept(tensor, at, data));
          meter.add(pieces.bytes(piece), tensor.name());
        };
      }
    };
  }
}
