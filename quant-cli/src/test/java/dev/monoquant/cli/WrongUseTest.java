package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every wrong use gives its exit code and a message that helps, and changes nothing. */
class WrongUseTest {

  @TempDir private Path dir;

  private record Case(int code, String args, List<String> says) {}

  /** {@code $m} is a good model, {@code $d} its folder; an argument of quotes is empty. */
  private static final List<Case> CASES =
      List.of(
          // 2: usage
          usage("bogus", "there is no command \"bogus\""),
          usage("inspec", "Did you mean: quant inspect"),
          usage("insepct", "Did you mean: quant inspect?"),
          usage("quantise", "Did you mean: quant quantize?"),
          usage("bnech", "Did you mean: quant bench?"),
          usage("gen", "Did you mean: quant generate-completion?"),
          usage("--frobnicate", "Unknown option: '--frobnicate'"),
          usage("quantize", "Missing required", "INPUT", "OUTPUT"),
          usage("quantize --hlep", "Unknown option: '--hlep'", "Did you mean: --help?"),
          usage("quantize --no-fold", "Missing required"),
          usage("quantize $m --outptu=$d/x.safetensors", "'--outptu'", "Did you mean: --output?"),
          usage("quantize $m", "Missing required option: '--output=OUTPUT'"),
          usage("quantize -o $d/x.safetensors", "Missing required parameter: 'INPUT'"),
          usage("quantize --hlep", "Unknown option: '--hlep'", "--help"),
          usage("quantize $m --ouput=$d/x.safetensors", "Unknown option: '--ouput'", "--output"),
          usage("inspect --jsno", "Unknown option: '--jsno'"),
          usage("quantize $m -o -", "\"-\" would be standard input or output"),
          usage("quantize $m -o $d/x.safetensors --report -", "--report", "--json prints a report"),
          usage("bench $m --threads 7", "--threads", "on one thread"),
          usage("bench $m --compute jvm", "--compute", "Leave it out"),
          quantize(2, "--layer *=Linera", "\"Linera\"; did you mean Linear?"),
          quantize(2, "--layer *=linear", "\"linear\"; did you mean Linear?"),
          quantize(2, "--layer *=zzzz --dry-run", "knows the kind \"zzzz\". Known are Linear"),
          quantize(2, "--min-weight-cosine 1.5", "--min-weight-cosine 1.5", "-1 to 1"),
          quantize(
              2,
              "--http-header-env SOME",
              "--http-header-env: for a remote input",
              "is a path of this machine"),
          quantize(
              2,
              "--staging $d/kept --staging-limit 1g --dry-run",
              "--staging and --staging-limit: for a remote input"),
          usage("inspect $m --staging-limit 9g", "--staging-limit: for a remote input"),
          usage("quantize $m -o", "Missing required parameter for option '--output'"),
          usage("quantize $m -o ''", "--output", "a path is needed"),
          usage("quantize '' -o $d/x.safetensors", "INPUT", "a path is needed"),
          usage("quantize $m $m -o $d/x.safetensors", "is one argument too many"),
          usage("quantize $m -o $d/x.safetensors --bits 4 --bits 8", "only once"),
          usage(
              "quantize $m -o $d/x.safetensors -o $d/y.safetensors --bits 4 --bits 8", "only once"),
          quantize(2, "--forse", "Unknown option: '--forse'", "--force"),
          quantize(2, "--symmetric --asymmetric", "exclude each other"),
          quantize(2, "--bits abc", "--bits", "'abc' is no whole number up to 2147483647"),
          quantize(2, "--min-elements 1e3", "'1e3' is no whole number up to 9223372036854775807"),
          quantize(2, "--min-cosine 0,9", "--min-cosine", "'0,9' is no number such as 30 or 0.9"),
          usage("plan $m -o $d/x.safetensors --plan $d/p.json --split two", "'two' is no whole"),
          usage("tune $m --target-cosine 2", "a target of a cosine is 2.0; it must be above 0"),
          usage("tune $m --target-bits 65", "a target of bits is 65.0", "at most 64, such as 4.6"),
          usage("join $d/none.json", "none.json: there is no such file with a plan. Make it with"),
          usage("run $d --unit 0", "there is no such file with a plan"),
          quantize(2, "--bits 0", "0"),
          quantize(2, "--bits 9", "no scheme has codes of type int with 9 bits", "int4, ", "int8"),
          quantize(2, "--type float --bits 5", "type float with 5 bits; there are", "float16"),
          quantize(2, "--type complex", "complex", "int", "float"),
          quantize(2, "--scheme int88", "no scheme \"int88\"; did you mean int8?", "bfloat16"),
          quantize(
              2,
              "--scheme zzzzzz",
              "\"zzzzzz\" is no scheme and no preset. Available are presets such as W4A16,",
              "and the schemes bfloat16, "),
          quantize(
              2,
              "--scheme W4A61",
              "\"W4A61\" is no scheme and no preset; did you mean W4A16? quant plugins lists"),
          quantize(
              2,
              "--scheme w4a61",
              "\"w4a61\" is no scheme and no preset; did you mean W4A16? quant plugins lists"),
          quantize(2, "--scheme FP8_DYNMIC", "did you mean FP8_DYNAMIC?"),
          quantize(
              2,
              "--scheme INT4",
              "\"INT4\" is no scheme and no preset; did you mean int4 or INT8?"),
          quantize(2, "--scheme Q4_K_M", "\"Q4_K_M\" is a type of GGUF files"),
          quantize(
              2, "--scheme MXFP6", "a preset of compressed-tensors for which there is no scheme"),
          quantize(2, "--scheme UNQUANTIZED", "leaves layers in float", "--exclude lm_head"),
          quantize(2, "--scheme a+b", "\"a+b\" is no id"),
          quantize(
              2,
              "--granularity row",
              "\"row\"",
              "tensor, channel, group:N and block:RxC",
              "group:128"),
          quantize(2, "--granularity chanel", "block:128x128. Did you mean channel?"),
          quantize(2, "--granularity group:0", "group:0", "group:128"),
          quantize(2, "--granularity group:x", "group:x", "group:128"),
          quantize(2, "--format onnx", "no output format \"onnx\"", "safetensors"),
          quantize(2, "--input-format onnx", "no input format \"onnx\"", "safetensors"),
          quantize(2, "--compute gpu", "gpu", "auto, jvm, torch and vector"),
          quantize(2, "--threads 0", "0 threads", "1 to 1024"),
          quantize(2, "--threads many", "--threads", "'many'"),
          quantize(2, "--exclude re:[", "re:[", "no regular expression"),
          quantize(2, "--layer fc", "--layer \"fc\"", "'fc*=Linear'"),
          quantize(2, "--option clip", "--option \"clip\"", "clip=0.99"),
          quantize(2, "--option clip=1", "scheme int8 has no option \"clip\""),
          quantize(
              2,
              "--option mode=dynamic",
              "option mode belongs to output format torchscript, and the output format is"
                  + " safetensors",
              "--format torchscript"),
          usage(
              "compare $m $m --option mode=dynamic",
              "option mode belongs to output format torchscript, and no output format takes part"),
          usage("inspect $m --limit maxTensor=9", "no limit \"maxTensor\"", "maxTensors"),
          usage("inspect $m --limit maxTensors=9k", "a whole number is needed"),
          usage("verify $m --limit maxTensors", "--limit \"maxTensors\" has no two sides"),
          usage("inspect $m --option rows=1", "input format safetensors has no option \"rows\""),
          usage("verify $m --option rows", "--option \"rows\" has no two sides"),
          quantize(2, "--min-elements -3", "-3", "0 or more"),
          quantize(2, "--non-finite ignore", "ignore", "fail", "keep"),
          quantize(2, "--ragged-groups pad", "pad", "channel"),
          quantize(2, "--min-sqnr NaN", "--min-sqnr NaN", "--min-sqnr 30"),
          quantize(2, "--min-speedup 0", "--min-speedup 0", "--min-speedup 1.5"),
          quantize(2, "--max-size-ratio -1", "--max-size-ratio -1", "--max-size-ratio 0.3"),
          quantize(2, "--min-cosine 2", "--min-cosine 2", "-1 to 1"),
          quantize(
              2,
              "--min-cosine 0.9",
              "--min-cosine: only TorchScript outputs",
              "gate the weights by --min-sqnr or --min-weight-cosine; or"),
          quantize(2, "--sample $d/none.npz", "--sample: only TorchScript outputs are run"),
          quantize(2, "--no-run", "--no-run: only TorchScript outputs are run"),
          quantize(
              2,
              "--max-memory 9",
              "--max-memory \"9\" is not a number above 0 with one of the units g, k, m"),
          quantize(2, "--max-memory 64m", "a memory of 64.0 MiB: the least is 128 MiB"),
          quantize(2, "--max-memory 128m", "Set the environment variable QUANT_OPTS to -Xmx48m"),
          quantize(2, "--hash sha1", "hashes of sha1 are not known; allowed are none, outputs"),
          quantize(2, "--no-run --dry-run", "--no-run: only TorchScript outputs are run"),
          quantize(2, "--min-cosine 1 --dry-run", "--min-cosine: only TorchScript outputs are run"),
          usage(
              "quantize $m -o $d/x.pt --no-run --min-cosine 0.9 --sample $d/none.npz",
              "--min-cosine and --sample: nothing is run with --no-run. Leave either out"),
          quantize(2, "--config $d/none.yaml", "none.yaml could not be read: no such file"),
          quantize(2, "--config $d", "it is a directory"),
          quantize(2, "--config $d/broken.yaml", "no YAML or JSON: line 1, column"),
          quantize(2, "--config $d/list.yaml", "no map of settings", "{scheme: int8"),
          quantize(2, "--config $d/typo.yaml", "schem: unknown key; did you mean scheme?"),
          quantize(
              2,
              "--config $d/several.yaml",
              "quant: 4 problems:\n",
              "several.yaml:1: schem: unknown key; did you mean scheme?",
              "several.yaml:4: weights.num_bits is the text \"four\"",
              "several.yaml:7: config_groups.W4A17: only a preset has a list",
              "several.yaml:8: config_groups.b.scheme: scheme \"A b\" is no id"),
          quantize(2, "--config $d/deep.yaml", "deep.yaml:2: nests deeper than 64"),
          quantize(2, "--config $d/deep.json", "deep.json", "deeper than 64"),
          quantize(2, "--config $d/long.yaml", "long.yaml:2: a number of 900000 characters"),
          quantize(2, "--config $d/long.json", "long.json:2: min_elements is "),
          quantize(2, "--config $d/gptq.json", "gptq.json:1: quant_method: the keys of gptq"),
          quantize(2, "--config $d/twice.yaml", "no YAML or JSON", "duplicate"),
          quantize(2, "--config $m", "no UTF-8 text"),
          quantize(2, "--plugin $d/none.jar", "none.jar\": no such file"),
          quantize(2, "--plugin $d", "not a file"),
          quantize(2, "--plugin $m", "not a jar"),
          quantize(2, "--plugin $d/empty.jar", "it holds no plugin"),
          usage("quantize $m -o $d/x.onnx", "no output format accepts this name", "--format"),
          usage("compare $m", "Missing required parameter: 'B'"),
          usage("doctor extra", "\"extra\" is one argument too many"),
          usage("share-classes", "for an installation, whose jars are in lib"),
          // 3: input refused
          input("inspect $d/none.safetensors", "no such file or directory"),
          input("inspect $d/hallow", "no such file", "Did you mean", "/hollow?"),
          input("inspect $d/none/none.safetensors", "no such file or directory"),
          input("inspect $d/text.safetensors", "text.safetensors"),
          input("inspect $d/pickle.pt", "Save the state dict with torch.save or as safetensors"),
          input("inspect $d/lfs.safetensors", "Git LFS pointer", "git lfs pull"),
          input("inspect $d/short.safetensors", "short.safetensors"),
          input(
              "inspect $m --limit maxTensors=5 --limit maxTensors=1",
              "limit maxTensors",
              "The option is --limit maxTensors=NUMBER."),
          input("quantize $m -o $d/x.safetensors --limit maxHeaderBytes=9", "maxHeaderBytes"),
          input("inspect /dev/null", "/dev/null: a pipe or a device", "Save it as a file first"),
          input("inspect $d/hollow", "holds no tensor file"),
          input(
              "quantize $d/ragged.safetensors -o $d/x.safetensors --granularity group:32",
              "quant: 14 problems:",
              "its 33 columns are no multiple of the group size 32",
              "  and 4 more"),
          input("quantize $d/none.safetensors -o $d/x.safetensors", "no such file or directory"),
          input("quantize $d/nan.safetensors -o $d/x.safetensors", "fc.weight", "--non-finite"),
          input("dequantize $m -o $d/x.safetensors", "no quantized weights", "Quantize it first"),
          input("compare $m $d/none.safetensors", "none.safetensors: no such file"),
          quantize(3, "--include nothing", "rule \"nothing\": it selects no layer"),
          quantize(3, "--include classifier.5", "the nearest are classifier"),
          quantize(3, "--exclude *", "no weight would be quantized"),
          quantize(3, "--layer zz*=Linear", "layer map \"zz*\""),
          quantize(
              2,
              "--profile gguf",
              "scheme int8: option profile is \"gguf\"; it must be compressed-tensors",
              "--profile compressed-tensors"),
          quantize(
              2,
              "--scheme int8 --bits 4",
              "scheme int8: option bits is \"4\"; it must be 8",
              "choose another scheme"),
          quantize(2, "--option bits=4", "--bits 4"),
          quantize(3, "--granularity group:7", "4 problems", "1024 columns", "--ragged-groups"),
          // 4: validation or gate failed
          quantize(4, "--min-sqnr 60", "gate missed: classifier.1.weight", "nothing was written"),
          quantize(4, "--max-size-ratio 0.1", "gate missed", "has 0.262", "nothing was written"),
          quantize(4, "--max-size-ratio 0.1 --dry-run", "gate missed"),
          quantize(
              4,
              "--min-sqnr 90 --max-size-ratio 0.01",
              "2 gates missed",
              "--min-sqnr",
              "--max-size-ratio"),
          // 5: output could not be written
          quantize(5, "--report $m --force", "is never written"),
          quantize(5, "--report $d/x.safetensors", "lies in, the output"),
          quantize(5, "--report $d/none/r.json", "does not exist"),
          quantize(2, "--report $d/text.safetensors", "must end with .json, .html"),
          quantize(5, "--report $d/hollow", "is a directory"),
          output("quantize $m -o /dev/null", "/dev/null: is a pipe or a device", "Name another"),
          output("quantize $m -o /dev/null --force --dry-run", "/dev/null: is a pipe or a device"),
          output("quantize $m -o $m", "is the input", "never written"),
          output("quantize $m -o $m --force", "is the input", "never written"),
          output("quantize $m -o $d/text.safetensors", "exists", "--force"),
          output("quantize $m -o $d/none/x.safetensors", "does not exist", "mkdir -p"),
          output("quantize $m -o $d/hollow --force", "holds no model", "by hand"),
          output("quantize $m -o $d --force", "holds the input"),
          output("quantize $m -o $d/text.safetensors/x.safetensors", "does not exist"));

