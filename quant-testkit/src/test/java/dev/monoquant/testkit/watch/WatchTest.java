package dev.monoquant.testkit.watch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.Quantizer;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.LayerQuantizer;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.Options;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputRequest;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.testkit.example.FlatOutput;
import dev.monoquant.testkit.example.PowerOfTwo;
import dev.monoquant.testkit.fakes.ForwardingScheme;
import dev.monoquant.testkit.fakes.ForwardingSource;
import dev.monoquant.testkit.fakes.ForwardingWriter;
import dev.monoquant.testkit.fakes.MemoryFormat;
import dev.monoquant.testkit.fakes.MemoryModel;
import dev.monoquant.testkit.laws.LawViolation;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Sound plugins in real runs are quiet, and each way to break the protocol is noted. */
class WatchTest {

  private static final TensorInfo WEIGHT =
      new TensorInfo("fc.weight", ElementType.FLOAT32, TensorShape.of(70, 9));
  private static final TensorInfo BIAS =
      new TensorInfo("fc.bias", ElementType.FLOAT32, TensorShape.of(70));

  @TempDir private Path folder;
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

  private static final class Linear implements LayerQuantizer {
    @Override
    public String id() {
      return "test/linear";
    }

    @Override
    public List<WeightMatrix> rows(Layer layer) {
      return List.of(new WeightMatrix(layer.name(), layer.kind(), "weight", WEIGHT, 0));
    }
  }

  private void run(
      InputFormatDetector input, Scheme scheme, OutputFormat output, ModelInput model) {
    Quantizer.create()
        .withPlugins(
            Plugins.of(
                watch.input(input), new Linear(), watch.scheme(scheme), watch.output(output)))
        .withThreads(4)
        .withTileElements(100)
        .quantize(
            model,
            QuantizationConfig.builder().scheme(scheme.id().name()).build(),
            folder.resolve("out.flat"),
            true);
  }

  private List<String> breaches(Scheme scheme, OutputFormat output) {
    MemoryModel model = model();
    run(new MemoryFormat(model), scheme, output, model.input());
    return watch.breaches();
  }

  @Test
  void soundPluginsAreQuietAndWriteWhatTheyWriteAlone() throws IOException {
    MemoryModel model = model();
    run(new MemoryFormat(model), new PowerOfTwo(), new FlatOutput(), model.input());
    watch.requireQuiet();
    byte[] watched = Files.readAllBytes(folder.resolve("out.flat"));
    Quantizer.create()
        .withPlugins(
            Plugins.of(new MemoryFormat(model), new Linear(), new PowerOfTwo(), new FlatOutput()))
        .quantize(
            model.input(),
            QuantizationConfig.builder().scheme(new PowerOfTwo().id().name()).build(),
            folder.resolve("alone.flat"),
            false);
    assertThat(Files.readAllBytes(folder.resolve("alone.flat"))).isEqualTo(watched);
  }

  @Test
  void aSchemeThatKeepsItsResultsInOneArrayIsNoted() {
    Scheme reuses = new Reusing(new PowerOfTwo(), new ConcurrentHashMap<>());
    assertThat(breaches(reuses, new FlatOutput()))
        .anyMatch(b -> b.contains("fc.weight: a result changed after it was handed over"));
  }

  @Test
  void anOutputThatLeavesBytesUnreadIsNoted() {
    FlatOutput lazy =
        new FlatOutput() {
          @Override
          public OutputWriter open(OutputRequest request) throws IOException {
            return new ForwardingWriter(super.open(request)) {
              @Override
              public void writeKept(TensorInfo tensor, long offset, ByteBuffer data)
                  throws IOException {
                super.writeKept(tensor, offset, data.duplicate().order(data.order()));
              }
            };
          }
        };
    assertThat(breaches(new PowerOfTwo(), lazy))
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
    run(careless, new PowerOfTwo(), new FlatOutput(), model.input());
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
            () -> run(throwing, new PowerOfTwo(), new FlatOutput(), ModelInput.of(folder)))
        .hasMessageContaining("never seen such a thing");
    assertThatThrownBy(watch::requireQuiet)
        .isInstanceOf(LawViolation.class)
        .hasMessageContaining("input test/throwing: looking at")
        .hasMessageContaining("never seen such a thing");
  }

  @Test
  void aFrameworkThatBreaksTheProtocolIsNotedToo() throws IOException {
    MemoryModel model = model();
    EncodedWeight weight;
    PowerOfTwo scheme = new PowerOfTwo();
    WeightMatrix rows = new WeightMatrix("fc", LayerKind.LINEAR, "weight", WEIGHT, 0);
    Options options = scheme.defaults(rows);
    Encoding encoding = scheme.encoding(rows, options);
    weight = new EncodedWeight(rows, scheme.id(), options, encoding);
    watch.scheme(scheme).begin(rows, options, Facts.NONE);
    ModelSource source =
        watch.input(new MemoryFormat(model)).open(model.input(), ReadLimits.DEFAULT);
    OutputWriter sink =
        watch
            .output(new FlatOutput())
            .open(
                new OutputRequest(
                    folder.resolve("out.flat"),
                    false,
                    false,
                    source,
                    List.of(),
                    List.of(weight),
                    List.of(BIAS),
                    Map.of()));
    sink.writeWhole(weight, Map.of());
    sink.writeWhole(weight, Map.of());
    ByteBuffer some = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    sink.writeKept(BIAS, 0, some.asReadOnlyBuffer());
    assertThatThrownBy(sink::commit).isInstanceOf(RuntimeException.class);
    source.close();
    assertThatThrownBy(() -> source.read(BIAS, 0, 4)).isInstanceOf(IllegalStateException.class);
    assertThat(watch.breaches())
        .containsExactlyInAnyOrder(
            "scheme "
                + scheme.id()
                + " on fc.weight: work begins with options that no encoding was"
                + " asked for",
            "output acme/flat: fc.weight: the parts of the whole tensor come twice",
            "output acme/flat: fc.weight: row 0 never came",
            "output acme/flat: fc.bias: 272 bytes never came",
            "input testkit/memory: fc.bias is read after the source was closed",
            "output acme/flat: a sink is never closed");
  }

  /** Changes the codes of the first tile when the next one is done. */
  private static final class Reusing extends ForwardingScheme {
    private final Map<String, byte[]> kept;

    Reusing(Scheme inside, Map<String, byte[]> kept) {
      super(inside);
      this.kept = kept;
    }

    @Override
    public TileQuantizer begin(WeightMatrix rows, Options options, Facts facts) {
      TileQuantizer sound = super.begin(rows, options, facts);
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
