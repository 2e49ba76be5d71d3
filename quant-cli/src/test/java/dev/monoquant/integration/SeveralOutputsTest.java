package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.Problem;
import dev.monoquant.QuantException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.RaggedGroupPolicy;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.control.Output;
import dev.monoquant.core.control.SampleInputs;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.report.Reports;
import dev.monoquant.spi.ModelInput;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each of several outputs of one pass has the bytes of a run of its own, with all real plugins. */
class SeveralOutputsTest {

  private static final List<String> SCHEMES =
      List.of(
          "int8",
          "int4",
          "int3",
          "int2",
          "fp8",
          "bfloat16",
          "W4A16",
          "W8A8",
          "FP8_DYNAMIC",
          "FP8_BLOCK",
          "NVFP4A16",
          "MXFP4A16");

  /** A format of directories, and a scheme that it can hold. */
  private record Convention(String format, String scheme) {}

  private static final List<Convention> CONVENTIONS =
      List.of(
          new Convention("gptq", "W4A16"),
          new Convention("awq", "W4A16_ASYM"),
          new Convention("fp8", "FP8_BLOCK"));

  private static final List<String> TYPES = List.of("F32", "BF16", "F16");
  private static final List<Integer> SIZES = List.of(16, 32, 48, 128, 256);

  private record Case(String name, QuantizationConfig config) {}

  @Property(tries = 60)
  void theBytesOfEachAreThoseOfARunOfItsOwn(@ForAll Random random) throws IOException {
    Path folder = Files.createTempDirectory("several");
    try {
      Path input = model(folder.resolve("model.safetensors"), random);
      Files.writeString(folder.resolve("config.json"), "{\"architectures\":[\"Test\"]}");
      Quantizer quantizer =
          Quantizer.create()
              .withSync(false)
              .withThreads(1 + random.nextInt(4))
              .withTileElements(1 + random.nextInt(1 << random.nextInt(16)));
      List<Case> cases = new ArrayList<>();
      int count = 2 + random.nextInt(3);
      for (int i = 0; i < count; i++) {
        boolean directory = random.nextBoolean();
        cases.add(new Case("o" + i + (directory ? "" : ".safetensors"), config(random, directory)));
      }
      Path alone = Files.createDirectory(folder.resolve("alone"));
      List<Case> sound = new ArrayList<>();
      for (Case one : cases) {
        try {
          quantizer.quantize(ModelInput.of(input), one.config(), alone.resolve(one.name()), false);
          sound.add(one);
        } catch (QuantException refused) {
          assertThat(refused).hasMessageNotContaining("internal");
        }
      }
      Path together = Files.createDirectory(folder.resolve("together"));
      if (sound.size() < cases.size()) {
        assertThatThrownBy(() -> quantize(quantizer, input, cases, together))
            .isInstanceOf(QuantException.class);
        assertThat(contents(together)).isEmpty();
      }
      if (!sound.isEmpty()) {
        assertThat(quantize(quantizer, input, sound, together).outputs()).hasSameSizeAs(sound);
        assertThat(contents(together)).isEqualTo(contents(alone));
      }
    } finally {
      delete(folder);
    }
  }

  private static Reports quantize(Quantizer quantizer, Path input, List<Case> cases, Path folder) {
    List<Output> outputs =
        cases.stream().map(c -> new Output(folder.resolve(c.name()), c.config())).toList();
    return quantizer.quantize(ModelInput.of(input), outputs, false, reports -> {});
  }

  static QuantizationConfig config(Random random, boolean directory) {
    QuantizationConfig.Builder config = QuantizationConfig.builder();
    if (directory && random.nextInt(3) == 0) {
      Convention convention = pick(random, CONVENTIONS);
      config.format(convention.format()).scheme(convention.scheme());
    } else {
      config.scheme(pick(random, SCHEMES));
    }
    config.raggedGroups(RaggedGroupPolicy.KEEP).allowPartialFamilies(true);
    if (random.nextInt(4) == 0) {
      config.exclude("layers.0.*");
    }
    return config.build();
  }

  private static <T> T pick(Random random, List<T> values) {
    return values.get(random.nextInt(values.size()));
  }