  private static Case usage(String args, String... says) {
    return new Case(2, args, List.of(says));
  }

  private static Case input(String args, String... says) {
    return new Case(3, args, List.of(says));
  }

  private static Case output(String args, String... says) {
    return new Case(5, args, List.of(says));
  }

  private static Case quantize(int code, String options, String... says) {
    return new Case(code, "quantize $m -o $d/x.safetensors " + options, List.of(says));
  }

  @TestFactory
  Stream<DynamicTest> isRefused() throws IOException {
    Path model = files();
    List<String> before = listing();
    return CASES.stream()
        .map(c -> DynamicTest.dynamicTest(c.args(), () -> check(c, model, before)));
  }

  private void check(Case c, Path model, List<String> before) throws IOException {
    String[] args = arguments(c, model);
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code = Main.run(new PrintWriter(out), new PrintWriter(err), args);
    assertThat(err.toString()).startsWith("quant: ").contains(c.says());
    assertThat(err.toString()).doesNotContain("\tat ", "Exception", "internal error");
    assertThat(code).isEqualTo(c.code());
    if (code != Failure.VALIDATION) {
      assertThat(out.toString()).isEmpty();
    }
    assertThat(listing()).isEqualTo(before);
  }

  private String[] arguments(Case c, Path model) {
    return Stream.of(c.args().trim().split(" +"))
        .map(a -> a.equals("''") ? "" : a.replace("$m", "" + model).replace("$d", "" + dir))
        .toArray(String[]::new);
  }

