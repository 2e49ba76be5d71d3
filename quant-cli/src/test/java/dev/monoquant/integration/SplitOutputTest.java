package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ConfigurationException;
import dev.monoquant.NonFinitePolicy;
import dev.monoquant.OutputException;
import dev.monoquant.QuantException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.ValidationException;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.control.Output;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.split.SplitPlan;
import dev.monoquant.core.split.SplitPlanJson;
import dev.monoquant.spi.Hashing;
import dev.monoquant.spi.ModelInput;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Outputs written in units have the bytes of a single run, and nothing else is ever joined. */
class SplitOutputTest {

  @TempDir private Path folder;
  private Path input = Path.of("");

  @BeforeEach
  void model() throws IOException {
    if (folder != null) {
      input = Checkpoint.directory(folder.resolve("in"), 3, 4, 128);
    }
  }

  private static SplitPlan split(
      Quantizer quantizer, Path input, Path target, QuantizationConfig config, int units) {
    SplitPlan plan =
        quantizer.units().plan(ModelInput.of(input), new Output(target, config), units, false);
    SplitPlan read = SplitPlanJson.parse(SplitPlanJson.write(plan), "plan.json");
    assertThat(read).isEqualTo(plan);
    assertThat(SplitPlanJson.id(read)).isEqualTo(SplitPlanJson.id(plan));
    return read;
  }

  @Property(tries = 40)
  void theBytesAreThoseOfOneRun(@ForAll Random random) throws IOException {
    Path place = Files.createTempDirectory("split");
    try {
      Path model = SeveralOutputsTest.model(place.resolve("model.safetensors"), random);
      Files.writeString(place.resolve("config.json"), "{\"architectures\":[\"Test\"]}");
      boolean directory = random.nextBoolean();
      QuantizationConfig config = SeveralOutputsTest.config(random, directory);
      String name = directory ? "out" : "out.safetensors";
      Path alone = Files.createDirectory(place.resolve("alone"));
      Path together = Files.createDirectory(place.resolve("together"));
      Quantizer quantizer =
          Quantizer.create()
              .withSync(false)
              .withHashing(random.nextBoolean() ? Hashing.ALL : Hashing.OUTPUTS)
              .withThreads(1 + random.nextInt(4));
      Report whole;
      try {
        whole = quantizer.quantize(ModelInput.of(model), config, alone.resolve(name), false);
      } catch (QuantException refused) {
        assertThatThrownBy(() -> split(quantizer, model, together.resolve(name), config, 1))
            .isInstanceOf(QuantException.class);
        assertThat(together).isEmptyDirectory();
        return;
      }
      int units = 1 + random.nextInt(3);
      SplitPlan plan = split(quantizer, model, together.resolve(name), config, units);
      List<Integer> order = new ArrayList<>();
      for (int unit = 0; unit < units; unit++) {
        order.add(unit);
      }
      Collections.shuffle(order, random);
      for (int unit : order) {
        // Neither threads nor tiles are those of the machine that planned.
        Quantizer.create()
            .withSync(false)
            .withThreads(1 + random.nextInt(4))
            .withTileElements(1 + random.nextInt(1 << random.nextInt(16)))
            .units()
            .run(plan, unit);
      }
      Report joined = Quantizer.create().withSync(false).units().join(plan, report -> {});
      assertThat(SeveralOutputsTest.contents(together))
          .isEqualTo(SeveralOutputsTest.contents(alone));
      assertThat(joined.problems()).isEqualTo(whole.problems());
      assertThat(joined.weights())
          .extracting(w -> w.planned().weight().name() + w.errors().elements())
          .isEqualTo(
              whole.weights().stream()
                  .map(w -> w.planned().weight().name() + w.errors().elements())
                  .toList());
    } finally {
      SeveralOutputsTest.delete(place);
    }
  }

  private static final QuantizationConfig INT8 =
      QuantizationConfig.builder().scheme("int8").build();

  private SplitPlan plan(String name, int units) {
    return split(Quantizer.create(), input, folder.resolve(name), INT8, units);
  }

