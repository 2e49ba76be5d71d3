package dev.monoquant.core;

import dev.monoquant.NonFinitePolicy;
import dev.monoquant.Problem;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.TensorSink;
import dev.monoquant.spi.TensorSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Streams a model from a source to a sink: quantizes the planned weights tile by tile and copies
 * the rest, on all threads, in bounded memory.
 */
final class Pipeline {

  /** Bytes of a kept tensor that are copied at once. */
  static final int COPY_BYTES = 4 << 20;

  /**
   * What a run did.
   *
   * @param weights what became of each weight, in the order given
   * @param warnings the numbers that were replaced, weight by weight
   */
  record Outcome(List<WeightReport> weights, List<Problem> warnings) {}

  private final Settings settings;
  private final TensorSource source;
  private final TensorSink sink;
  private final NonFinitePolicy policy;

  Pipeline(Settings settings, TensorSource source, TensorSink sink, NonFinitePolicy policy) {
    this.settings = settings;
    this.source = source;
    this.sink = sink;
    this.policy = policy;
  }

  /** A pipeline that only copies. */
  Pipeline(Settings settings, TensorSource source, TensorSink sink) {
    this(settings, source, sink, NonFinitePolicy.FAIL);
  }

  /** Quantizes the weights and copies the tensors; does not commit. */
  Outcome run(List<PlannedWeight> weights, List<TensorInfo> kept, Map<String, Facts> facts)
      throws IOException {
    long total =
        weights.stream().mapToLong(PlannedWeight::bytesBefore).sum()
            + kept.stream().mapToLong(TensorInfo::bytes).sum();
    Meter meter = new Meter(settings.progress(), Progress.Stage.PROCESSING, total);
    List<WeightRun> runs = new ArrayList<>();
    Iterator<PlannedWeight> planned = weights.iterator();
    Iterator<TensorInfo> tensors = kept.iterator();
    Workers.Jobs jobs =
        new Workers.Jobs() {
          private Iterator<Workers.Job> current = List.<Workers.Job>of().iterator();

          @Override
          public Workers.@Nullable Job next() throws IOException {
            while (!current.hasNext()) {
              if (planned.hasNext()) {
                current = tiles(planned.next(), facts, runs, meter);
              } else if (tensors.hasNext()) {
                current = copies(tensors.next(), meter);
              } else {
                return null;
              }
            }
            return current.next();
          }
        };
    new Workers(settings.threads()).run(jobs);
    return new Outcome(
        runs.stream().map(WeightRun::report).toList(),
        runs.stream().flatMap(r -> r.warning().stream()).toList());
  }

  private Iterator<Workers.Job> tiles(
      PlannedWeight planned, Map<String, Facts> facts, List<WeightRun> runs, Meter meter)
      throws IOException {
    Scheme scheme = settings.plugins().scheme(planned.weight().scheme());
    int height = TileGrid.height(planned.weight(), settings.tileElements());
    Facts own = facts.getOrDefault(planned.weight().name(), Facts.NONE);
    WeightRun run = new WeightRun(planned, scheme, own, source, sink, height, policy);
    runs.add(run);
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
    long size = tensor.bytes();
    return new Iterator<>() {
      private long next = size == 0 ? -1 : 0;

      @Override
      public boolean hasNext() {
        return next >= 0;
      }

      @Override
      public Workers.Job next() {
        long offset = next;
        int length = (int) Math.min(COPY_BYTES, size - offset);
        next = offset + length < size ? offset + length : -1;
        return buffers -> {
          ByteBuffer data = source.read(tensor, offset, length);
          sink.writeKept(tensor, offset, data);
          meter.add(length, tensor.name());
        };
      }
    };
  }
}
