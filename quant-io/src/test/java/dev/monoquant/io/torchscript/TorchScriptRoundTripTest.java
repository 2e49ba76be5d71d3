package dev.monoquant.io.torchscript;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.files.testing.Folders;
import dev.monoquant.files.testing.Request;
import dev.monoquant.files.testing.Sample;
import dev.monoquant.files.testing.Sweep;
import dev.monoquant.io.testing.Surest;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.Audit;
import dev.monoquant.spi.Auditable;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.lifecycle.AddLifecycleHook;
import net.jqwik.api.lifecycle.AfterProperty;
import net.jqwik.api.lifecycle.BeforeProperty;

/** What was written is read back: tiles of every encoding, and kept tensors of every kind. */
@AddLifecycleHook(Sweep.class)
class TorchScriptRoundTripTest {

  private Path folder;

  @BeforeProperty
  void makeFolder() throws IOException {
    folder = Folders.make();
  }

  @AfterProperty
  void removeFolder() throws IOException {
    Folders.delete(folder);
  }

  @Property(tries = 250)
  void everythingComesBack(
      @ForAll @IntRange(max = 10) int which,
      @ForAll long seed,
      @ForAll @IntRange(max = 100) int percent)
      throws IOException {
    Path original = Originals.path(Originals.ALL.get(which));
    Path target = folder.resolve("out.pt");
    try (ModelSource source = Originals.open(original)) {
      Sample sample = Originals.sample(source, seed, percent);
      Request request = Originals.request(sample, target, source);
      long predicted = request.bytes(Originals.output());
      assertThat(sample.write(Originals.output(), request)).containsExactly(target);
      assertThat(target).hasSize(predicted);
      try (ModelSource read = Surest.of(target).open(ModelInput.of(target), ReadLimits.DEFAULT)) {
        requireSame(sample, read);
        assertThat(read.info().layers()).isEqualTo(source.info().layers());
        assertThat(read.info().metadata()).containsEntry("monoquant.tool", "test 1");
        requireNoErrors(read, original);
      }
      requireNothingIdle(target, request);
      byte[] first = Files.readAllBytes(target);
      sample.write(Originals.output(), request);
      assertThat(Files.readAllBytes(target)).isEqualTo(first);
    }
  }

  private static void requireSame(Sample sample, ModelSource read) throws IOException {
    assertThat(read.info().tensors()).containsExactlyElementsOf(sample.kept.keySet());
    for (Map.Entry<TensorInfo, byte[]> kept : sample.kept.entrySet()) {
      int length = kept.getValue().length;
      assertThat(read.read(kept.getKey(), 0, length)).isEqualTo(ByteBuffer.wrap(kept.getValue()));
    }
    assertThat(read.info().quantized()).containsExactlyElementsOf(sample.weights.keySet());
    for (Map.Entry<EncodedWeight, Map<String, byte[]>> weight : sample.weights.entrySet()) {
      EncodedWeight w = weight.getKey();
      int rows = (int) w.matrix().rowCount();
      EncodedTile all = read.readTile(w, new RowRange(0, rows));
      weight.getValue().forEach((n, bytes) -> assertThat(all.part(n)).as(n).isEqualTo(bytes));
      int step = w.encoding().rowAlignment();
      for (int row = 0; row < rows; row += step) {
        int height = Math.min(step, rows - row);
        EncodedTile tile = read.readTile(w, new RowRange(row, height));
        EncodedTile expected = Sample.tile(w, weight.getValue(), row, height);
        for (Part part : w.encoding().parts()) {
          assertThat(tile.part(part.name()))
              .isEqualTo(
                  part.tiled() ? expected.part(part.name()) : weight.getValue().get(part.name()));
        }
      }
    }
  }

  private static void requireNoErrors(ModelSource read, Path original) throws IOException {
    Audit audit = read.find(Auditable.class).orElseThrow().audit();
    assertThat(audit.differences()).isEmpty();
    assertThat(audit.checked()).isPositive();
    assertThat(audit.inputs()).containsOnlyKeys(original.getFileName().toString());
    assertThat(audit.made()).containsEntry("monoquant.tool", "test 1");
  }

