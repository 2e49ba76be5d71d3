package dev.monoquant.io.torchscript;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.monoquant.ConfigurationException;
import dev.monoquant.ModelFormatException;
import dev.monoquant.OutputException;
import dev.monoquant.ValidationException;
import dev.monoquant.files.output.Disk;
import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.files.testing.FaultDisk;
import dev.monoquant.files.testing.Folders;
import dev.monoquant.files.testing.Request;
import dev.monoquant.files.testing.Sample;
import dev.monoquant.files.testing.ZipText;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.script.HeldStorage;
import dev.monoquant.script.Rewritten;
import dev.monoquant.script.ScriptProgram;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.WriteOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whatever fails: the old output or the new one is there, never half of one. */
class TorchScriptSafetyTest {

  private static final String OLD = "the old output";

  @TempDir Path folder;
  private Path target;
  private ModelSource source;

  @BeforeEach
  void open() throws IOException {
    target = folder.resolve("model.pt");
    source = Originals.open(Originals.path("/torch-corpus/torchscript/ts_ok_traced.pt"));
  }

  @AfterEach
  void close() {
    source.close();
  }

  private Sample sample() throws IOException {
    return Originals.sample(source, 8, 100);
  }

  private Request request(Sample sample, ModelSource of) {
    return new Request(
        of, sample.contents(Optional.empty()), new WriteOptions(target, true, true, false));
  }

  /** A flush ahead of time may fail too: it is only a head start, and the last one counts. */
  @Test
  void everyOperationMayFail() throws IOException {
    FaultDisk counting = new FaultDisk();
    sample().write(Originals.output(counting), request(sample(), source));
    byte[] complete = Files.readAllBytes(target);
    int failures = 0;
    for (int k = 0; k < counting.operations(); k++) {
      Files.writeString(target, OLD);
      FaultDisk disk = new FaultDisk().failAt(k);
      Throwable thrown =
          catchThrowable(() -> sample().write(Originals.output(disk), request(sample(), source)));
      assertThat(Folders.names(folder)).containsExactly("model.pt");
      if (thrown == null) {
        assertThat(Files.readAllBytes(target)).isEqualTo(complete);
        continue;
      }
      failures++;
      assertThat(thrown).isInstanceOf(IOException.class).hasMessageContaining("injected");
      boolean renamed = thrown.getMessage().contains("sync");
      assertThat(Files.readAllBytes(target))
          .isEqualTo(renamed ? complete : OLD.getBytes(StandardCharsets.UTF_8));
    }
    assertThat(failures).isGreaterThan(20);
  }

  @Test
  void everyDamagedByteIsFound() throws IOException {
    int damaged = 0;
    for (int k = 0; k < 60; k++) {
      FaultDisk disk = new FaultDisk().damageAt(k);
      Throwable thrown =
          catchThrowable(() -> sample().write(Originals.output(disk), request(sample(), source)));
      if (thrown != null) {
        damaged++;
        assertThat(thrown).isInstanceOf(ValidationException.class).hasMessageContaining("CRC32C");
        assertThat(folder).isEmptyDirectory();
      } else {
        Files.delete(target);
      }
    }
    assertThat(damaged).isGreaterThan(20);
  }

