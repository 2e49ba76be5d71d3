package dev.monoquant.cli;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.testkit.fakes.FileServer;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Remote inputs in a process of its own: its environment is secret, and it may be killed. */
@Timeout(300)
class RemoteProcessTest {

  private static final String TOKEN = "hf-t0p-secret";
  private static final String SIGNATURE = "s1gnature-of-the-address";

  @TempDir private Path dir;
  private Path served = Path.of("");
  private Path work = Path.of("");
  private @Nullable FileServer started;

  @BeforeEach
  void start() throws IOException {
    served = Files.createDirectory(dir.resolve("served"));
    work = Files.createDirectory(dir.resolve("work"));
    Files.createDirectory(served.resolve("llm"));
    for (int i = 1; i <= 2; i++) {
      Models.tensors(
          served.resolve("llm/model-0000" + i + "-of-00002.safetensors"),
          "l%d.a.weight 512x1024; l%d.b.weight 512x1024".formatted(i, i));
    }
    Files.writeString(
        served.resolve("llm/model.safetensors.index.json"),
        """
        {"metadata": {"total_size": 8388608}, "weight_map": {
          "l1.a.weight": "model-00001-of-00002.safetensors",
          "l1.b.weight": "model-00001-of-00002.safetensors",
          "l2.a.weight": "model-00002-of-00002.safetensors",
          "l2.b.weight": "model-00002-of-00002.safetensors"}}
        """);
    Files.writeString(served.resolve("llm/config.json"), "{\"architectures\": [\"Tiny\"]}\n");
    started = FileServer.of(served);
  }

  @AfterEach
  void stop() {
    server().close();
  }

  private FileServer server() {
    return Objects.requireNonNull(started);
  }