  /** Layers with families, biases and norms, of random types and sizes. */
  static Path model(Path path, Random random) throws IOException {
    StringBuilder header = new StringBuilder("{");
    List<byte[]> data = new ArrayList<>();
    int at = 0;
    int layers = 1 + random.nextInt(2);
    String type = pick(random, TYPES);
    int columns = pick(random, List.of(48, 128, 128, 256));
    for (int i = 0; i < layers; i++) {
      for (String name : List.of("q_proj", "k_proj", "v_proj", "o_proj", "norm")) {
        boolean norm = name.equals("norm");
        int rows = norm ? 1 : pick(random, SIZES);
        byte[] bytes = numbers(random, type, rows * columns);
        String shape = norm ? "[" + columns + "]" : "[" + rows + "," + columns + "]";
        header
            .append(header.length() == 1 ? "\"" : ",\"")
            .append("layers." + i + ".self_attn." + name + ".weight\":{\"dtype\":\"" + type)
            .append("\",\"shape\":" + shape + ",\"data_offsets\":[" + at + ",");
        at += bytes.length;
        header.append(at).append("]}");
        data.add(bytes);
      }
    }
    byte[] text = header.append('}').toString().getBytes(StandardCharsets.UTF_8);
    ByteBuffer file = ByteBuffer.allocate(8 + text.length + at).order(ByteOrder.LITTLE_ENDIAN);
    file.putLong(text.length).put(text);
    data.forEach(file::put);
    return Files.write(path, file.array());
  }

