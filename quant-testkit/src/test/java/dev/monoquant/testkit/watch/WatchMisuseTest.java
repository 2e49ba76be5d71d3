package dev.monoquant.testkit.watch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Audit;
import dev.monoquant.spi.Auditable;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputSession;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.spi.WriteOptions;
import dev.monoquant.testkit.example.FlatOutput;
import dev.monoquant.testkit.example.PowerOfTwo;
import dev.monoquant.testkit.fakes.ForwardingDetector;
import dev.monoquant.testkit.fakes.ForwardingOutput;
import dev.monoquant.testkit.fakes.ForwardingScheme;
import dev.monoquant.testkit.fakes.ForwardingSource;
import dev.monoquant.testkit.fakes.ForwardingWriter;
import dev.monoquant.testkit.fakes.MemoryFormat;
import dev.monoquant.testkit.fakes.MemoryModel;
import dev.monoquant.testkit.fakes.MemoryTile;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Tile;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every note that a watch can make is made, on calls that no framework should make. */
class WatchMisuseTest {

  private static final TensorInfo WEIGHT =
      new TensorInfo("fc.weight", ElementType.FLOAT32, TensorShape.of(4, 3));
  private static final TensorInfo BIAS =
      new TensorInfo("fc.bias", ElementType.FLOAT32, TensorShape.of(4));
  private static final WeightMatrix ROWS =
      new WeightMatrix("fc", LayerKind.LINEAR, "weight", WEIGHT, 0);

  @TempDir private Path folder;
  private final Watch watch = new Watch();

  /** A sink that takes everything and does nothing, so that only the watch has something to say. */
  private static OutputWriter idle() {
    return (OutputWriter)
        Proxy.newProxyInstance(
            WatchMisuseTest.class.getClassLoader(),
            new Class<?>[] {OutputWriter.class},
            (proxy, method, args) ->
                switch (method.getName()) {
                  case "commit" -> List.of(Path.of("made"));
                  case "finish" -> Optional.of(Path.of("tried"));
                  case "finished" -> Optional.of("remark of " + args[0]);
                  default -> null;
                });
  }

  private static EncodedWeight weight() {
    Scheme scheme = new PowerOfTwo();
    OptionValues options = scheme.defaults(ROWS);
    return new EncodedWeight(ROWS, scheme.id(), options, scheme.fit(ROWS, options).orThrow(ROWS));
  }

  private OutputWriter sink() throws IOException {
    ForwardingOutput idle =
        new ForwardingOutput(new FlatOutput()) {
          @Override
          protected OutputWriter opened(
              OutputWriter writer, OutputContents contents, WriteOptions options) {
            return idle();
          }
        };
    OutputSession session = watch.output(idle).open(MemoryModel.named("none").build().open());
    return new ForwardingWriter(writer(session, weight(), Path.of("out"))) {
      @Override
      public void close() throws IOException {
        super.close();
        session.close();
      }
    };
  }

  private static OutputWriter writer(OutputSession session, EncodedWeight weight, Path target)
      throws IOException {
    return session
        .layout(new OutputContents(List.of(), List.of(weight), List.of(BIAS), Optional.empty()))
        .open(new WriteOptions(target, false, false, false));
  }

  private static EncodedTile tile(long first, int height) {
    return new EncodedTile(first, height, Map.of());
  }

  @Test
  void aSinkIsQuietWhenAllComesOnceAndInOrder() throws IOException {
    try (OutputWriter sink = sink()) {
      sink.writeWhole(weight(), Map.of());
      sink.remark("fc.weight", "text");
      sink.writeTile(weight(), tile(0, 4));
      sink.writeKept(BIAS, 0, ByteBuffer.allocate(16).position(16));
      assertThat(sink.finish()).contains(Path.of("tried"));
      assertThat(sink.commit()).containsExactly(Path.of("made"));
    }
    assertThat(watch.breaches()).containsExactly("output acme/flat: fc.bias: 16 bytes never came");
  }