  private Process process(Map<String, String> environment, Object... args) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    String classes =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .map(entry -> Path.of(entry).toAbsolutePath().toString())
            .collect(Collectors.joining(File.pathSeparator));
    command.addAll(List.of("-XX:-UsePerfData", "-Xmx256m", "-cp", classes, Main.class.getName()));
    Arrays.stream(args).map(Object::toString).forEach(command::add);
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(work.toFile())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(work.resolve("said.txt").toFile()));
    builder.environment().putAll(environment);
    return builder.start();
  }

  private void run(int code, Map<String, String> environment, Object... args) throws Exception {
    Process process = process(environment, args);
    try {
      assertThat(process.waitFor(100, TimeUnit.SECONDS)).isTrue();
    } finally {
      process.destroyForcibly();
    }
    assertThat(process.exitValue()).as(Files.readString(work.resolve("said.txt"))).isEqualTo(code);
  }

  private static Map<String, String> tree(Path root) throws IOException {
    Map<String, String> files = new TreeMap<>();
    try (Stream<Path> all = Files.walk(root)) {
      for (Path file : all.filter(Files::isRegularFile).toList()) {
        files.put(
            root.relativize(file).toString(), new String(Files.readAllBytes(file), ISO_8859_1));
      }
    }
    return files;
  }

  @Test
  void secretsAreSentToTheirHostAndWrittenNowhere() throws Exception {
    try (FileServer other = FileServer.of(served)) {
      server()
          .fault(
              (request, answer) -> {
                boolean granted =
                    ("Bearer " + TOKEN).equals(request.headers().get("authorization"))
                        && request.query().equals("sig=" + SIGNATURE);
                if (!granted) {
                  answer.status = 403;
                } else if (request.path().endsWith(".safetensors")) {
                  answer.status = 302;
                  answer.headers.put("Location", other.address() + request.path());
                }
              });
      String address = server().address() + "llm/?sig=" + SIGNATURE;
      Map<String, String> token = Map.of("QUANT_HTTP_HEADER", "Authorization: Bearer " + TOKEN);
      Map<String, String> both =
          Map.of(
              "MY_HEADER",
              "Authorization: Bearer " + TOKEN,
              "QUANT_HTTP_QUERY",
              "sig=" + SIGNATURE);
      run(3, Map.of(), "inspect", address, "--staging", "staging", "--verbose");
      run(0, token, "inspect", address, "--staging", "staging", "--json");
      run(
          0,
          token,
          "quantize",
          address,
          "-o",
          "out",
          "--scheme",
          "fp8",
          "--staging",
          "staging",
          "--verbose",
          "--table",
          "--report",
          "report.json",
          "--report",
          "report.html");
      run(
          0,
          token,
          "plan",
          address,
          "-o",
          "out2",
          "--scheme",
          "fp8",
          "--split",
          "2",
          "--plan",
          "plan.json",
          "--staging",
          "staging",
          "--verbose");
      run(3, Map.of(), "run", "plan.json", "--unit", "0", "--staging", "staging", "--verbose");
      for (int unit = 0; unit < 2; unit++) {
        run(
            0,
            both,
            "run",
            "plan.json",
            "--unit",
            unit,
            "--staging",
            "staging",
            "--http-header-env",
            "MY_HEADER",
            "--verbose");
      }
      run(
          0,
          both,
          "join",
          "plan.json",
          "--staging",
          "staging",
          "--http-header-env",
          "MY_HEADER",
          "--json",
          "--verbose");
      assertThat(tree(work.resolve("out2"))).isEqualTo(tree(work.resolve("out")));
      Map<String, String> written = tree(work);
      assertThat(written).containsKeys("said.txt", "report.json", "report.html", "plan.json");
      assertThat(written.get("plan.json")).contains(server().address() + "llm");
      written.forEach(
          (file, text) ->
              assertThat(text).as(file).doesNotContain(TOKEN).doesNotContain(SIGNATURE));
      assertThat(written.keySet()).noneMatch(file -> file.contains(SIGNATURE));
      assertThat(other.requests())
          .isNotEmpty()
          .allSatisfy(r -> assertThat(r.headers()).doesNotContainKey("authorization"))
          .allSatisfy(r -> assertThat(r.query()).isEmpty());
    }
  }

  @Test
  void aKilledRunGoesOnWithWhatItFetchedAndFinished() throws Exception {
    long size = tree(served).values().stream().mapToLong(String::length).sum();
    // The second shard hangs.
    server()
        .fault(
            (request, answer) -> {
              if (request.path().contains("00002-of") && answer.body.length > 600_000) {
                answer.slowness = 100_000;
              }
            });
    Object[] args = {
      "quantize",
      server().address() + "llm/",
      "-o",
      "out",
      "--scheme",
      "fp8",
      "--staging",
      "staging",
      "--resume",
      "--threads",
      "1"
    };
    Process killed = process(Map.of(), args);
    try {
      long first = Files.size(served.resolve("llm/model-00001-of-00002.safetensors"));
      while (killed.isAlive() && (server().served() < first || !finished())) {
        Thread.sleep(20);
      }
      assertThat(killed.isAlive()).as(Files.readString(work.resolve("said.txt"))).isTrue();
    } finally {
      killed.destroyForcibly().waitFor();
    }
    assertThat(work.resolve("out")).doesNotExist();
    long before = server().served();
    server().fault((request, answer) -> {});
    run(0, Map.of(), args);
    assertThat(Files.readString(work.resolve("said.txt"))).contains("resume");
    assertThat(server().served() - before)
        .as("what the second run fetched")
        .isLessThan(size - before + (1 << 20));
    run(0, Map.of(), "quantize", served.resolve("llm"), "-o", "local", "--scheme", "fp8");
    assertThat(tree(work.resolve("out"))).isEqualTo(tree(work.resolve("local")));
    assertThat(tree(work.resolve("staging"))).isEmpty();
  }

  /** Whether the journal of the unfinished output has a finished shard. */
  private boolean finished() throws IOException {
    try (Stream<Path> all = Files.walk(work)) {
      for (Path file : all.filter(f -> f.getFileName().toString().contains("journal")).toList()) {
        if (Files.readString(file, ISO_8859_1).contains("\"regions\"")) {
          return true;
        }
      }
    } catch (java.io.UncheckedIOException moved) {
      return false;
    }
    return false;
  }
}
