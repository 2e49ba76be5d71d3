package dev.monoquant.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.Problem;
import dev.monoquant.files.manifest.Manifest;
import dev.monoquant.files.testing.Request;
import dev.monoquant.files.testing.Sample;
import dev.monoquant.files.testing.Sweep;
import dev.monoquant.io.compressedtensors.CompressedTensorsFormat;
import dev.monoquant.io.compressedtensors.CompressedTensorsOutput;
import dev.monoquant.io.safetensors.SafetensorsFormat;
import dev.monoquant.io.safetensors.SafetensorsOutput;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Audit;
import dev.monoquant.spi.Auditable;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.Hashing;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.Provenance;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.spi.SideFile;
import dev.monoquant.spi.WriteOptions;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every output carries hashes of all that went in and came out; no changed byte is overlooked. */
class ManifestTest {

  private static final String FIRST = "model-00001-of-00002.safetensors";
  private static final String SECOND = "model-00002-of-00002.safetensors";

  @TempDir Path folder;
  private Path input;
  private Path side;

  @BeforeEach
  void setUp() throws IOException {
    Path in = Files.createDirectory(folder.resolve("in"));
    input = Files.writeString(in.resolve("model.safetensors"), "the input");
    side = Files.writeString(in.resolve("tokenizer.json"), "side file");
  }

  private static Sample sample(boolean sharded) {
    TensorInfo w =
        new TensorInfo(
            "fc.weight", ElementType.FLOAT32, TensorShape.of(4, 8), sharded ? FIRST : "");
    EncodedWeight weight =
        new EncodedWeight(
            new WeightMatrix("fc", LayerKind.LINEAR, "weight", w, 0),
            new SchemeId("int8", 1),
            OptionValues.of(8, true, Granularity.CHANNEL),
            Encoding.affine(
                Part.perElement("codes", ElementType.INT8),
                Part.perRow("scale", ElementType.FLOAT32)));
    return new Sample(5)
        .quantize(weight)
        .layer("fc", LayerKind.LINEAR, w)
        .keep(
            new TensorInfo("bias", ElementType.FLOAT16, TensorShape.of(33), sharded ? SECOND : ""))
        .keep(new TensorInfo("none", ElementType.INT8, TensorShape.of(0), sharded ? SECOND : ""));
  }

  private ModelSource source(Sample sample) {
    List<SideFile> sides = List.of(new SideFile("tokenizer.json", side));
    return sample.model().files(List.of(input, side)).sideFiles(sides).build().open();
  }

  private Path write(OutputFormat format, String name) throws IOException {
    Sample sample = sample(!name.contains("."));
    Request request = sample.request(folder.resolve(name), false, source(sample));
    long predicted = request.bytes(format);
    List<Path> written = sample.write(format, request);
    assertThat(
            written.stream()
                .filter(p -> p.toString().endsWith(".safetensors"))
                .mapToLong(p -> p.toFile().length())
                .sum())
        .isEqualTo(predicted);
    return folder.resolve(name);
  }

  private static Audit audit(InputFormatDetector format, Path path) throws IOException {
    try (ModelSource source = format.open(ModelInput.of(path), ReadLimits.DEFAULT)) {
      return source.find(Auditable.class).orElseThrow().audit();
    }
  }

