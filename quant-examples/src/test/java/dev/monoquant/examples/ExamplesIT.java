package dev.monoquant.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The jars that the examples have become are used by the application, as the guides say. */
class ExamplesIT {

  private static final Path BUILT = Guides.ROOT.resolve("quant-examples/target/examples");
  private static final Path QUANT = Guides.ROOT.resolve("quant-cli/target/quant");
  private static final Path MODEL = Guides.ROOT.resolve("examples/models/digits-cnn.safetensors");

  @TempDir private Path folder;

  @Test
  void theCommandsOfTheSchemeGuideWork() throws Exception {
    assumeThat(Path.of("/bin/sh")).as("a POSIX shell").isExecutable();
    Files.copy(MODEL, folder.resolve("model.safetensors"));
    Files.createDirectory(folder.resolve("target"));
    String jar = "target/power-of-two-1.0.0.jar";
    Files.copy(BUILT.resolve("power-of-two").resolve(jar), folder.resolve(jar));
    List<String> commands =
        new ArrayList<>(Guides.commands(Guides.ROOT.resolve("docs/write-a-scheme.md")));
    // What the build of the examples has done already, or ArchetypeIT does.
    assertThat(commands.remove(0)).startsWith("mvn -B archetype:generate ");
    assertThat(commands.remove(0)).isEqualTo("mvn -B -ntp verify");
    assertThat(commands).hasSize(4);
    for (String command : commands) {
      assertThat(command).startsWith("quant ");
      String said = run("/bin/sh", "-c", QUANT.resolve("bin") + File.separator + command);
      assertThat(said).as(command).isNotBlank();
    }
    assertThat(folder.resolve("model-float.safetensors")).isNotEmptyFile();
  }

  /** Statistics of the traced model are used for its state dict by a method of one's own. */
  @Test
  void theCommandsOfTheMethodGuideWork() throws Exception {
    assumeThat(Path.of("/bin/sh")).as("a POSIX shell").isExecutable();
    Files.copy(MODEL, folder.resolve("model.safetensors"));
    Files.copy(MODEL.resolveSibling("digits-cnn.pt"), folder.resolve("digits-cnn.pt"));
    Files.copy(
        Guides.ROOT.resolve("quant-cli/src/test/resources/digits/cnn.test.safetensors"),
        folder.resolve("digits.safetensors"));
    Files.createDirectory(folder.resolve("target"));
    String jar = "target/coordinate-descent-1.0.0.jar";
    Files.copy(BUILT.resolve("coordinate-descent").resolve(jar), folder.resolve(jar));
    List<String> commands =
        new ArrayList<>(Guides.commands(Guides.ROOT.resolve("docs/write-a-method.md")));
    assertThat(commands.remove(0)).isEqualTo("mvn -B -ntp verify");
    assertThat(commands).hasSize(3);
    List<String> said = new ArrayList<>();
    for (String command : commands) {
      said.add(quant(command.replaceFirst("^quant ", "")));
    }
    double nearest = medianOfOutputs(said.get(2));
    assertThat(medianOfOutputs(said.get(1))).isGreaterThan(nearest + 6);
    String unknown =
        commands.get(1).replace("--calibration digits-cnn.calibration.safetensors", "");
    assertThat(quant(unknown.replaceFirst("^quant ", "") + " --force", 3))
        .contains("example/descent@1 needs a calibration: Gram matrix of its inputs");
  }

  private static double medianOfOutputs(String said) {
    Matcher sqnr = Pattern.compile("calibrated: SQNR ([0-9.]+) dB median").matcher(said);
    assertThat(sqnr.find()).as(said).isTrue();
    return Double.parseDouble(sqnr.group(1));
  }