  private void complete(SplitPlan plan) {
    for (int unit = 0; unit < plan.units().size(); unit++) {
      Quantizer.create().units().run(plan, unit);
    }
  }

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void aGgufFileIsWrittenInUnits() throws IOException, URISyntaxException {
    Path model = Path.of(getClass().getResource("/gguf/tiny-f16.gguf").toURI());
    QuantizationConfig q8 = QuantizationConfig.builder().scheme("ggml/q8-0").build();
    Path alone = folder.resolve("alone.gguf");
    Quantizer.create().quantize(ModelInput.of(model), q8, alone, false);
    SplitPlan plan = split(Quantizer.create(), model, folder.resolve("out.gguf"), q8, 4);
    complete(plan);
    Quantizer.create().units().join(plan, report -> {});
    assertThat(folder.resolve("out.gguf")).hasSameBinaryContentAs(alone);
    assertThat(
            Quantizer.create().verify(folder.resolve("out.gguf"), Optional.empty()).differences())
        .isEmpty();
  }

  @Test
  void whatSharesARangeIsInOneUnit() throws IOException {
    Path model = SeveralOutputsTest.model(folder.resolve("model.safetensors"), new Random(5));
    Files.writeString(folder.resolve("config.json"), "{\"architectures\":[\"Test\"]}");
    QuantizationConfig config = QuantizationConfig.builder().scheme("NVFP4A16").build();
    Path alone = folder.resolve("alone");
    Quantizer.create().quantize(ModelInput.of(model), config, alone, false);
    SplitPlan plan = split(Quantizer.create(), model, folder.resolve("out"), config, 3);
    assertThat(plan.units())
        .filteredOn(u -> u.tensors().stream().anyMatch(t -> t.matches("layers.0.*[qkv]_proj.*")))
        .hasSize(1);
    complete(plan);
    Quantizer.create().units().join(plan, report -> {});
    assertThat(SeveralOutputsTest.contents(folder.resolve("out")))
        .isEqualTo(SeveralOutputsTest.contents(alone));
  }

  @Test
  void unitsWriteOnlyTheirRanges() throws IOException {
    SplitPlan plan = plan("out.safetensors", 4);
    long header = plan.bytes() - plan.units().stream().mapToLong(SplitPlan.Unit::written).sum();
    List<SplitPlan.Range> ranges = new ArrayList<>();
    plan.units().forEach(unit -> ranges.addAll(unit.ranges().get("")));
    ranges.sort((a, b) -> Long.compare(a.offset(), b.offset()));
    long at = header;
    for (SplitPlan.Range range : ranges) {
      assertThat(range.offset()).isEqualTo(at);
      at += range.length();
    }
    assertThat(at).isEqualTo(plan.bytes());
    long most = plan.units().stream().mapToLong(u -> u.read() + u.written()).max().orElseThrow();
    long all = plan.units().stream().mapToLong(u -> u.read() + u.written()).sum();
    assertThat(most).isLessThan(all / 2);
  }

  @Test
  void nothingIsJoinedUntilAllUnitsAreWritten() throws IOException {
    SplitPlan plan = plan("out", 3);
    Quantizer.create().units().run(plan, 1);
    assertThatThrownBy(() -> Quantizer.create().units().join(plan, report -> {}))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("units that are not complete: 0, 2 of 3");
    assertThat(names())
        .contains(".out.quant-parts-" + SplitPlanJson.id(plan))
        .doesNotContain("out");
    complete(plan);
    Quantizer.create().units().join(plan, report -> {});
    assertThat(names()).containsExactly("in", "out");
  }

  @Test
  void anInputThatChangedIsRefused() throws IOException {
    SplitPlan plan = plan("out", 2);
    Path shard;
    try (Stream<Path> files = Files.list(input)) {
      shard = files.filter(f -> f.toString().endsWith(".safetensors")).sorted().toList().get(0);
    }
    Quantizer.create().units().run(plan, 0);
    FileTime planned = Files.getLastModifiedTime(shard);
    Files.setLastModifiedTime(shard, FileTime.from(Instant.parse("2020-01-01T00:00:00Z")));
    assertThatThrownBy(() -> Quantizer.create().units().run(plan, 1))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("input " + shard.getFileName() + " was ")
        .hasMessageContaining("and is ")
        .hasMessageContaining("2020-01-01T00:00:00Z");
    Files.setLastModifiedTime(shard, planned);
    Quantizer.create().units().run(plan, 1);
    Files.write(shard, new byte[Math.toIntExact(Files.size(shard)) + 1]);
    Files.setLastModifiedTime(shard, planned);
    assertThatThrownBy(() -> Quantizer.create().units().join(plan, report -> {}))
        .isInstanceOf(QuantException.class);
    assertThat(names()).doesNotContain("out");
  }