  @Test
  void everyByteOfEveryTensorMustBeWrittenOnce() throws IOException {
    Sample sample = sample();
    TensorInfo kept =
        sample.kept.keySet().stream().filter(t -> t.bytes() > 4).findFirst().orElseThrow();
    for (int much : new int[] {0, 1, 2}) {
      try (OutputWriter sink = request(sample, source).open(Originals.output())) {
        if (much == 0) {
          // Kept tensors are copied from the original, and still nobody may forget them.
          sink.writeKept(kept, 0, ByteBuffer.allocate((int) kept.bytes() - 1));
        } else {
          sample.fill(sink);
        }
        if (much == 1) {
          sink.writeKept(kept, 0, ByteBuffer.allocate(1));
        } else if (much == 2) {
          EncodedWeight weight = sample.weights.keySet().iterator().next();
          int rows = (int) weight.matrix().rowCount();
          sink.writeTile(weight, Sample.tile(weight, sample.weights.get(weight), 0, rows));
        }
        assertThatThrownBy(sink::commit).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> sink.writeKept(kept, kept.bytes() - 1, ByteBuffer.allocate(2)))
            .isInstanceOf(IllegalArgumentException.class);
      }
    }
    TensorInfo foreign = new TensorInfo("other", ElementType.INT8, TensorShape.of(1));
    try (OutputWriter sink = request(sample, source).open(Originals.output())) {
      assertThatThrownBy(() -> sink.writeKept(foreign, 0, ByteBuffer.allocate(1)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("not kept");
    }
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void theInputIsNeverWritten() throws IOException {
    Path copy = folder.resolve("copy.pt");
    Files.copy(source.info().files().get(0), copy);
    target = copy;
    try (ModelSource own = Originals.open(copy)) {
      Sample sample = Originals.sample(own, 1, 0);
      assertThatThrownBy(() -> request(sample, own).open(Originals.output()))
          .isInstanceOf(OutputException.class)
          .hasMessageContaining("is the input");
    }
  }

  @Test
  void onlyTorchScriptCanBecomeTorchScript() throws IOException {
    Sample sample = sample();
    for (ModelSource other :
        List.of(
            sample.source(),
            sample
                .model()
                .files(List.of(Originals.path("/torch-oracle/training.pt")))
                .build()
                .open())) {
      Request request = request(sample, other);
      EncodedWeight weight = sample.weights.keySet().iterator().next();
      requireRefusal(() -> request.open(Originals.output()), "memory");
      requireRefusal(() -> request.bytes(Originals.output()), "memory");
      requireRefusal(() -> request.remarks(Originals.output()), "memory");
      requireRefusal(() -> Request.unsupported(Originals.output(), other, weight), "memory");
    }
    assertThat(folder).isEmptyDirectory();
  }

  private interface Call {
    void run() throws IOException;
  }

  private static void requireRefusal(Call call, String name) {
    assertThatThrownBy(call::run)
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(name)
        .hasMessageContaining("is no TorchScript archive")
        .hasMessageContaining(".safetensors")
        .hasMessageContaining("torch.jit.trace");
  }

  @Test
  void anOutputIsNoInput() throws IOException {
    sample().write(Originals.output(), request(sample(), source));
    Path again = target;
    target = folder.resolve("again.pt");
    try (ModelSource rewritten = Originals.open(again)) {
      Sample all = Originals.sample(rewritten, 1, 0);
      assertThatThrownBy(() -> request(all, rewritten).open(Originals.output()))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("runs quantized weights already")
          .hasMessageContaining(".safetensors");
    }
  }

  @Test
  void bigEndianArchivesAreRefused() throws IOException {
    ZipText zip = ZipText.of(source.info().files().get(0));
    String name =
        zip.records().keySet().stream().filter(n -> n.endsWith("/byteorder")).findFirst().get();
    Path big =
        Files.write(
            folder.resolve("big.pt"),
            zip.put(name, "big".getBytes(StandardCharsets.US_ASCII)).build());
    try (ModelSource other = Originals.open(big)) {
      Sample sample = Originals.sample(other, 1, 0);
      assertThatThrownBy(() -> request(sample, other).open(Originals.output()))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("big-endian");
    }
  }

  @Test
  void extraFilesTravelAlongAndTheRestIsCounted() throws IOException {
    ZipText zip = ZipText.of(source.info().files().get(0));
    String root = zip.records().keySet().iterator().next().replaceFirst("/.*", "/");
    zip.put(root + "extra/labels.txt", new byte[] {1, 2, 3});
    zip.put(root + "code/__torch__.py.debug_pkl", new byte[] {4});
    zip.put(root + "bytecode.pkl", new byte[] {5});
    Path with = Files.write(folder.resolve("with.pt"), zip.build());
    try (ModelSource other = Originals.open(with)) {
      Sample sample = Originals.sample(other, 1, 50);
      sample.write(Originals.output(), request(sample, other));
    }
    Map<String, byte[]> records = ZipText.of(target).records();
    assertThat(records.get(root + "extra/labels.txt")).containsExactly(1, 2, 3);
    assertThat(records.get(root + "version")).isEqualTo(zip.records().get(root + "version"));
    assertThat(records).doesNotContainKey(root + "bytecode.pkl");
    assertThat(new String(records.get(root + "extra/monoquant.json"), StandardCharsets.UTF_8))
        .contains("\"dropped\":{\".data/serialization_id\":\"1\",\"bytecode.pkl\":\"1\"")
        .contains("\"debug_pkl\":\"");
  }

  /** The lite interpreter runs bytecode alone, which is not rewritten. */
  @Test
  void bytecodeIsLeftOutAndTold() throws IOException {
    ZipText zip = ZipText.of(source.info().files().get(0));
    String root = zip.records().keySet().iterator().next().replaceFirst("/.*", "/");
    zip.put(root + "bytecode.pkl", new byte[] {5});
    Path lite = Files.write(folder.resolve("lite.ptl"), zip.build());
    try (ModelSource other = Originals.open(lite)) {
      assertThat(
              Originals.request(Originals.sample(other, 1, 50), target, other)
                  .notes(Originals.output()))
          .anyMatch(
              n -> n.startsWith("left out: bytecode.pkl, the program for the lite interpreter"))
          .noneMatch(n -> n.contains("1 x bytecode.pkl"));
    }
    List.copyOf(zip.records().keySet()).stream()
        .filter(name -> name.contains("/code/"))
        .forEach(zip.records()::remove);
    Files.write(lite, zip.build());
    assertThatThrownBy(() -> Originals.open(lite))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("lite interpreter of mobile devices without the code")
        .hasMessageContaining("torch.jit.save");
  }

  /** A rewriter that makes what does not fit together is noticed before a byte is written. */
  @Test
  void brokenRewritingIsFound() throws IOException {
    requireBroken(r -> with(r, r.storages().subList(1, r.storages().size())), "no record");
    requireBroken(
        r ->
            with(
                r, other(r, s -> new HeldStorage(s.key(), "no", s.part(), s.type(), s.elements()))),
        "of no weight");
    requireBroken(
        r ->
            with(
                r,
                other(
                    r,
                    s ->
                        new HeldStorage(
                            s.key(), s.weight(), s.part(), s.type(), s.elements() + 1))),
        "bytes");
    requireBroken(
        r ->
            new Rewritten(
                r.program(), r.storages(), r.cuts(), List.of(), Map.of(), OptionalInt.empty()),
        "not every weight");
    requireBroken(
        r -> {
          ScriptProgram p = r.program();
          PickleTuple none = new PickleTuple(List.of());
          return new Rewritten(
              new ScriptProgram(p.code(), none, p.constants()),
              r.storages(),
              r.cuts(),
              r.treatments(),
              Map.of(),
              OptionalInt.empty());
        },
        "lost the kept tensor");
    assertThat(folder).isEmptyDirectory();
  }

  private static Rewritten with(Rewritten rewritten, List<HeldStorage> storages) {
    return new Rewritten(
        rewritten.program(),
        storages,
        rewritten.cuts(),
        rewritten.treatments(),
        Map.of(),
        OptionalInt.empty());
  }

  private static List<HeldStorage> other(Rewritten r, UnaryOperator<HeldStorage> change) {
    List<HeldStorage> storages = new ArrayList<>(r.storages());
    storages.set(0, change.apply(storages.get(0)));
    return storages;
  }

  private void requireBroken(UnaryOperator<Rewritten> change, String mention) throws IOException {
    TorchScriptOutput broken =
        new TorchScriptOutput(
            Disk.REAL,
            archive ->
                new Rewriting() {
                  private final StandIn good = new StandIn(archive);

                  @Override
                  public Optional<String> refusal(EncodedWeight weight) {
                    return good.refusal(weight);
                  }

                  @Override
                  public Rewritten rewrite(List<EncodedWeight> weights, List<String> kept) {
                    return change.apply(good.rewrite(weights, kept));
                  }
                });
    Sample sample = sample();
    assertThat(sample.weights).isNotEmpty();
    assertThatThrownBy(() -> request(sample, source).open(broken))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("the rewriting is wrong")
        .hasMessageContaining(mention);
  }

  @Test
  void whatIsSaidOfWeights() throws IOException {
    Sample sample = sample();
    EncodedWeight weight = sample.weights.keySet().iterator().next();
    assertThat(request(sample, source).remarks(Originals.output()))
        .containsEntry(weight.name(), "weight-only: stored, not run")
        .hasSize(sample.weights.size());
    assertThat(Request.unsupported(Originals.output(), source, weight)).isEmpty();
    assertThat(new TorchScriptOutput().options()).extracting(o -> o.name()).contains("mode");
    for (String name : List.of("a.pt", "b.ts", "c.torchscript")) {
      assertThat(new TorchScriptOutput().accepts(Path.of(name))).isTrue();
    }
    assertThat(new TorchScriptOutput().accepts(Path.of("a.pth"))).isFalse();
  }

  /** Files of code are small when they are compressed: what they are together is bounded. */
  @Test
  void codeIsBoundedInAll() throws IOException {
    ZipText zip = ZipText.of(Originals.path("/torch-corpus/torchscript/ts_ok_traced.pt"));
    String name = zip.records().keySet().iterator().next();
    String code = name.substring(0, name.indexOf('/')) + "/code/__torch__/more";
    for (int i = 0; i < 10; i++) {
      byte[] text = new byte[200_000];
      Arrays.fill(text, (byte) '#');
      zip.put(code + i + ".py", text).deflate(code + i + ".py");
    }
    Path file = folder.resolve("code.pt");
    Files.write(file, zip.build());
    Originals.open(file).close();
    ReadLimits limits = ReadLimits.DEFAULT.withMaxInflatedBytes(1_000_000);
    assertThatThrownBy(() -> new TorchScriptFormat().open(ModelInput.of(file), limits))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("makes more than 1000000 bytes of code (limit maxInflatedBytes)");
  }

  /** Code that is not understood is told, and keeps no weight from being read. */
  @Test
  void whatIsNotUnderstoodIsNoted() throws IOException {
    ZipText zip = ZipText.of(Originals.path("/torch-corpus/torchscript/ts_ok_traced.pt"));
    String name = zip.records().keySet().iterator().next();
    String odd = name.substring(0, name.indexOf('/')) + "/code/__torch__/odd.py";
    zip.put(odd, "def f(x: Tensor:\n  return (x\n".getBytes(StandardCharsets.UTF_8));
    Path file = folder.resolve("odd.pt");
    Files.write(file, zip.build());
    try (ModelSource read = Originals.open(file)) {
      assertThat(read.info().tensors()).isEqualTo(source.info().tensors());
      assertThat(read.info().layers()).hasSameSizeAs(source.info().layers());
      assertThat(read.info().notes())
          .anyMatch(n -> n.contains("Not all of the code is understood") && n.contains("odd.py"));
    }
  }
}