  /** A file that does not tell which size of a matrix comes first, and a layer that is no one's. */
  @Test
  void anInputFormatAndALayerQuantizerHaveOptionsOfTheirOwn() throws Exception {
    assumeThat(Path.of("/bin/sh")).as("a POSIX shell").isExecutable();
    Path model = folder.resolve("model.flat");
    ByteBuffer file = ByteBuffer.allocate(8192).order(ByteOrder.LITTLE_ENDIAN);
    file.put("FLATMATS".getBytes(StandardCharsets.US_ASCII)).putInt(2);
    for (String name : List.of("mixer.gate", "mixer.value")) {
      file.putInt(name.length()).put(name.getBytes(StandardCharsets.US_ASCII));
      file.putInt(16).putInt(32);
    }
    for (int i = 0; i < 2 * 16 * 32; i++) {
      file.putFloat((float) Math.sin(i));
    }
    Files.write(model, Arrays.copyOf(file.array(), file.position()));
    jar("flat-format");
    jar("gated-layer");
    String plugins = " --plugin flat-format-1.0.0.jar --plugin gated-layer-1.0.0.jar";

    assertThat(quant("plugins" + plugins).replaceAll("\\s+", " "))
        .contains("--option sizes=rows-columns The order in which", "one of rows-columns, columns")
        .contains("--option value-axis=1 Which axis", "a whole number from 0 to 1");
    assertThat(quant("inspect model.flat" + plugins)).contains("16").doesNotContain("32x16");
    assertThat(quant("inspect model.flat --json --option sizes=columns-rows" + plugins))
        .containsPattern("32,\\s+16");

    List<String> commands = Guides.commands(Guides.ROOT.resolve("docs/write-an-input-format.md"));
    assertThat(commands).hasSize(1);
    assertThat(quant(commands.get(0).replaceFirst("^quant ", ""))).contains("mixer.value");
    String other =
        commands
            .get(0)
            .replaceFirst("^quant ", "")
            .replace("model-int8", "other")
            .replace("value-axis=0", "sizes=columns-rows");
    assertThat(quant(other)).contains("mixer.value");

    assertThat(metadata("model-int8.safetensors"))
        .contains("monoquant.reading", "rows-columns", "value-axis")
        .doesNotContain("columns-rows");
    assertThat(metadata("other.safetensors")).contains("\\\"sizes\\\":\\\"columns-rows\\\"");
    assertThat(quant("verify other.safetensors --against model.flat" + plugins, 4))
        .contains("mixer.gate");
    assertThat(
            quant(
                "verify other.safetensors --against model.flat --option sizes=columns-rows"
                    + plugins))
        .isNotBlank();
    assertThat(quant("compare model.flat other.safetensors --option sizes=columns-rows" + plugins))
        .contains("mixer.gate");

    assertThat(quant(commands.get(0).substring(6) + " --force --option sizes=diagonal", 2))
        .contains("input format example/flat: option sizes is \"diagonal\"", "rows-columns");
    assertThat(quant("inspect model.flat --option size=1" + plugins, 2))
        .contains("input format example/flat has no option \"size\"; did you mean sizes?");
    assertThat(quant("inspect other.safetensors --option sizes=rows-columns" + plugins, 2))
        .contains(
            "option sizes belongs to input format example/flat, and the input format is"
                + " safetensors");
    assertThat(quant("inspect model.flat --option value-axis=1" + plugins, 2))
        .contains("option value-axis belongs to layer quantizer example/gated-linear");
  }

  /** An output of a format of one's own is verified, and a change in it is found. */
  @Test
  void theCommandsOfTheOutputFormatGuideWork() throws Exception {
    assumeThat(Path.of("/bin/sh")).as("a POSIX shell").isExecutable();
    Files.copy(MODEL, folder.resolve("model.safetensors"));
    jar("slab-format");
    List<String> commands = Guides.commands(Guides.ROOT.resolve("docs/write-an-output-format.md"));
    assertThat(commands).hasSize(2);
    for (String command : commands) {
      assertThat(quant(command.replaceFirst("^quant ", ""))).as(command).isNotBlank();
    }
    Path slab = folder.resolve("model-int8.slabs/layer-00000.slab");
    byte[] bytes = Files.readAllBytes(slab);
    bytes[bytes.length - 1] ^= 1;
    Files.write(slab, bytes);
    assertThat(quant(commands.get(1).replaceFirst("^quant ", ""), 4)).contains("SHA-256");
    // Its own output may be replaced, without being claimed by another format for directories.
    quant(commands.get(0).replaceFirst("^quant ", "") + " --force");
    assertThat(quant(commands.get(1).replaceFirst("^quant ", ""))).contains("nothing differs");
  }

  /** An architecture that this project does not know, with a tokenizer of a test. */
  @Test
  void anArchitectureOfGgufFilesIsAdded() throws Exception {
    assumeThat(Path.of("/bin/sh")).as("a POSIX shell").isExecutable();
    jar("olmo-architecture");
    Path model = Files.createDirectory(folder.resolve("olmo"));
    Path tokenizer = Guides.ROOT.resolve("quant-cli/src/test/resources/gguf/transformers/qwen2");
    for (String file : List.of("tokenizer.json", "tokenizer_config.json")) {
      Files.copy(tokenizer.resolve(file), model.resolve(file));
    }
    Files.writeString(
        model.resolve("config.json"),
        "{\"architectures\":[\"Olmo2ForCausalLM\"],\"hidden_size\":32,\"intermediate_size\":64,"
            + "\"num_hidden_layers\":1,\"num_attention_heads\":2,\"vocab_size\":512,"
            + "\"max_position_embeddings\":64}");
    String header =
        "{\"model.embed_tokens.weight\":{\"dtype\":\"BF16\",\"shape\":[512,32],"
            + "\"data_offsets\":[0,32768]},\"model.layers.0.self_attn.q_norm.weight\":"
            + "{\"dtype\":\"BF16\",\"shape\":[32],\"data_offsets\":[32768,32832]}}";
    ByteBuffer file = ByteBuffer.allocate(40000).order(ByteOrder.LITTLE_ENDIAN);
    file.putLong(header.length()).put(header.getBytes(StandardCharsets.US_ASCII));
    Files.write(
        model.resolve("model.safetensors"), Arrays.copyOf(file.array(), file.position() + 32832));
    assertThat(quant("convert olmo -o olmo.gguf", 2)).contains("\"Olmo2ForCausalLM\" is not known");
    String plugin = " --plugin olmo-architecture-1.0.0.jar";
    assertThat(quant("plugins" + plugin)).contains("example/olmo2", "models: Olmo2ForCausalLM");
    quant("convert olmo -o olmo.gguf" + plugin);
    assertThat(quant("inspect olmo.gguf"))
        .contains("olmo2", "blk.0.attn_q_norm.weight", "token_embd.weight");
  }