  private static byte[] numbers(Random random, String type, int count) {
    ByteBuffer bytes =
        ByteBuffer.allocate(count * (type.equals("F32") ? 4 : 2)).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < count; i++) {
      float value = (float) random.nextGaussian() / 10;
      switch (type) {
        case "F32" -> bytes.putFloat(value);
        case "BF16" -> bytes.putShort((short) (Float.floatToRawIntBits(value) >>> 16));
        // Sign, exponents of 2^-7 to 2^0, and any fraction.
        default ->
            bytes.putShort(
                (short)
                    (random.nextInt(2) << 15
                        | (8 + random.nextInt(8)) << 10
                        | random.nextInt(1024)));
      }
    }
    return bytes.array();
  }

  static Map<String, String> contents(Path folder) throws IOException {
    Map<String, String> contents = new TreeMap<>();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        contents.put(
            folder.relativize(file).toString(),
            Files.readString(file, StandardCharsets.ISO_8859_1));
      }
    }
    return contents;
  }

  static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  @TempDir private Path folder;

  @Test
  void aScaleThatAFamilySharesIsThatOfTheFamilyInEachOutput() throws IOException {
    Random random = new Random(5);
    Path input = model(folder.resolve("model.safetensors"), random);
    Files.writeString(folder.resolve("config.json"), "{\"architectures\":[\"Test\"]}");
    QuantizationConfig all = QuantizationConfig.builder().scheme("NVFP4A16").build();
    Path alone = Files.createDirectory(folder.resolve("alone"));
    Path together = Files.createDirectory(folder.resolve("together"));
    List<Case> cases = new ArrayList<>(List.of(new Case("all", all)));
    for (String layer : List.of("q_proj", "k_proj", "v_proj")) {
      QuantizationConfig.Builder without =
          QuantizationConfig.builder().scheme("NVFP4A16").allowPartialFamilies(true);
      cases.add(new Case(layer, without.exclude("*." + layer).build()));
    }
    for (Case one : cases) {
      Quantizer.create()
          .quantize(ModelInput.of(input), one.config(), alone.resolve(one.name()), false);
    }
    quantize(Quantizer.create(), input, cases, together);
    assertThat(contents(together)).isEqualTo(contents(alone));
  }

  @Test
  void aModelThatRunsIsOneOfSeveral() throws IOException {
    Path input = Digits.CNN.script("traced");
    QuantizationConfig config = QuantizationConfig.builder().scheme("int8").build();
    QuantizationConfig small =
        QuantizationConfig.builder().scheme("int8").option("small", "0").build();
    Quantizer quantizer =
        Quantizer.create()
            .withSync(false)
            .withMinCosine(0.9)
            .withSamples(List.of(SampleInputs.of(Digits.CNN.testData())));
    Reports reports =
        quantizer.quantize(
            ModelInput.of(input),
            List.of(
                new Output(folder.resolve("a.pt"), small),
                new Output(folder.resolve("b.safetensors"), config),
                new Output(folder.resolve("c.pt"), config)),
            false,
            ignored -> {});
    assertThat(reports.outputs())
        .extracting(entry -> entry.report().run().isPresent())
        .containsExactly(true, false, true);
    assertThat(reports.accepted()).isTrue();
    Path alone = Files.createDirectory(folder.resolve("alone"));
    Report own = quantizer.quantize(ModelInput.of(input), small, alone.resolve("a.pt"), false);
    Quantizer.create()
        .quantize(ModelInput.of(input), config, alone.resolve("b.safetensors"), false);
    for (String name : List.of("a.pt", "b.safetensors")) {
      assertThat(folder.resolve(name)).hasSameBinaryContentAs(alone.resolve(name));
    }
    assertThat(reports.outputs().get(0).report().gates())
        .extracting(gate -> gate.name())
        .isEqualTo(own.gates().stream().map(gate -> gate.name()).toList());
    assertThat(reports.outputs().get(1).report().gates()).isEmpty();
  }

  @Test
  void aRefusedModelThatRunsRefusesAll() throws IOException {
    Path input = Digits.CNN.script("traced");
    QuantizationConfig config = QuantizationConfig.builder().scheme("int8").build();
    assertThatThrownBy(
            () ->
                Quantizer.create()
                    .withMinSqnr(200)
                    .withSamples(List.of(SampleInputs.of(Digits.CNN.testData())))
                    .quantize(
                        ModelInput.of(input),
                        List.of(
                            new Output(folder.resolve("b.safetensors"), config),
                            new Output(folder.resolve("c.pt"), config)),
                        false,
                        ignored -> {}))
        .hasMessageContaining("b.safetensors: gate missed")
        .hasMessageContaining("c.pt: gate missed");
    assertThat(contents(folder)).isEmpty();
  }

  @Test
  void interruptedOutputsAreResumedTogether() throws IOException {
    Path input = Checkpoint.directory(folder.resolve("in"), 1, 4, 32);
    QuantizationConfig int8 = QuantizationConfig.builder().scheme("int8").build();
    QuantizationConfig fp8 = QuantizationConfig.builder().scheme("FP8_DYNAMIC").build();
    Path place = Files.createDirectory(folder.resolve("place"));
    Path left = Files.createDirectory(folder.resolve("left"));
    List<Output> outputs =
        List.of(new Output(place.resolve("a"), int8), new Output(place.resolve("b"), fp8));
    Quantizer.create()
        .withThreads(1)
        .withProgress(
            (stage, done, total, subject) -> {
              // Files are finished in the background, so there is something to wait for.
              if (subject.startsWith("l2.") && isEmpty(left) && awaitJournals(place)) {
                copyLeft(place, left);
              }
            })
        .quantize(ModelInput.of(input), outputs, false, reports -> {});
    Map<String, String> whole = contents(place);
    delete(place);
    Files.move(left, place);
    Reports reports =
        Quantizer.create()
            .withResume(true)
            .quantize(ModelInput.of(input), outputs, false, ignored -> {});
    for (Reports.Entry entry : reports.outputs()) {
      assertThat(entry.report().problems()).extracting(Problem::subject).contains("resumed");
    }
    assertThat(contents(place)).isEqualTo(whole);
  }

  /** Waits until both outputs have a finished file. */
  private static boolean awaitJournals(Path place) {
    try {
      for (int i = 0; i < 100; i++) {
        int finished = 0;
        try (Stream<Path> files = Files.walk(place)) {
          for (Path file : files.filter(f -> f.endsWith(".quant-journal")).toList()) {
            finished += Files.readAllLines(file).size() > 1 ? 1 : 0;
          }
        }
        if (finished == 2) {
          return true;
        }
        Thread.sleep(50);
      }
      return false;
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static boolean isEmpty(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return files.findAny().isEmpty();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Copies what a killed run leaves, under the name of a process that is no more. */
  private static void copyLeft(Path from, Path to) {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        String name =
            from.relativize(file).toString().replaceAll("quant-\\d+-", "quant-999999999999-");
        if (!name.isEmpty() && !name.endsWith(".quant-lock")) {
          if (Files.isDirectory(file)) {
            Files.createDirectory(to.resolve(name));
          } else {
            Files.copy(file, to.resolve(name));
          }
        }
      }
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