  private Path files() throws IOException {
    Path model = dir.resolve("digits.safetensors");
    Files.copy(Distribution.DIGITS, model, StandardCopyOption.REPLACE_EXISTING);
    Models.linear(dir.resolve("nan.safetensors"), Float.NaN);
    Models.tensors(
        dir.resolve("ragged.safetensors"),
        IntStream.range(33, 47)
            .mapToObj(i -> "layer." + i + ".fc.weight 2x" + i)
            .collect(Collectors.joining(";")));
    Files.writeString(dir.resolve("text.safetensors"), "just a text");
    Files.writeString(
        dir.resolve("lfs.safetensors"), "version https://git-lfs.github.com/spec/v1\noid sha256:0");
    Files.write(dir.resolve("short.safetensors"), new byte[7]);
    Files.write(dir.resolve("pickle.pt"), new byte[] {(byte) 0x80, 2, '}', '.'});
    Files.writeString(dir.resolve("broken.yaml"), "a: [");
    Files.writeString(dir.resolve("list.yaml"), "[1]");
    Files.writeString(dir.resolve("typo.yaml"), "schem: int8");
    Files.writeString(
        dir.resolve("several.yaml"),
        """
        schem: int8
        weights:
          symmetric: true
          num_bits: four
        config_groups:
          # a slip
          W4A17: [Linear]
          b: {targets: ["*"], scheme: A b}
        """);
    Files.writeString(dir.resolve("deep.yaml"), "ignore:\n  " + "[".repeat(200_000));
    Files.writeString(dir.resolve("deep.json"), "{\"ignore\":\n" + "[".repeat(200_000));
    Files.writeString(
        dir.resolve("long.yaml"), "scheme: int8\nmin_elements: " + "9".repeat(900_000));
    Files.writeString(
        dir.resolve("long.json"),
        "{\"scheme\": \"int8\",\n\"min_elements\": " + "9".repeat(900_000) + "}");
    Files.writeString(dir.resolve("gptq.json"), "{\"quant_method\": \"gptq\", \"bits\": 4}");
    Files.writeString(dir.resolve("twice.yaml"), "scheme: int8\nscheme: int4");
    Files.writeString(dir.resolve("config.json"), "{}");
    Files.createDirectory(dir.resolve("hollow"));
    Files.writeString(dir.resolve("hollow/mine.txt"), "mine");
    Path classes = Files.createDirectory(dir.resolve("none"));
    PluginJar.pack(dir.resolve("empty.jar"), classes, "some.other.Service", "x");
    Files.delete(classes);
    return model;
  }