  @Test
  void whatAnInterruptedRunHasFinishedNeedNotCome() throws IOException {
    try (OutputWriter sink = sink()) {
      assertThat(sink.finished("fc.weight")).contains("remark of fc.weight");
      assertThat(sink.finished("fc.bias")).contains("remark of fc.bias");
      sink.commit();
    }
    assertThat(watch.breaches()).isEmpty();
  }

  @Test
  void aSinkIsWrittenInOrderAndNotAfterItsEnd() throws IOException {
    try (OutputWriter sink = sink()) {
      sink.writeTile(weight(), tile(0, 2));
      sink.writeTile(weight(), tile(1, 3));
      sink.writeKept(BIAS, 0, ByteBuffer.allocate(20));
      sink.commit();
      sink.commit();
      sink.writeWhole(weight(), Map.of());
      sink.remark("fc.weight", "late");
      sink.finish();
    }
    assertThat(watch.breaches())
        .contains(
            "output acme/flat: fc.weight: a tile comes before the parts of the whole tensor",
            "output acme/flat: fc.weight: row 1 comes twice",
            "output acme/flat: fc.bias: bytes that were not announced, or come twice",
            "output acme/flat: fc.bias: 20 bytes are not consumed",
            "output acme/flat: it is committed when it is COMMITTED",
            "output acme/flat: fc.weight is written when the output is COMMITTED",
            "output acme/flat: the end is written when the output is COMMITTED");
  }

  /** Carries a manifest that says nothing. */
  private static final class AuditedSource extends ForwardingSource {
    static final Audit AUDIT = new Audit(Map.of(), "sha256", Map.of(), 0, 0, List.of());

    AuditedSource(ModelSource inside) {
      super(inside);
    }

    @Override
    public <C> Optional<C> find(Class<C> capability) {
      Auditable audit = () -> AUDIT;
      return Optional.of(audit).filter(capability::isInstance).map(capability::cast);
    }
  }

  @Test
  void aSourceIsReadWithinItsTensorsAndUntilItIsClosed() throws IOException {
    MemoryModel model =
        MemoryModel.named("m").floats("fc.bias", BIAS.type(), BIAS.shape(), new float[4]).build();
    ModelSource never =
        watch.input(new MemoryFormat(model)).open(model.input(), ReadLimits.DEFAULT);
    ModelSource closed =
        watch
            .input(
                new ForwardingDetector(new MemoryFormat(model)) {
                  @Override
                  protected ModelSource opened(ModelSource source) {
                    return new AuditedSource(source);
                  }
                })
            .open(model.input(), ReadLimits.DEFAULT);
    assertThat(never.read(BIAS, 12, 4).remaining()).isEqualTo(4);
    assertThat(catchThrowable(() -> never.read(BIAS, 12, 5))).isNotNull();
    closed.close();
    assertThat(catchThrowable(() -> closed.readTile(weight(), new RowRange(0, 1)))).isNotNull();
    assertThat(closed.find(Auditable.class).orElseThrow().audit()).isEqualTo(AuditedSource.AUDIT);
    assertThat(watch.breaches())
        .containsExactly(
            "input testkit/memory: fc.bias: bytes 12 to 17 are asked for",
            "input testkit/memory: fc.weight is read after the source was closed",
            "input testkit/memory: everything is read after the source was closed",
            "input testkit/memory: the source of m is never closed");
  }

