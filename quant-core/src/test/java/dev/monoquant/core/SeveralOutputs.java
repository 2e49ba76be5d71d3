package dev.monoquant.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.control.Output;
import dev.monoquant.core.report.Reports;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.testkit.fakes.ForwardingSource;
import dev.monoquant.testkit.fakes.MemoryFormat;
import dev.monoquant.testkit.fakes.MemoryModel;
import dev.monoquant.testkit.fakes.MemoryOutput;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** A model, with counts of its reads and encodings, for runs with several outputs. */
abstract class SeveralOutputs {

  static final Path A = Path.of("a.memory");
  static final Path B = Path.of("b.memory");
  static final Path C = Path.of("c.memory");

  final MemoryModel model =
      MemoryModel.named("m")
          .sines("l0.weight", 40, 8)
          .sines("l0.bias", 40)
          .sines("l1.weight", 30, 16)
          .build();

  final Map<String, AtomicInteger> reads = new ConcurrentHashMap<>();
  final Map<String, AtomicInteger> encodings = new ConcurrentHashMap<>();
  final MemoryOutput output = new MemoryOutput();

  static void count(Map<String, AtomicInteger> counts, String name, int n) {
    counts.computeIfAbsent(name, k -> new AtomicInteger()).addAndGet(n);
  }

  static int counted(Map<String, AtomicInteger> counts, String name) {
    return counts.getOrDefault(name, new AtomicInteger()).get();
  }

  /** Counts the rows and bytes that are read of each tensor. */
  final class Counted implements InputFormatDetector {
    private final MemoryFormat inside = new MemoryFormat(model);

    @Override
    public String id() {
      return "test/counted";
    }

    @Override
    public Match probe(ModelInput input) {
      return Match.CERTAIN;
    }

    @Override
    public ModelSource open(ModelInput input, ReadLimits limits) {
      return new ForwardingSource(inside.open(model.input(), limits)) {
        @Override
        public ByteBuffer read(TensorInfo tensor, long offset, int length) throws IOException {
          count(reads, tensor.name(), length);
          return super.read(tensor, offset, length);
        }

        @Override
        public void readRows(WeightMatrix matrix, RowRange rows, float[] into) throws IOException {
          count(reads, matrix.tensor().name(), rows.height());
          super.readRows(matrix, rows, into);
        }
      };
    }
  }

  /** Counts the rows that are encoded, and differs by its id. */
  class Counting extends FakeScheme {
    private final String name;

    Counting(String name) {
      this.name = name;
    }

    @Override
    public SchemeId id() {
      return new SchemeId(name, 1);
    }

    @Override
    public TileQuantizer begin(
        WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
      TileQuantizer sound = super.begin(rows, options, facts, compute);
      return tile -> {
        count(encodings, name + " " + rows.tensor().name(), tile.height());
        return sound.quantize(tile);
      };
    }
  }

  /** Asks for the range of the tensor, and encodes nothing without it. */
  final class Ranged extends Counting {
    Ranged(String name) {
      super(name);
    }

    @Override
    public Set<Need> needs(OptionValues options) {
      return Set.of(Need.TENSOR_RANGE);
    }

    @Override
    public TileQuantizer begin(
        WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
      assertThat(facts.range().max()).isPositive();
      return super.begin(rows, options, facts, compute);
    }
  }

  Quantizer quantizer(OutputFormat format) {
    return Quantizer.create()
        .withPlugins(
            Plugins.of(
                new Counted(),
                new FakeLayers("fake"),
                new Counting("one"),
                new Counting("two"),
                new Ranged("ranged"),
                new Ranged("ranged-too"),
                format))
        .withThreads(3)
        .withTileElements(50);
  }

  static Output to(Path target, String scheme) {
    return new Output(target, QuantizationConfig.builder().scheme(scheme).build());
  }

  Reports run(Output... outputs) {
    return quantizer(output).quantize(model.input(), Arrays.asList(outputs), false, reports -> {});
  }

  void assertNothingAt(Path target) {
    assertThatThrownBy(() -> output.result(target)).hasMessageContaining("nothing was committed");
  }

  static QuantizationConfig excludingOf(String layer) {
    return QuantizationConfig.builder().scheme("one").exclude(layer).build();
  }
}
