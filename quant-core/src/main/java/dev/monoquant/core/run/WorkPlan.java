package dev.monoquant.core.run;

import dev.monoquant.NonFinitePolicy;
import dev.monoquant.core.report.PlannedWeight;
import dev.monoquant.core.settings.InputFacts;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.work.Workers;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.Encoding;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The remaining work of a run, ordered by the files of the model, so that files of the outputs are
 * finished one by one and an interrupted run can be resumed. All that is done with a tensor stands
 * together.
 */
final class WorkPlan {

  /** Work on one tensor. */
  interface Item {

    /** {@return the bytes of the tensor} */
    long bytes();

    /**
     * Starts the work.
     *
     * @return its jobs, which run in any order
     */
    Iterator<Workers.Job> begin(Meter meter) throws IOException;
  }

  private final Settings settings;
  private final Deque<Item> items = new ArrayDeque<>();

  /** By the name of the weight, for each output; complete when all work is done. */
  private final List<Map<String, WeightRun>> runs = new ArrayList<>();

  WorkPlan(Settings settings, List<Branch> branches) {
    this.settings = settings;
    Map<String, Map<Numbers, Steps>> shards = new TreeMap<>();
    for (int i = 0; i < branches.size(); i++) {
      Branch branch = branches.get(i);
      runs.add(new HashMap<>());
      for (PlannedWeight planned : branch.weights()) {
        if (branch.sink().finished(planned.weight().name()).isEmpty()) {
          TensorInfo tensor = planned.weight().matrix().tensor();
          steps(shards, branch.source(), tensor).quantize(new Weight(i, branch, planned));
        }
      }
      for (TensorInfo tensor : branch.kept()) {
        if (branch.sink().finished(tensor.name()).isEmpty()) {
          steps(shards, branch.source(), tensor).copy(branch.source(), tensor, branch.sink());
        }
      }
    }
    shards.values().forEach(shard -> shard.values().forEach(steps -> items.addAll(steps.items())));
  }

  private Steps steps(
      Map<String, Map<Numbers, Steps>> shards, ModelSource source, TensorInfo tensor) {
    return shards
        .computeIfAbsent(tensor.shard(), shard -> new LinkedHashMap<>())
        .computeIfAbsent(Numbers.of(source, tensor), numbers -> new Steps());
  }

  /** {@return the next item, which the plan then forgets; null after the last} */
  @Nullable Item next() {
    return items.poll();
  }

  long totalBytes() {
    return items.stream().mapToLong(Item::bytes).sum();
  }

  /** {@return the runs of the weights of an output, by name} */
  Map<String, WeightRun> runs(int branch) {
    return runs.get(branch);
  }

  /** A weight of an output. */
  private record Weight(int index, Branch branch, PlannedWeight planned) {

    WeightMatrix matrix() {
      return planned.weight().matrix();
    }

    boolean clamps() {
      return branch.policy() == NonFinitePolicy.CLAMP;
    }

    /** Outputs that agree on all of this get the same codes. */
    Codes codes() {
      EncodedWeight weight = planned.weight();
      return new Codes(
          weight.matrix(),
          weight.scheme(),
          weight.options(),
          weight.encoding(),
          branch.facts().getOrDefault(weight.name(), Facts.NONE),
          clamps());
    }
  }

  /** All that the codes of a weight depend on, besides its numbers. */
  private record Codes(
      WeightMatrix matrix,
      SchemeId scheme,
      OptionValues options,
      Encoding encoding,
      Facts facts,
      boolean clamps) {}

  /** What is done with a tensor. */
  private final class Steps {

    private final List<Matrix> matrices = new ArrayList<>();
    private Optional<Copy> copy = Optional.empty();

    void quantize(Weight weight) {
      for (Matrix matrix : matrices) {
        if (matrix.join(weight)) {
          return;
        }
      }
      matrices.add(new Matrix(weight));
    }

    void copy(ModelSource source, TensorInfo tensor, OutputWriter sink) {
      if (copy.isEmpty()) {
        copy = Optional.of(new Copy(source, tensor));
      }
      copy.get().receivers.add(new CopyReceiver(tensor, sink));
    }

    List<Item> items() {
      List<Item> all = new ArrayList<>(matrices);
      copy.ifPresent(all::add);
      return all;
    }
  }

