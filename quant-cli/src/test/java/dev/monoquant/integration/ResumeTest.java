package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ConfigurationException;
import dev.monoquant.NonFinitePolicy;
import dev.monoquant.OutputException;
import dev.monoquant.Problem;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.report.Report;
import dev.monoquant.spi.Hashing;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.Plugins;
import dev.monoquant.testkit.fakes.ForwardingDetector;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Runs that were killed go on where they stopped, or are refused with what differs. */
class ResumeTest {

  private static final int LAYERS = 5;
  private static final QuantizationConfig INT8 =
      QuantizationConfig.builder().scheme("int8").build();

  @TempDir private Path folder;
  private Path input;
  private Path target;
  private Report whole;
  private Map<String, String> expected;

  @BeforeEach
  void setUp() throws IOException {
    input = Checkpoint.directory(folder.resolve("in"), 1, LAYERS, 32);
    Path once = folder.resolve("once");
    whole = Quantizer.create().quantize(ModelInput.of(input), INT8, once, false);
    expected = contents(once);
    target = Files.createDirectory(folder.resolve("place")).resolve("out");
  }

  static Map<String, String> contents(Path directory) throws IOException {
    Map<String, String> contents = new TreeMap<>();
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        contents.put(
            directory.relativize(file).toString(),
            Files.readString(file, StandardCharsets.ISO_8859_1));
      }
    }
    return contents;
  }

  private static List<Path> list(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.sorted().toList();
    }
  }

  /**
   * What a killed run leaves after so many finished shards: a copy of it is taken at that moment,
   * and given the name of a process that is no more.
   */
  private Path interrupted(int shards) throws IOException {
    return interrupted(shards, Quantizer.create());
  }

  private Path interrupted(int shards, Quantizer quantizer) throws IOException {
    Path left = target.resolveSibling(".out.quant-999999999999-0123456789abcdef.tmp");
    Path spare = folder.resolve("spare");
    Quantizer copying =
        quantizer
            .withThreads(1)
            .withProgress(
                (stage, done, total, subject) -> {
                  try {
                    if (Files.exists(spare)) {
                      return;
                    }
                    for (Path path : list(target.getParent())) {
                      Path journal = path.resolve(".quant-journal");
                      if (Files.exists(journal)
                          && Files.readAllLines(journal).size() == shards + 1) {
                        copy(path, spare);
                      }
                    }
                    // Files are finished in the background, so there is something to wait for.
                    Thread.sleep(50);
                  } catch (IOException | InterruptedException e) {
                    throw new AssertionError(e);
                  }
                });
    copying.quantize(ModelInput.of(input), INT8, target, false);
    for (Path path : list(target)) {
      Files.delete(path);
    }
    Files.delete(target);
    Files.move(spare, left);
    return left;
  }

  private static void copy(Path from, Path to) throws IOException {
    Files.createDirectory(to);
    for (Path file : list(from)) {
      Files.copy(file, to.resolve(file.getFileName()));
    }
  }

  private static List<Problem> warnings(Report report) {
    return report.problems().stream()
        .filter(p -> p.severity() == Problem.Severity.WARNING)
        .toList();
  }

  private static Quantizer resuming() {
    return Quantizer.create().withResume(true);
  }

  private Report resume() {
    return resuming().quantize(ModelInput.of(input), INT8, target, false);
  }

  private void assertComplete(Report report, int resumed) throws IOException {
    assertThat(contents(target)).isEqualTo(expected);
    assertThat(list(target.getParent())).containsExactly(target);
    assertThat(report.weights()).isEqualTo(whole.weights());
    assertThat(report.problems().toString())
        .contains("resumed: " + resumed + " of " + LAYERS + " weights were finished");
    assertThat(Quantizer.create().verify(target, Optional.of(ModelInput.of(input))).sound())
        .isTrue();
  }

  @Test
  void goesOnWithWhatIsFinishedAndGivesTheSameBytes() throws IOException {
    Path left = interrupted(2);
    Report report = resume();
    assertThat(left).doesNotExist();
    assertComplete(report, 2);
  }

  @Test
  void finishedShardsAreNotQuantizedAgain() throws IOException {
    interrupted(3);
    List<String> touched = new java.util.concurrent.CopyOnWriteArrayList<>();
    Report report =
        resuming()
            .withProgress((stage, done, total, subject) -> touched.add(subject))
            .quantize(ModelInput.of(input), INT8, target, false);
    assertThat(touched).contains("l3.weight", "l4.weight", "l4.bias");
    assertThat(touched).doesNotContain("l0.weight", "l1.weight", "l2.weight", "l2.bias");
    assertComplete(report, 3);
  }

  @Test
  void aLineThatWasCutOffCountsAsNotThere() throws IOException {
    Path journal = interrupted(2).resolve(".quant-journal");
    String text = Files.readString(journal);
    Files.writeString(journal, text.substring(0, text.length() - 7));
    assertComplete(resume(), 1);
  }

  @Test
  void aDamagedShardIsMadeAnew() throws IOException {
    Path shard = interrupted(2).resolve("model-00002-of-00005.safetensors");
    byte[] bytes = Files.readAllBytes(shard);
    bytes[bytes.length - 3] ^= 1;
    Files.write(shard, bytes);
    Report report = resume();
    assertComplete(report, 1);
    assertThat(report.problems().toString())
        .contains("made anew: model-00002-of-00005.safetensors, which is not as");
  }

  /** What lies in a temporary directory may have been put there by somebody else. */
  @Test
  @DisabledOnOs(value = OS.WINDOWS, disabledReason = "links need a privilege")
  void aShardThatIsALinkIsMadeAnew() throws IOException {
    Path shard = interrupted(2).resolve("model-00002-of-00005.safetensors");
    Path elsewhere = Files.move(shard, folder.resolve("elsewhere"));
    byte[] before = Files.readAllBytes(elsewhere);
    Files.createSymbolicLink(shard, elsewhere);
    assertComplete(resume(), 1);
    assertThat(target.resolve("model-00002-of-00005.safetensors"))
        .matches(f -> Files.isRegularFile(f, LinkOption.NOFOLLOW_LINKS));
    assertThat(elsewhere).hasBinaryContent(before);
  }

  @Test
  @DisabledOnOs(value = OS.WINDOWS, disabledReason = "links need a privilege")
  void aJournalThatIsALinkIsNotWrittenTo() throws IOException {
    Path journal = interrupted(2).resolve(".quant-journal");
    Path elsewhere = Files.move(journal, folder.resolve("elsewhere"));
    byte[] before = Files.readAllBytes(elsewhere);
    Files.createSymbolicLink(journal, elsewhere);
    resume();
    assertThat(contents(target)).isEqualTo(expected);
    assertThat(elsewhere).hasBinaryContent(before);
    assertThat(list(target.getParent())).containsExactly(target);
  }

  @Test
  void aJournalWithoutALineStartsFromNothing() throws IOException {
    Path journal = interrupted(1).resolve(".quant-journal");
    Files.writeString(journal, "{\"ru");
    Report report = resume();
    assertThat(contents(target)).isEqualTo(expected);
    assertThat(warnings(report)).isEmpty();
  }

  @Test
  void nothingToResumeIsAnOrdinaryRun() throws IOException {
    assertThat(warnings(resume())).isEmpty();
    assertThat(contents(target)).isEqualTo(expected);
  }

  @Test
  void withoutResumeWhatIsLeftIsRemoved() throws IOException {
    interrupted(2);
    Report report = Quantizer.create().quantize(ModelInput.of(input), INT8, target, false);
    assertThat(warnings(report)).isEmpty();
    assertThat(report.problems().toString())
        .contains("removed: .out.quant-", "a killed run had left");
    assertThat(contents(target)).isEqualTo(expected);
    assertThat(list(target.getParent())).containsExactly(target);
  }

  private void assertRefused(QuantizationConfig config, String... mentions) throws IOException {
    Map<String, String> before = contents(target.getParent());
    assertThatThrownBy(() -> resuming().quantize(ModelInput.of(input), config, target, false))
        .isInstanceOf(OutputException.class)
        .hasMessageContainingAll(mentions)
        .hasMessageContaining("start anew without --resume");
    assertThat(contents(target.getParent())).isEqualTo(before);
  }

  @Test
  void anotherConfigurationIsRefusedWithTheDifference() throws IOException {
    interrupted(2);
    QuantizationConfig keep =
        INT8.overrideWith(QuantizationConfig.builder().nonFinite(NonFinitePolicy.KEEP).build());
    assertRefused(keep, "monoquant.config: non_finite was", "fail", "keep");
    QuantizationConfig group =
        INT8.overrideWith(
            QuantizationConfig.builder()
                .granularity(dev.monoquant.tile.Granularity.group(16))
                .build());
    assertRefused(group, "monoquant.config: weights was", "group_size");
    assertComplete(resume(), 2);
  }

  @Test
  void anotherInputIsRefusedWithTheDifference() throws IOException {
    interrupted(2);
    Path shard = input.resolve("model-00001-of-00005.safetensors");
    byte[] bytes = Files.readAllBytes(shard);
    byte[] changed = bytes.clone();
    changed[changed.length - 1] ^= 1;
    Files.write(shard, changed);
    assertRefused(INT8, "the hash of input model-00001-of-00005.safetensors was");
    Files.write(shard, bytes);
    assertComplete(resume(), 2);
  }

  /** The bytes would be the same, but no hash of one kind shows it. */
  @Test
  void otherHashesAndNoneAreRefused() throws IOException {
    interrupted(2);
    Quantizer resuming = resuming();
    assertThatThrownBy(
            () ->
                resuming
                    .withHashing(Hashing.ALL)
                    .quantize(ModelInput.of(input), INT8, target, false))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("cannot be resumed: the hashes was");
    assertThatThrownBy(
            () ->
                resuming
                    .withHashing(Hashing.NONE)
                    .quantize(ModelInput.of(input), INT8, target, false))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("a run without hashes cannot be resumed");
    assertComplete(resume(), 2);
  }

  /** The same files, read in another way. */
  @Test
  void anotherReadingIsRefusedWithTheDifference() throws IOException {
    InputFormatDetector choosy =
        new ForwardingDetector(Plugins.load().inputFormat("model-directory")) {
          @Override
          public String id() {
            return "test/choosy";
          }

          @Override
          public List<OptionSpec<?>> options() {
            return List.of(OptionSpec.integer("choice", 0, 0, 9, "What to take of it"));
          }
        };
    Quantizer reading =
        Quantizer.create()
            .withPlugins(Plugins.load().with(choosy))
            .withInputFormat("test/choosy")
            .withResume(true);
    Path left = interrupted(2, reading.withResume(false).withInputOption("choice", "1"));
    Map<String, String> before = contents(target.getParent());
    for (Quantizer other : List.of(reading, reading.withInputOption("choice", "2"))) {
      assertThatThrownBy(() -> other.quantize(ModelInput.of(input), INT8, target, false))
          .isInstanceOf(OutputException.class)
          .hasMessageContaining("monoquant.reading: options: choice was");
    }
    assertThat(contents(target.getParent())).isEqualTo(before);
    Report report =
        reading.withInputOption("choice", "01").quantize(ModelInput.of(input), INT8, target, false);
    assertThat(left).doesNotExist();
    assertThat(report.problems().toString()).contains("resumed: 2 of " + LAYERS);
  }

  @Test
  void anotherVersionIsRefusedWithTheDifference() throws IOException {
    Path journal = interrupted(2).resolve(".quant-journal");
    Files.writeString(
        journal,
        Files.readString(journal).replaceFirst("\"monoquant [^\"]*\"", "\"monoquant 0.0.1\""));
    assertRefused(INT8, "monoquant.tool was \"monoquant 0.0.1\" and is");
  }

  @Test
  void aSingleFileCannotBeResumed() {
    assertThatThrownBy(
            () ->
                resuming()
                    .quantize(ModelInput.of(input), INT8, folder.resolve("q.safetensors"), false))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("a single file is written in one go");
  }
}