  /** All files with their sizes and times: not even a hidden one may come or change. */
  private List<String> listing() throws IOException {
    try (Stream<Path> files = Files.walk(dir)) {
      return files
          .filter(Files::isRegularFile)
          .map(f -> f + " " + f.toFile().length() + " " + f.toFile().lastModified())
          .sorted()
          .toList();
    }
  }

  @Test
  void aHostileNameDoesNotReachTheTerminal() {
    StringWriter err = new StringWriter();
    int code =
        Main.run(
            new PrintWriter(new StringWriter()),
            new PrintWriter(err),
            "inspect",
            "a\nquant: all is well\u001b[2J");
    assertThat(code).isEqualTo(Failure.INPUT);
    assertThat(err.toString().lines()).hasSize(1);
    assertThat(err.toString()).doesNotContain("\u001b").contains("\\u000a", "\\u001b");
  }

  /** Standard error is read by the runner of GitHub Actions, line by line. */
  @Test
  void noReasonIsACommandOfARunner() {
    for (String text : List.of("::stop-commands::x", " ::error::x", "\u00a0::x::", "a##[error]x")) {
      assertThat(Failure.oneLine(text)).containsAnyOf("\\u003a:", "##\\u005b");
    }
    assertThat(Failure.oneLine("a::b: [##] ::c")).isEqualTo("a::b: [##] ::c");
  }