  /**
   * No storage is there that nothing refers to, and none of the original that only weights used.
   */
  private static void requireNothingIdle(Path target, Request request) throws IOException {
    try (ScriptArchive archive = ScriptArchive.open(target, "out.pt", ReadLimits.DEFAULT)) {
      var referred = ProgramViews.of(archive, archive.program(), Map.of()).storages().keySet();
      List<String> there =
          archive.zip().entries().stream()
              .map(e -> archive.zip().nameInFolder(e))
              .filter(Records::isStorage)
              .toList();
      assertThat(there).containsExactlyInAnyOrderElementsOf(referred);
      assertThat(archive.zip().entries())
          .noneMatch(e -> e.name().endsWith(".debug_pkl") || e.name().contains("traced_inputs"));
    }
    if (request.contents().weights().isEmpty()) {
      requireSameRecords(target, request.source().info().files().get(0));
    }
  }

  private static void requireSameRecords(Path target, Path original) throws IOException {
    try (ZipFile out = new ZipFile(target.toFile());
        ZipFile in = new ZipFile(original.toFile())) {
      for (ZipEntry entry : Collections.list(in.entries())) {
        if (entry.getName().matches("[^/]+/(data/.*|constants/.*|code/.*\\.py|version|byteorder)")
            && out.getEntry(entry.getName()) != null
            && !entry.getName().endsWith("code/__torch__/test.py")) {
          try (InputStream a = in.getInputStream(entry);
              InputStream b = out.getInputStream(out.getEntry(entry.getName()))) {
            assertThat(b.readAllBytes()).as(entry.getName()).isEqualTo(a.readAllBytes());
          }
        }
      }
    }
  }

  /** The number of tensors and their order do not depend on who writes when. */
  @Property(tries = 20)
  void theBytesDependOnNoOrder(@ForAll long seed, @ForAll long other) throws IOException {
    Path original = Originals.path("/torch-oracle/traced.pt");
    Path target = folder.resolve("out.pt");
    try (ModelSource source = Originals.open(original)) {
      Sample sample = Originals.sample(source, seed, 70);
      sample.write(Originals.output(), Originals.request(sample, target, source));
      byte[] first = Files.readAllBytes(target);
      sample.random().setSeed(other);
      sample.write(Originals.output(), Originals.request(sample, target, source));
      assertThat(Files.readAllBytes(target)).isEqualTo(first);
    }
  }

  /** A source that only came from an archive, such as a spooled one, says so by its files. */
  @Example
  void theArchiveIsFoundBehindOtherSources() throws IOException {
    Path original = Originals.path("/torch-oracle/traced.pt");
    Path target = folder.resolve("out.pt");
    byte[] direct;
    Sample sample;
    try (ModelSource source = Originals.open(original)) {
      sample = Originals.sample(source, 3, 50);
      sample.write(Originals.output(), Originals.request(sample, target, source));
      direct = Files.readAllBytes(target);
    }
    ModelSource behind = sample.model().files(List.of(original)).build().open();
    sample.write(Originals.output(), Originals.request(sample, target, behind));
    assertThat(Files.readAllBytes(target)).isEqualTo(direct);
  }

  @Example
  void whatIsTriedIsWhatIsCommitted() throws IOException {
    Path original = Originals.path("/torch-oracle/scripted.pt");
    Path target = folder.resolve("tried.pt");
    try (ModelSource source = Originals.open(original)) {
      Sample sample = Originals.sample(source, 4, 50);
      try (var sink = Originals.request(sample, target, source).open(Originals.output())) {
        sample.fill(sink);
        Path staged = sink.finish().orElseThrow();
        assertThat(target).doesNotExist();
        byte[] tried = Files.readAllBytes(staged);
        try (ModelSource read = Originals.open(staged)) {
          requireSame(sample, read);
        }
        sink.commit();
        assertThat(Files.readAllBytes(target)).isEqualTo(tried);
      }
    }
    assertThat(Folders.names(folder)).containsExactly("tried.pt");
  }
}