  @Test
  void anotherVersionOrConfigurationIsRefusedWithTheFirstDifference() {
    SplitPlan plan = plan("out", 2);
    assertRefused(
        SplitPlanJson.write(plan).replaceFirst("\"version\":\"[^\"]*\"", "\"version\":\"0.0.1\""),
        "version was \"0.0.1\" when it was planned, and is ");
    assertRefused(
        SplitPlanJson.write(plan)
            .replace("\"recipe\":{\"scheme\":\"int8\"}", "\"recipe\":{\"scheme\":\"fp8\"}"),
        "monoquant.config was ");
    assertRefused(
        SplitPlanJson.write(plan).replaceFirst("\"places\":\"[^\"]*\"", "\"places\":\"0\""),
        "places was \"0\"");
  }

  /** What a unit reads and writes is compared too, so that a plan cannot say it by itself. */
  @Test
  void unitsThatWereEditedAreRefusedAndWriteNothing() throws IOException {
    SplitPlan plan = plan("out", 3);
    String json = SplitPlanJson.write(plan);
    SplitPlan.Unit first = plan.unit(0);
    String tensor = "\"" + first.tensors().get(0) + "\"";
    String file = first.ranges().firstKey();
    SplitPlan.Range range = first.ranges().get(file).get(0);
    String ranges = "\"" + file + "\":[" + range.offset() + "," + range.length();
    assertThat(json).contains(ranges).contains("\"tensors\":[" + tensor);
    List<String> before = names();
    // A tensor of another unit, one twice, one that is unknown, one that is gone.
    String other = plan.unit(1).tensors().get(0);
    assertRefused(
        json.replaceFirst(tensor, "\"" + other + "\""), "unit 0: tensor 0 was \"" + other);
    assertRefused(json.replaceFirst(tensor, tensor + "," + tensor), "unit 0: tensor 1 was ");
    assertRefused(json.replaceFirst(tensor, "\"x\""), "unit 0: tensor 0 was \"x\"");
    assertRefused(
        json.replace("\"tensors\":[" + tensor + ",", "\"tensors\":["), "unit 0: tensor 0 was ");
    // A unit twice, and one too few.
    String line = json.lines().filter(l -> l.contains(tensor)).findFirst().orElseThrow();
    assertRefused(json.replace(line, line + "\n" + line), "unit 0: tensor ");
    assertRefused(json.replace(line + "\n", ""), "unit 0: tensor 0 was ");
    // Files outside of the output, other places, sizes and pieces.
    assertRefused(json.replace(ranges, "\"../../evil\":[0,1"), "unit 0: ranges of ../../evil was ");
    assertRefused(json.replace(ranges, "\"/tmp/evil\":[0,1"), "unit 0: ranges of /tmp/evil was ");
    assertRefused(
        json.replace(ranges, "\"" + file + "\":[9007199254740991," + range.length()),
        "unit 0: ranges of " + file + " was \"[Range[offset=9007199254740991,");
    assertRefused(
        json.replaceFirst("\"read\":" + first.read(), "\"read\":1"),
        "unit 0: bytes read was \"1\"");
    assertRefused(
        json.replaceFirst("\"written\":" + first.written(), "\"written\":0"),
        "unit 0: bytes written was \"0\"");
    assertRefused(
        json.replaceFirst("(\"hashes\":\\{\"[^\"]*\":\\[)[0-9]+", "$17"), "unit 0: pieces of ");
    long size = plan.files().get(file);
    assertRefused(json.replace("\"" + file + "\":" + size, "\"x\":" + size), "size of ");
    assertThat(names()).isEqualTo(before);
    complete(plan);
    Quantizer.create().units().join(plan, report -> {});
  }