  @ParameterizedTest
  @ValueSource(strings = {"frobnicate", "bogus", "x", "model.safetensors", "quantinspect"})
  void whatIsLikeNoCommandGetsNoSuggestion(String typed) {
    StringWriter err = new StringWriter();
    int code = Main.run(new PrintWriter(new StringWriter()), new PrintWriter(err), typed);
    assertThat(code).isEqualTo(Failure.USAGE);
    assertThat(err.toString().lines())
        .containsExactly("quant: there is no command \"" + typed + "\"", "Try 'quant --help'.");
  }

  @Test
  void verboseAddsTheStackTrace() {
    StringWriter err = new StringWriter();
    String missing = dir.resolve("none.safetensors").toString();
    int code =
        Main.run(
            new PrintWriter(new StringWriter()),
            new PrintWriter(err),
            "inspect",
            missing,
            "--verbose");
    assertThat(code).isEqualTo(Failure.INPUT);
    assertThat(err.toString()).contains("\tat dev.monoquant.");
  }

  @Test
  void outOfMemoryIsSaidInOneLine() {
    StringWriter err = new StringWriter();
    int code = Failure.error(new OutOfMemoryError("Java heap space"), new PrintWriter(err), "x");
    assertThat(code).isEqualTo(Failure.INTERNAL);
    assertThat(err.toString().lines()).hasSize(1);
    assertThat(err.toString()).contains("out of memory", "QUANT_OPTS");
  }

  @Test
  void aLostResultIsNotDone() throws IOException {
    Results full = new Results(failing("No space left on device"));
    try (PrintWriter out = new PrintWriter(full, true, StandardCharsets.UTF_8)) {
      out.println("a result");
    }
    assertThat(full.lost()).isTrue();
    Results head = new Results(failing("Broken pipe"));
    try (PrintWriter out = new PrintWriter(head, true, StandardCharsets.UTF_8)) {
      out.println("a result");
    }
    assertThat(head.lost()).isFalse();
  }

  private static java.io.OutputStream failing(String message) {
    return new java.io.OutputStream() {
      @Override
      public void write(int b) throws IOException {
        throw new IOException(message);
      }
    };
  }
}
