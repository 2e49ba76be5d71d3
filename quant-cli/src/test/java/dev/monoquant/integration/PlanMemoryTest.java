package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.cli.Main;
import dev.monoquant.cli.ManyExperts;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The plan of many small experts holds few objects for each of them.
 *
 * <p>The heap is bounded to 2 KiB for each tensor, with all that Java itself and the command line
 * hold; planning was seen to pass with 1.5 KiB, and not in 2.8 KiB while layouts, places and
 * manifests were held whole.
 */
class PlanMemoryTest {

  private static final int TENSORS = 50_000;
  private static final String HEAP = "-Xmx100m";

  @TempDir private Path folder;

  /** A directory with matrices of zeros. */
  private Path checkpoint() throws IOException {
    Path model = Files.createDirectory(folder.resolve("many"));
    ManyExperts.write(model.resolve("model.safetensors"), TENSORS);
    Files.writeString(
        model.resolve("config.json"),
        "{\"architectures\":[\"Qwen3MoeForCausalLM\"],\"model_type\":\"qwen3_moe\"}");
    return model;
  }

  private String run(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(System.getProperty("java.home") + File.separator + "bin" + File.separator + "java");
    command.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", HEAP, "-cp"));
    command.addAll(List.of(System.getProperty("java.class.path"), Main.class.getName()));
    command.addAll(List.of(arguments));
    Path log = folder.resolve("log");
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    int code = process.waitFor();
    String said = Files.readString(log);
    assertThat(code).as(said).isZero();
    return said;
  }

  @Test
  void planningHoldsFewObjectsForEachTensor() throws Exception {
    String model = checkpoint().toString();
    String output = folder.resolve("output").toString();
    String table =
        run("quantize", model, "-o", output, "--scheme", "FP8_DYNAMIC", "--dry-run", "--threads=1");
    assertThat(table).contains(TENSORS + " weights of " + TENSORS + " tensors");

    Path plan = folder.resolve("plan.json");
    run("plan", model, "-o", output, "--scheme=FP8_DYNAMIC", "--split=2", "--plan=" + plan);
    assertThat(plan).isNotEmptyFile();
  }
}