  /** Gradle is not run: the process that its task starts is, with the same arguments. */
  @Test
  void theTaskOfTheGradleExampleWorks() throws Exception {
    String build = Guides.text(Guides.ROOT.resolve("examples/gradle-java-exec/build.gradle"));
    Path small = folder.resolve("model-int8.safetensors");
    Path report = folder.resolve("quant.html");
    List<String> command =
        new ArrayList<>(
            List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
    command.addAll(words(build, "jvmArgs "));
    command.addAll(List.of("-cp", QUANT.resolve("lib") + "/*"));
    command.addAll(words(build, "mainClass = "));
    for (String word : words(build, "args ")) {
      command.add(
          switch (word) {
            case "model" -> MODEL.toString();
            case "small.get().asFile" -> small.toString();
            case "report.get().asFile" -> report.toString();
            default -> word;
          });
    }
    assertThat(command).contains("quantize", small.toString(), report.toString());
    assertThat(run(command.toArray(String[]::new))).contains("quantized: 4 weights");
    assertThat(small).isNotEmptyFile();
    assertThat(report).content().contains("Accepted");
    command.set(command.indexOf("35"), "60");
    assertThat(run(4, command.toArray(String[]::new))).contains("gate missed");
  }

  /** What stands after a word at the start of lines, without quotes. */
  private static List<String> words(String build, String start) {
    return build
        .lines()
        .map(String::strip)
        .filter(line -> line.startsWith(start))
        .flatMap(line -> Arrays.stream(line.substring(start.length()).split(", ")))
        .map(word -> word.replace("'", ""))
        .toList();
  }

  private void jar(String example) throws IOException {
    String name = example + "-1.0.0.jar";
    Files.copy(BUILT.resolve(example).resolve("target").resolve(name), folder.resolve(name));
  }

  /** The header of a file, with what it says of itself. */
  private String metadata(String file) throws IOException {
    ByteBuffer bytes =
        ByteBuffer.wrap(Files.readAllBytes(folder.resolve(file))).order(ByteOrder.LITTLE_ENDIAN);
    int length = Math.toIntExact(bytes.getLong());
    return new String(bytes.array(), Long.BYTES, length, StandardCharsets.UTF_8);
  }

  private String quant(String arguments) throws IOException, InterruptedException {
    return quant(arguments, 0);
  }

  private String quant(String arguments, int code) throws IOException, InterruptedException {
    return run(code, "/bin/sh", "-c", QUANT.resolve("bin") + "/quant " + arguments);
  }

  @Test
  void theNamedModuleIsFoundOnTheModulePath() throws Exception {
    Path jar = BUILT.resolve("k-means/target/k-means-1.0.0.jar");
    List<String> modules = new ArrayList<>(List.of(jar.toString()));
    List<String> classes = new ArrayList<>();
    try (Stream<Path> lib = Files.list(QUANT.resolve("lib"))) {
      lib.map(Path::toString)
          .sorted()
          .forEach(file -> (file.contains("pytorch-native-") ? classes : modules).add(file));
    }
    String said =
        run(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-p",
            String.join(File.pathSeparator, modules),
            "-cp",
            String.join(File.pathSeparator, classes),
            "-m",
            "dev.monoquant.cli/dev.monoquant.cli.Main",
            "quantize",
            MODEL.toString(),
            "-o",
            "learned.safetensors",
            "--scheme",
            "example/k-means",
            "--option",
            "iterations=3");
    assertThat(said).contains("example/k-means");
    assertThat(folder.resolve("learned.safetensors")).isNotEmptyFile();
  }

  private String run(String... command) throws IOException, InterruptedException {
    return run(0, command);
  }

  private String run(int code, String... command) throws IOException, InterruptedException {
    Path said = folder.resolve("said.txt");
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(said.toFile());
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    Process process = builder.start();
    if (!process.waitFor(2, TimeUnit.MINUTES)) {
      process.destroyForcibly();
      throw new AssertionError(List.of(command) + " still runs: " + Files.readString(said));
    }
    String text = Files.readString(said);
    assertThat(process.exitValue()).as(List.of(command) + "\n" + text).isEqualTo(code);
    return text;
  }
}