  /** Size and CRC32C. */
  private static String identity(byte[] bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes);
    return String.format("%016x%08x", bytes.length, crc.getValue());
  }

  /** The SHA-256 of the SHA-256 of the only piece. */
  private static String sha256(byte[] bytes) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      return HexFormat.of().formatHex(digest.digest(digest.digest(bytes)));
    } catch (java.security.NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  private void assertInputs(Audit audit) throws IOException {
    assertThat(audit.inputs())
        .isEqualTo(
            Map.of(
                "model.safetensors",
                identity(Files.readAllBytes(input)),
                "tokenizer.json",
                identity(Files.readAllBytes(side))));
  }

  @Test
  void aFileIsAsItSays() throws IOException {
    Audit audit = audit(new SafetensorsFormat(), write(new SafetensorsOutput(), "q.safetensors"));
    assertThat(audit.differences()).isEmpty();
    assertThat(audit.checked()).isEqualTo(4);
    assertThat(audit.bytes()).isEqualTo(4 * 8 + 4 * 4 + 66);
    assertThat(audit.made()).containsEntry("monoquant.tool", "test 1");
    assertInputs(audit);
  }

  @Test
  void aDirectoryIsAsItSays() throws IOException {
    Path out = write(new CompressedTensorsOutput(), "q");
    Audit audit = audit(new CompressedTensorsFormat(), out);
    assertThat(audit.differences()).isEmpty();
    assertThat(audit.checked()).isEqualTo(5);
    assertThat(audit.made()).containsEntry("monoquant.tool", "test 1");
    assertInputs(audit);
    Manifest manifest = Manifest.parse(Files.readAllBytes(out.resolve(Manifest.FILE)), "manifest");
    assertThat(manifest.headers()).containsOnlyKeys(FIRST, SECOND);
    assertThat(manifest.files())
        .containsOnlyKeys("config.json", "model.safetensors.index.json", "tokenizer.json")
        .containsEntry("tokenizer.json", sha256(Files.readAllBytes(side)));
    assertThat(manifest.weights().get("fc.weight").toString()).contains("int8@1", "channel");
    byte[] bias = sample(true).kept.values().iterator().next();
    assertThat(manifest.tensors()).containsEntry("bias", sha256(bias));
  }

  @Test
  void noChangedByteOfAFileIsOverlooked() throws IOException {
    Path file = write(new SafetensorsOutput(), "q.safetensors");
    noChangedByteIsOverlooked(new SafetensorsFormat(), file, file, Sweep.count(3, 1));
  }

  @Test
  void noChangedByteOfADirectoryIsOverlooked() throws IOException {
    Path out = write(new CompressedTensorsOutput(), "q");
    for (String name :
        List.of(
            FIRST,
            SECOND,
            "config.json",
            "tokenizer.json",
            "model.safetensors.index.json",
            Manifest.FILE)) {
      noChangedByteIsOverlooked(
          new CompressedTensorsFormat(), out, out.resolve(name), Sweep.count(7, 1));
    }
  }

  private static void noChangedByteIsOverlooked(
      InputFormatDetector format, Path out, Path file, int step) throws IOException {
    byte[] sound = Files.readAllBytes(file);
    for (int at = 0; at < sound.length; at += step) {
      byte[] changed = sound.clone();
      changed[at] ^= 1;
      Files.write(file, changed);
      try {
        assertThat(audit(format, out).differences()).as(file + " at " + at).isNotEmpty();
      } catch (ModelFormatException refused) {
        // As good as a difference: the file cannot be read as what it is any more.
        assertThat(refused).hasMessageContaining(out.getFileName().toString());
      } catch (java.util.NoSuchElementException unmarked) {
        // A changed name of the manifest's own key leaves an output without one.
        assertThat(new String(changed, java.nio.charset.StandardCharsets.ISO_8859_1))
            .doesNotContain('"' + Manifest.KEY + '"');
      }
    }
    Files.write(file, sound);
    assertThat(audit(format, out).differences()).isEmpty();
  }

  @Test
  void aDifferenceNamesTheTensor() throws IOException {
    Path file = write(new SafetensorsOutput(), "q.safetensors");
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length - 1] ^= 1;
    Files.write(file, bytes);
    List<Problem> differences = audit(new SafetensorsFormat(), file).differences();
    assertThat(differences).hasSize(1);
    assertThat(differences.get(0).toString())
        .startsWith("tensor fc.weight: its SHA-256 of pieces is ")
        .contains("the manifest says ");
  }

  @Test
  void missingFilesAndPathsThatLeaveTheDirectoryAreDifferences() throws IOException {
    Path out = write(new CompressedTensorsOutput(), "q");
    Path file = out.resolve(Manifest.FILE);
    Files.writeString(
        file, Files.readString(file).replace("\"tokenizer.json\":", "\"../in/tokenizer.json\":"));
    Files.delete(out.resolve("tokenizer.json"));
    assertThat(audit(new CompressedTensorsFormat(), out).differences())
        .extracting(Problem::subject)
        .contains("../in/tokenizer.json", Manifest.FILE);
  }

  @Test
  void aFileWithoutAManifestIsNotAudited() throws IOException {
    Path file = folder.resolve("plain.safetensors");
    Files.write(file, new byte[] {2, 0, 0, 0, 0, 0, 0, 0, '{', '}'});
    try (ModelSource source =
        new SafetensorsFormat().open(ModelInput.of(file), ReadLimits.DEFAULT)) {
      assertThat(source.find(Auditable.class)).isEmpty();
    }
  }

  @Test
  void anInputThatChangesMeanwhileIsRefused() throws IOException {
    Sample sample = sample(false);
    Path target = folder.resolve("q.safetensors");
    Request request = sample.request(target, false, source(sample));
    try (OutputWriter sink = request.open(new SafetensorsOutput())) {
      sample.fill(sink);
      Files.setLastModifiedTime(input, FileTime.fromMillis(1_000_000));
      assertThatThrownBy(sink::commit)
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("model.safetensors")
          .hasMessageContaining("changed while it was read");
    }
    assertThat(target).doesNotExist();
  }

  /** The outputs of an earlier version, whose hashes are plain SHA-256. */
  @Test
  void outputsWithPlainHashesAreStillChecked() throws IOException, URISyntaxException {
    Path made = Path.of(getClass().getResource("/manifest-1").toURI());
    Path file = Files.copy(made.resolve("file.safetensors"), folder.resolve("q.safetensors"));
    Audit audit = audit(new SafetensorsFormat(), file);
    assertThat(audit.differences()).isEmpty();
    assertThat(audit.checked()).isEqualTo(3);
    assertThat(audit.hashKind()).isEqualTo("sha256");
    noChangedByteIsOverlooked(new SafetensorsFormat(), file, file, Sweep.count(11, 1));
    Path directory = Files.createDirectory(folder.resolve("q"));
    for (String name : List.of("config.json", "model.safetensors", Manifest.FILE)) {
      Files.copy(made.resolve("directory").resolve(name), directory.resolve(name));
    }
    assertThat(audit(new CompressedTensorsFormat(), directory).differences()).isEmpty();
    for (String name : List.of("config.json", "model.safetensors", Manifest.FILE)) {
      noChangedByteIsOverlooked(
          new CompressedTensorsFormat(), directory, directory.resolve(name), Sweep.count(17, 1));
    }
  }

  @ParameterizedTest
  @EnumSource(Hashing.class)
  void recordsWhatIsAskedFor(Hashing hashing) throws IOException {
    Provenance provenance =
        new Provenance(
            "test",
            "1",
            "",
            new TreeMap<>(),
            Provenance.Reading.DEFAULT,
            Optional.empty(),
            new TreeMap<>(),
            hashing,
            Optional.empty());
    for (OutputFormat format : List.of(new SafetensorsOutput(), new CompressedTensorsOutput())) {
      boolean single = format.id().equals("safetensors");
      Sample sample = sample(!single);
      Path target = folder.resolve(hashing.wire() + (single ? ".safetensors" : ""));
      Request request =
          new Request(
              source(sample),
              sample.contents(Optional.of(provenance)),
              new WriteOptions(target, false, false, false));
      long predicted = request.bytes(format);
      List<Path> written = sample.write(format, request);
      assertThat(
              written.stream()
                  .filter(p -> p.toString().endsWith(".safetensors"))
                  .mapToLong(p -> p.toFile().length())
                  .sum())
          .isEqualTo(predicted);
      Audit audit = audit(single ? new SafetensorsFormat() : new CompressedTensorsFormat(), target);
      assertThat(audit.differences()).isEmpty();
      assertThat(audit.checked() > 0).isEqualTo(hashing != Hashing.NONE);
      assertThat(audit.inputs().get("model.safetensors"))
          .isEqualTo(
              switch (hashing) {
                case NONE -> "";
                case OUTPUTS -> identity(Files.readAllBytes(input));
                case ALL -> sha256(Files.readAllBytes(input));
              });
    }
  }

  @Test
  void anUnknownKindOfHashIsADifference() throws IOException {
    Path out = write(new CompressedTensorsOutput(), "q");
    Path file = out.resolve(Manifest.FILE);
    Files.writeString(file, Files.readString(file).replace("sha256-64MiB", "sha256-1GiB"));
    assertThat(audit(new CompressedTensorsFormat(), out).differences())
        .singleElement()
        .asString()
        .contains("names no kind of hash that this version knows for its outputs");
  }

  @Test
  void hashesThatCameAlongAreTaken() throws IOException {
    Sample sample = sample(false);
    Path target = folder.resolve("q.safetensors");
    Request with =
        new Request(
            source(sample),
            sample.contents(
                Optional.of(
                    Provenance.of("test", "1").withInputs(Map.of("gone.pt", "ab".repeat(12))))),
            new WriteOptions(target, false, false, false));
    Files.delete(input);
    sample.write(new SafetensorsOutput(), with);
    Audit audit = audit(new SafetensorsFormat(), target);
    assertThat(audit.differences()).isEmpty();
    assertThat(audit.inputs()).isEqualTo(Map.of("gone.pt", "ab".repeat(12)));
    assertThat(audit.made()).containsEntry("monoquant.tool", "test 1");
  }
}