  @Test
  void aSchemeGetsTheTilesOfItsWeightAndItsResultsStay() {
    byte[] whole = {1};
    Scheme odd =
        new ForwardingScheme(new PowerOfTwo()) {
          @Override
          public TileQuantizer begin(
              WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
            TileQuantizer inside = super.begin(rows, options, facts, compute);
            return new TileQuantizer() {
              @Override
              public EncodedTile quantize(Tile tile) {
                EncodedTile made = inside.quantize(tile);
                return new EncodedTile(made.firstRow() + 1, made.height(), Map.of());
              }

              @Override
              public Map<String, byte[]> tensorParts() {
                return Map.of("whole", whole);
              }
            };
          }
        };
    Scheme watched = watch.scheme(odd);
    OptionValues options = watched.defaults(ROWS);
    watched.fit(ROWS, options);
    TileQuantizer worker = watched.begin(ROWS, options, Facts.NONE, Compute.AUTO);
    WeightMatrix other = new WeightMatrix("fc2", LayerKind.LINEAR, "weight", WEIGHT, 0);
    try (MemoryTile tile = MemoryTile.of(other, 0, new float[6])) {
      worker.quantize(tile);
      assertThat(tile.values()).startsWith(Float.NaN, Float.NaN, Float.NaN);
    }
    assertThat(worker.tensorParts()).containsEntry("whole", whole);
    whole[0] = 2;
    String subject = "scheme acme/pow2@1 on fc.weight: ";
    assertThat(watch.breaches())
        .containsExactly(
            subject + "it is given a tile of fc.weight",
            subject + "the result is of other rows than the tile",
            subject + "the parts of the tensor changed while it was in work",
            subject + "row 2 never came");
  }

  @Test
  void aFrameworkThatBreaksTheProtocolIsNotedToo() throws IOException {
    MemoryModel model =
        MemoryModel.named("watched")
            .floats("fc.weight", WEIGHT.type(), WEIGHT.shape(), new float[12])
            .floats("fc.bias", BIAS.type(), BIAS.shape(), new float[4])
            .build();
    EncodedWeight weight;
    PowerOfTwo scheme = new PowerOfTwo();
    WeightMatrix rows = ROWS;
    OptionValues options = scheme.defaults(rows);
    Encoding encoding = scheme.fit(rows, options).orThrow(rows);
    weight = new EncodedWeight(rows, scheme.id(), options, encoding);
    watch.scheme(scheme).begin(rows, options, Facts.NONE, Compute.AUTO);
    ModelSource source =
        watch.input(new MemoryFormat(model)).open(model.input(), ReadLimits.DEFAULT);
    OutputSession session = watch.output(new FlatOutput()).open(source);
    OutputWriter sink = writer(session, weight, folder.resolve("out.flat"));
    sink.writeWhole(weight, Map.of());
    sink.writeWhole(weight, Map.of());
    ByteBuffer some = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    sink.writeKept(BIAS, 0, some.asReadOnlyBuffer());
    sink.commit();
    source.close();
    assertThatThrownBy(() -> source.read(BIAS, 0, 4)).isInstanceOf(IllegalStateException.class);
    assertThat(watch.breaches())
        .containsExactlyInAnyOrder(
            "scheme "
                + scheme.id()
                + " on fc.weight: work begins with options that were not asked to fit",
            "output acme/flat: fc.weight: the parts of the whole tensor come twice",
            "output acme/flat: fc.weight: row 0 never came",
            "output acme/flat: fc.bias: 8 bytes never came",
            "input testkit/memory: fc.bias is read after the source was closed",
            "output acme/flat: a session is never closed",
            "output acme/flat: a sink is never closed");
  }

  @Test
  void aSessionIsAskedNothingAfterItIsClosed() throws IOException {
    OutputSession session =
        watch.output(new FlatOutput()).open(MemoryModel.named("none").build().open());
    session.close();
    assertThat(session.unsupported(weight())).isEmpty();
    writer(session, weight(), folder.resolve("late.flat")).close();
    assertThat(watch.breaches())
        .containsExactly(
            "output acme/flat: its session is closed and asked for fc.weight",
            "output acme/flat: its session is closed and asked for a layout",
            "output acme/flat: its session is closed and asked for a writer");
  }

  @Test
  void whatIsUnsupportedIsNotLaidOut() throws IOException {
    FlatOutput picky =
        new FlatOutput() {
          @Override
          protected Optional<String> unsupported(EncodedWeight weight) {
            return Optional.of("it has too many rows");
          }
        };
    try (OutputSession session =
        watch.output(picky).open(MemoryModel.named("none").build().open())) {
      writer(session, weight(), folder.resolve("odd.flat")).close();
    }
    assertThat(watch.breaches())
        .containsExactly(
            "output acme/flat: fc.weight is to be written, though it has too many rows");
  }
}
