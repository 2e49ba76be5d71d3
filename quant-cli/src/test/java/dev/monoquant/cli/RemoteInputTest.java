package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.testkit.fakes.FileServer;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Inputs on a web server: the outputs are those of files, and no more is asked for than needed. */
class RemoteInputTest {

  @TempDir private Path dir;
  private Path served = Path.of("");
  private Path staging = Path.of("");
  private final InProcess quant = new InProcess();
  private @org.jspecify.annotations.Nullable FileServer started;

  @BeforeEach
  void start() throws IOException {
    served = Files.createDirectory(dir.resolve("served"));
    staging = dir.resolve("staging");
    Models.sharded(served.resolve("llm"));
    Models.tensors(
        served.resolve("one.safetensors"),
        "a.weight 512x512; b.weight 512x512; c.weight 512x512; d.weight 512x512");
    started = FileServer.of(served);
  }

  @AfterEach
  void stop() {
    server().close();
  }

  private FileServer server() {
    return java.util.Objects.requireNonNull(started);
  }

  private String address(String name) {
    return server().address() + name;
  }

  private int run(Object... args) {
    Object[] all = java.util.Arrays.copyOf(args, args.length + 2);
    all[args.length] = "--staging";
    all[args.length + 1] = staging;
    return quant.run(all);
  }

