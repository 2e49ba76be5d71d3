package dev.monoquant.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.QuantizationConfig;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.spi.WriteOptions;
import dev.monoquant.testkit.fakes.ForwardingOutput;
import dev.monoquant.testkit.fakes.ForwardingScheme;
import dev.monoquant.testkit.fakes.ForwardingSource;
import dev.monoquant.testkit.fakes.ForwardingWriter;
import dev.monoquant.testkit.fakes.MemoryFormat;
import dev.monoquant.testkit.fakes.MemoryModel;
import dev.monoquant.testkit.fakes.MemoryOutput;
import dev.monoquant.testkit.laws.LawViolation;
import dev.monoquant.testkit.watch.Watch;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Test;

/** Sound plugins in real runs are quiet, and each way to break the protocol is noted. */
class WatchedRunTest {

  private static final TensorInfo WEIGHT =
      new TensorInfo("fc.weight", ElementType.FLOAT32, TensorShape.of(70, 9));
  private static final TensorInfo BIAS =
      new TensorInfo("fc.bias", ElementType.FLOAT32, TensorShape.of(70));

  private static final Path OUT = Path.of("out.memory");
  private static final Path ALONE = Path.of("alone.memory");

  private final Watch watch = new Watch();

  private static MemoryModel model() {
    float[] numbers = new float[70 * 9];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = (float) Math.sin(i);
    }
    return MemoryModel.named("watched")
        .floats("fc.weight", ElementType.FLOAT32, WEIGHT.shape(), numbers)
        .floats("fc.bias", ElementType.FLOAT32, BIAS.shape(), new float[70])
        .layer(
            new Layer(
                "fc",
                LayerKind.LINEAR,
                Layer.Evidence.DECLARED,
                Map.of("weight", WEIGHT, "bias", BIAS)))
        .build();
  }

  private void run(
      InputFormatDetector input, Scheme scheme, OutputFormat output, ModelInput model) {
    run(4, input, scheme, output, model);
  }

  private void run(
      int threads,
      InputFormatDetector input,
      Scheme scheme,
      OutputFormat output,
      ModelInput model) {
    Quantizer.create()
        .withPlugins(
            Plugins.of(
                watch.input(input),
                new FakeLayers("linear"),
                watch.scheme(scheme),
                watch.output(output)))
        .withThreads(threads)
        .withTileElements(100)
        .quantize(
            model, QuantizationConfig.builder().scheme(scheme.id().name()).build(), OUT, true);
  }

  private List<String> breaches(Scheme scheme, OutputFormat output) {
    MemoryModel model = model();
    run(new MemoryFormat(model), scheme, output, model.input());
    return watch.breaches();
  }

  @Test
  void soundPluginsAreQuietAndWriteWhatTheyWriteAlone() {
    MemoryModel model = model();
    MemoryOutput output = new MemoryOutput();
    run(new MemoryFormat(model), new FakeScheme(), output, model.input());
    watch.requireQuiet();
    Quantizer.create()
        .withPlugins(
            Plugins.of(new MemoryFormat(model), new FakeLayers("linear"), new FakeScheme(), output))
        .quantize(
            model.input(),
            QuantizationConfig.builder().scheme(new FakeScheme().id().name()).build(),
            ALONE,
            false);
    assertThat(output.breaches()).isEmpty();
    assertThat(output.result(OUT).contents())
        .usingRecursiveComparison()
        .isEqualTo(output.result(ALONE).contents());
  }

  @Test
  void aSchemeThatKeepsItsResultsInOneArrayIsNoted() {
    Scheme reuses = new Reusing(new FakeScheme(), new ConcurrentHashMap<>());
    MemoryModel model = model();
    // On one thread, since the check of the bound could see the change first on another one.
    run(1, new MemoryFormat(model), reuses, new MemoryOutput(), model.input());
    assertThat(watch.breaches())
        .anyMatch(b -> b.contains("fc.weight: a result changed after it was handed over"));
  }

  @Test
  void anOutputThatLeavesBytesUnreadIsNoted() {
    OutputFormat lazy =
        new ForwardingOutput(new MemoryOutput()) {
          @Override
          protected OutputWriter opened(
              OutputWriter writer, OutputContents contents, WriteOptions options) {
            return new ForwardingWriter(writer) {
              @Override
              public void writeKept(TensorInfo tensor, long offset, ByteBuffer data)
                  throws IOException {
                super.writeKept(tensor, offset, data.duplicate().order(data.order()));
              }
            };
          }
        };
    assertThat(breaches(new FakeScheme(), lazy))
        .containsExactly("output " + lazy.id() + ": fc.bias: 280 bytes are not consumed");
  }

  @Test
  void aSourceThatIsWritableOrTooLongIsNoted() {
    MemoryModel model = model();
    MemoryFormat memory = new MemoryFormat(model);
    InputFormatDetector careless =
        new InputFormatDetector() {
          @Override
          public String id() {
            return "test/careless";
          }

          @Override
          public Match probe(ModelInput input) {
            return Match.CERTAIN;
          }

          @Override
          public ModelSource open(ModelInput input, ReadLimits limits) {
            ModelSource sound = memory.open(input, limits);
            return new Source(sound);
          }
        };
    run(careless, new FakeScheme(), new MemoryOutput(), model.input());
    assertThat(watch.breaches())
        .isNotEmpty()
        .allMatch(b -> b.startsWith("input test/careless: fc.") && b.contains("asked for, got"));
  }

  @Test
  void aDetectorThatThrowsIsNoted() {
    InputFormatDetector throwing =
        new InputFormatDetector() {
          @Override
          public String id() {
            return "test/throwing";
          }

          @Override
          public Match probe(ModelInput input) {
            throw new IllegalStateException("never seen such a thing");
          }

          @Override
          public ModelSource open(ModelInput input, ReadLimits limits) {
            throw new AssertionError("not asked for");
          }
        };
    assertThatThrownBy(
            () -> run(throwing, new FakeScheme(), new MemoryOutput(), ModelInput.of(OUT)))
        .hasMessageContaining("never seen such a thing");
    assertThatThrownBy(watch::requireQuiet)
        .isInstanceOf(LawViolation.class)
        .hasMessageContaining("input test/throwing: looking at")
        .hasMessageContaining("never seen such a thing");
  }

  /** Changes the codes of the first tile when the next one is done. */
  private static final class Reusing extends ForwardingScheme {
    private final Map<String, byte[]> kept;

    Reusing(Scheme inside, Map<String, byte[]> kept) {
      super(inside);
      this.kept = kept;
    }

    @Override
    public TileQuantizer begin(
        WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
      TileQuantizer sound = super.begin(rows, options, facts, compute);
      return tile -> {
        EncodedTile result = sound.quantize(tile);
        byte[] first = kept.putIfAbsent(Part.CODES, result.part(Part.CODES));
        if (first != null) {
          first[0]++;
        }
        return result;
      };
    }
  }

  /** Gives the right bytes in a buffer that anybody may write to. */
  private static final class Source extends ForwardingSource {
    Source(ModelSource inside) {
      super(inside);
    }

    @Override
    public ByteBuffer read(TensorInfo tensor, long offset, int length) throws IOException {
      ByteBuffer copy = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
      return copy.put(super.read(tensor, offset, length)).flip();
    }
  }
}