  private static void assertRefused(String json, String difference) {
    SplitPlan other = SplitPlanJson.parse(json, "plan.json");
    assertThatThrownBy(() -> Quantizer.create().units().run(other, 0))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining(difference);
  }

  @Test
  void aPlanThatIsDamagedIsRefused() {
    String json = SplitPlanJson.write(plan("out", 2));
    for (String damaged :
        List.of(
            "",
            "[]",
            json.substring(0, json.length() / 2),
            json.replace("\"split\": 1", "\"split\": 2"),
            json.replace("\"overwrite\":false", "\"overwrite\":0"),
            json.replace("\"read\":", "\"reads\":"),
            json.replaceFirst("\"read\":", "\"read\":-"),
            json.replaceFirst("\"written\":", "\"written\":99999999999999999999"),
            json.replaceFirst("\"read\":[0-9]*", "\"read\":1e3000000000"),
            json.replaceFirst("(?s)\"units\": \\[.*", "\"units\": []}"),
            json.replaceFirst("\"ranges\":\\{([^\\[]*)\\[", "\"ranges\":{$1[7,"))) {
      assertThatThrownBy(() -> SplitPlanJson.parse(damaged, "plan.json"))
          .as(damaged.length() + " characters")
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("plan.json");
    }
  }

  @Test
  void whatCannotBePlannedFromHeadersIsRefused() throws IOException {
    Quantizer quantizer = Quantizer.create();
    QuantizationConfig keep =
        QuantizationConfig.builder().scheme("int8").nonFinite(NonFinitePolicy.KEEP).build();
    Path target = folder.resolve("out");
    assertThatThrownBy(() -> split(quantizer, input, target, keep, 2))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("--non-finite keep");
    assertThatThrownBy(() -> split(quantizer, input, target, INT8, 1000))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("--split 1000: 1 to ");
    assertThatThrownBy(() -> split(quantizer.withHashing(Hashing.NONE), input, target, INT8, 2))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("--hash none");
    Path script = Digits.CNN.script("traced");
    assertThatThrownBy(() -> split(quantizer, script, folder.resolve("out.pt"), INT8, 2))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("are written by one run");
    SplitPlan plan = plan("out.safetensors", 2);
    assertThatThrownBy(() -> Quantizer.create().units().run(plan, 2))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("units 0 to 1");
    assertThat(names()).doesNotContain("out", "out.pt");
  }

  @Test
  void aGateThatIsMissedLeavesTheUnits() throws IOException {
    SplitPlan plan = plan("out", 2);
    complete(plan);
    assertThatThrownBy(() -> Quantizer.create().withMinSqnr(90).units().join(plan, report -> {}))
        .isInstanceOf(ValidationException.class);
    assertThat(names())
        .contains(".out.quant-parts-" + SplitPlanJson.id(plan))
        .doesNotContain("out");
    Quantizer.create().units().join(plan, report -> {});
    assertThat(names()).containsExactly("in", "out");
  }

  @Test
  void aGateOnTheSpeedIsMissedSinceNothingRuns() {
    SplitPlan plan = plan("out", 2);
    complete(plan);
    Quantizer gated = Quantizer.create().withMinSpeedup(1.5);
    assertThatThrownBy(() -> gated.units().join(plan, report -> {}))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("was not compared");
    assertThat(folder.resolve("out")).doesNotExist();
  }

  @Test
  void anExistingOutputIsReplacedOnlyIfItWasPlanned() throws IOException {
    Path target = folder.resolve("out");
    Quantizer.create()
        .quantize(
            ModelInput.of(input),
            QuantizationConfig.builder().scheme("int4").build(),
            target,
            false);
    assertThatThrownBy(() -> plan("out", 2))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("exists");
    SplitPlan plan =
        Quantizer.create().units().plan(ModelInput.of(input), new Output(target, INT8), 2, true);
    complete(plan);
    Quantizer.create().units().join(plan, report -> {});
    Path alone = folder.resolve("alone");
    Quantizer.create().quantize(ModelInput.of(input), INT8, alone, false);
    assertThat(SeveralOutputsTest.contents(target)).isEqualTo(SeveralOutputsTest.contents(alone));
    assertThat(names()).containsExactly("alone", "in", "out");
  }
}