  private static Map<String, String> tree(Path root) throws IOException {
    Map<String, String> files = new TreeMap<>();
    try (Stream<Path> all = Files.walk(root)) {
      for (Path file : all.filter(Files::isRegularFile).toList()) {
        files.put(
            root.relativize(file).toString(),
            new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1));
      }
    }
    return files;
  }

  @Test
  void aDirectoryGivesTheBytesThatItsCopyGives() throws IOException {
    Path local = dir.resolve("local");
    assertThat(quant.run("quantize", served.resolve("llm"), "-o", local, "--scheme", "fp8"))
        .as(quant.err())
        .isZero();
    for (String name : new String[] {"llm/", "llm", "llm/model.safetensors.index.json"}) {
      Path remote = dir.resolve("remote");
      assertThat(run("quantize", address(name), "-o", remote, "--scheme", "fp8", "--force"))
          .as(quant.err())
          .isZero();
      assertThat(tree(remote)).isEqualTo(tree(local));
      assertThat(tree(staging)).isEmpty();
    }
  }

  @Test
  void aFileGivesTheBytesThatItsCopyGives() throws IOException {
    Path model = served.resolve("one.safetensors");
    Path local = dir.resolve("a").resolve("out.safetensors");
    Path remote = dir.resolve("b").resolve("out.safetensors");
    Files.createDirectories(local.getParent());
    Files.createDirectories(remote.getParent());
    assertThat(quant.run("quantize", model, "-o", local)).as(quant.err()).isZero();
    assertThat(run("quantize", address("one.safetensors"), "-o", remote)).as(quant.err()).isZero();
    assertThat(tree(remote.getParent())).isEqualTo(tree(local.getParent()));
    assertThat(run("inspect", address("one.safetensors"), "--json")).as(quant.err()).isZero();
    assertThat(quant.out()).contains(address("one.safetensors"));
  }

  /** One file, and a model in two files, of which either stands for both. */
  @Test
  void aGgufModelGivesTheBytesThatItsCopyGives() throws IOException, URISyntaxException {
    Path tiny = Path.of(getClass().getResource("/gguf/tiny-f16.gguf").toURI());
    Files.copy(tiny, served.resolve("tiny.gguf"));
    Models.splitGguf(served.resolve("split"));
    int number = 0;
    for (String name :
        new String[] {
          "tiny.gguf", "split/m-00001-of-00002.gguf", "split/m-00002-of-00002.gguf",
        }) {
      assertThat(quant.run("inspect", served.resolve(name), "--json")).as(quant.err()).isZero();
      String local = quant.out();
      assertThat(run("inspect", address(name), "--json")).as(quant.err()).isZero();
      assertThat(quant.out())
          .isEqualTo(local.replace(served.resolve(name).toString(), address(name)));
      Path alone = Files.createDirectory(dir.resolve("alone" + number)).resolve("out.gguf");
      Path remote = Files.createDirectory(dir.resolve("remote" + number)).resolve("out.gguf");
      Path units = Files.createDirectory(dir.resolve("units" + number++)).resolve("out.gguf");
      String scheme = "ggml/q8-0";
      assertThat(quant.run("quantize", served.resolve(name), "-o", alone, "--scheme", scheme))
          .as(quant.err())
          .isZero();
      assertThat(run("quantize", address(name), "-o", remote, "--scheme", scheme))
          .as(quant.err())
          .isZero();
      assertThat(tree(remote.getParent())).isEqualTo(tree(alone.getParent()));
      Path plan = dir.resolve("plan.json");
      assertThat(
              run(
                  "plan",
                  address(name),
                  "-o",
                  units,
                  "--scheme",
                  scheme,
                  "--split",
                  "2",
                  "--plan",
                  plan))
          .as(quant.err())
          .isZero();
      assertThat(run("run", plan, "--unit", "1")).as(quant.err()).isZero();
      assertThat(run("run", plan, "--unit", "0")).as(quant.err()).isZero();
      assertThat(run("join", plan)).as(quant.err()).isZero();
      assertThat(tree(units.getParent())).isEqualTo(tree(alone.getParent()));
    }
  }

  @Test
  void aMissingPartOfAGgufModelIsNamedByItsAddress() throws IOException {
    Path first = Models.splitGguf(served.resolve("split"));
    Files.delete(first.resolveSibling("m-00002-of-00002.gguf"));
    assertThat(run("inspect", address("split/m-00001-of-00002.gguf"))).isEqualTo(3);
    assertThat(quant.err())
        .contains(address("split/m-00001-of-00002.gguf"), "\"m-00002-of-00002.gguf\": is missing");
  }

  @Test
  void aFailureNamesItsAddressOnce() {
    String unknown = "http://quant-test.invalid/llm/config.json";
    assertThat(run("inspect", unknown)).isEqualTo(3);
    assertThat(quant.err().split(Pattern.quote(unknown), -1)).as(quant.err()).hasSize(2);
  }

  @Test
  void aPlanAsksForHeadersAndAUnitForWhatItReads() throws IOException {
    long size = Files.size(served.resolve("one.safetensors"));
    Path plan = dir.resolve("plan.json");
    Path out = dir.resolve("out.safetensors");
    String input = address("one.safetensors");
    assertThat(run("inspect", input)).as(quant.err()).isZero();
    assertThat(server().served()).isLessThanOrEqualTo(256 << 10);
    assertThat(run("plan", input, "-o", out, "--split", "4", "--plan", plan, "--scheme", "fp8"))
        .as(quant.err())
        .isZero();
    assertThat(server().served()).as("headers are kept").isLessThanOrEqualTo(256 << 10);
    long before = server().served();
    assertThat(run("run", plan, "--unit", "0")).as(quant.err()).isZero();
    long unit = server().served() - before;
    assertThat(unit).isPositive().isLessThanOrEqualTo(size / 2 + (1 << 20));
    for (int k = 1; k < 4; k++) {
      assertThat(run("run", plan, "--unit", k)).as(quant.err()).isZero();
    }
    assertThat(server().served()).as("each byte once").isEqualTo(size);
    assertThat(run("join", plan)).as(quant.err()).isZero();
    Path local = dir.resolve("a");
    Files.createDirectory(local);
    assertThat(
            quant.run(
                "quantize",
                served.resolve("one.safetensors"),
                "-o",
                local.resolve("out.safetensors"),
                "--scheme",
                "fp8"))
        .as(quant.err())
        .isZero();
    assertThat(out).hasSameBinaryContentAs(local.resolve("out.safetensors"));
  }

  @Test
  void aUnitRefusesAnInputThatChanged() throws IOException {
    Path plan = dir.resolve("plan.json");
    Path out = dir.resolve("out.safetensors");
    String input = address("one.safetensors");
    assertThat(run("plan", input, "-o", out, "--split", "2", "--plan", plan))
        .as(quant.err())
        .isZero();
    server()
        .fault((request, answer) -> answer.headers.computeIfPresent("ETag", (k, tag) -> "\"new\""));
    assertThat(run("run", plan, "--unit", "0")).isEqualTo(5);
    assertThat(quant.err()).contains("was planned", "\\\"new");
    // In the middle of a unit: the tag of the plan at first, then another one.
    AtomicInteger answers = new AtomicInteger();
    server()
        .fault(
            (request, answer) -> {
              if (request.method().equals("GET") && answers.incrementAndGet() > 1) {
                answer.headers.computeIfPresent("ETag", (k, tag) -> "\"later\"");
              }
            });
    assertThat(run("run", plan, "--unit", "0")).isEqualTo(3);
    assertThat(quant.err()).contains("changed while it was read");
    assertThat(out).doesNotExist();
    server().fault((request, answer) -> {});
    assertThat(run("run", plan, "--unit", "0")).as(quant.err()).isZero();
  }

  @Test
  void failuresThatPassAreRepeatedAndOthersNameTheFile() throws IOException {
    AtomicInteger answers = new AtomicInteger();
    server()
        .fault(
            (request, answer) -> {
              switch (answers.incrementAndGet()) {
                case 1 -> answer.status = 503;
                case 3 -> answer.reset = true;
                case 4 -> answer.sent = answer.body.length / 2;
                default -> {}
              }
            });
    Path out = dir.resolve("out.safetensors");
    assertThat(run("quantize", address("one.safetensors"), "-o", out)).as(quant.err()).isZero();
    server().fault((request, answer) -> answer.status = 403);
    assertThat(run("inspect", address("llm/"))).isEqualTo(3);
    assertThat(quant.err()).contains(address("llm/"), "QUANT_HTTP_HEADER");
    server().fault((request, answer) -> {});
    assertThat(run("inspect", address("none.safetensors"))).isEqualTo(3);
    assertThat(quant.err()).contains("there is no such file");
    assertThat(run("inspect", address("none/"))).as(quant.err()).isEqualTo(3);
    assertThat(quant.err()).contains("no file of a model in it");
    assertThat(run("inspect", "s3://bucket/llm")).isEqualTo(2);
    assertThat(quant.err()).contains("no store reads", "http, https");
  }

  @Test
  void commandsThatRunAModelNeedAFile() {
    assertThat(quant.run("calibrate", address("x.pt"), "--sample", "x.npz")).isEqualTo(2);
    assertThat(quant.err()).contains("has to be a file of this machine");
  }

  @Test
  void wrongArgumentsDoNotShowSecrets() {
    String secret =
        address("x.safetensors").replace("http://", "http://me:hidden@") + "?sig=hidden";
    assertThat(quant.run("inspect", "a", secret)).isEqualTo(2);
    assertThat(quant.err() + quant.out())
        .contains("one argument too many")
        .doesNotContain("hidden");
    assertThat(quant.run("inspect", "a", secret, "--json")).isEqualTo(2);
    assertThat(quant.err() + quant.out()).doesNotContain("hidden");
    assertThat(quant.run("inspect", secret + " ", "--verbose")).isEqualTo(2);
    assertThat(quant.err() + quant.out()).doesNotContain("hidden");
    assertThat(quant.run("calibrate", secret, "--sample", "x.npz")).isEqualTo(2);
    assertThat(quant.err() + quant.out()).doesNotContain("hidden");
    assertThat(quant.run(secret)).isEqualTo(2);
    assertThat(quant.err() + quant.out()).doesNotContain("hidden");
  }
}