  /** A matrix that one or several outputs quantize. */
  private final class Matrix implements Item {

    private final List<Weight> weights = new ArrayList<>();
    private int alignment;

    Matrix(Weight first) {
      weights.add(first);
      alignment = first.planned().weight().encoding().rowAlignment();
    }

    /**
     * Adds an output, if it has the same rows and its tiles can be the same. They can if one
     * alignment is a multiple of the other, so that tiles are no taller than for the output alone.
     */
    boolean join(Weight weight) {
      int other = weight.planned().weight().encoding().rowAlignment();
      if (weight.matrix().rowAxis() != weights.get(0).matrix().rowAxis()
          || (alignment % other != 0 && other % alignment != 0)) {
        return false;
      }
      alignment = Math.max(alignment, other);
      weights.add(weight);
      return true;
    }

    @Override
    public long bytes() {
      return weights.get(0).planned().bytesBefore();
    }

    @Override
    public Iterator<Workers.Job> begin(Meter meter) throws IOException {
      Weight first = weights.get(0);
      RowReader reader = new RowReader(first.branch().source(), first.matrix());
      int height = TileGrid.height(first.matrix(), alignment, settings.tileElements());
      MatrixRun run = new MatrixRun(reader, height, weightRuns(reader, height));
      int tiles = TileGrid.tiles(first.matrix(), height);
      long part = bytes() / tiles;
      long rest = bytes() - part * (tiles - 1);
      String name = first.planned().weight().name();
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
            meter.add(tile == tiles - 1 ? rest : part, name);
          };
        }
      };
    }

    /** One run for all outputs that agree on the codes; those that clamp are last. */
    private List<WeightRun> weightRuns(RowReader reader, int height) throws IOException {
      Map<Codes, List<Weight>> same = new LinkedHashMap<>();
      weights.stream()
          .sorted(Comparator.comparing(Weight::clamps))
          .forEach(w -> same.computeIfAbsent(w.codes(), codes -> new ArrayList<>()).add(w));
      List<WeightRun> all = new ArrayList<>();
      for (Map.Entry<Codes, List<Weight>> entry : same.entrySet()) {
        Codes codes = entry.getKey();
        List<WeightRun.Receiver> receivers =
            entry.getValue().stream()
                .map(w -> new WeightRun.Receiver(w.planned(), w.branch().sink()))
                .toList();
        WeightRun run =
            new WeightRun(
                receivers,
                settings.plugins().scheme(codes.scheme()),
                codes.facts(),
                settings.compute(),
                reader,
                height,
                codes.clamps(),
                new InputFacts(settings).gram(codes.matrix()),
                settings.edits().map(edits -> edits.factors().get(codes.matrix().tensor().name())));
        entry.getValue().forEach(w -> runs.get(w.index()).put(w.planned().weight().name(), run));
        all.add(run);
      }
      return all;
    }
  }

  /** An output that receives a copy of a tensor. */
  private record CopyReceiver(TensorInfo tensor, OutputWriter sink) {}

  /** A tensor that one or several outputs copy. */
  private static final class Copy implements Item {

    private final ModelSource source;
    private final TensorInfo tensor;
    private final List<CopyReceiver> receivers = new ArrayList<>();

    Copy(ModelSource source, TensorInfo tensor) {
      this.source = source;
      this.tensor = tensor;
    }

    @Override
    public long bytes() {
      return tensor.bytes();
    }

    @Override
    public Iterator<Workers.Job> begin(Meter meter) {
      TensorPieces pieces = new TensorPieces(source, tensor, TensorPieces.COPY_BYTES);
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
            pieces.read(piece, buffers, Copy.this::write);
            meter.add(pieces.bytes(piece), tensor.name());
          };
        }
      };
    }

    /** Each writer consumes its buffer. */
    private void write(long at, ByteBuffer data) throws IOException {
      for (int i = 0; i < receivers.size(); i++) {
        CopyReceiver receiver = receivers.get(i);
        boolean last = i == receivers.size() - 1;
        ByteBuffer own = last ? data : data.duplicate().order(data.order());
        receiver.sink().writeKept(receiver.tensor(), at, own);
      }
    }
  }
}
