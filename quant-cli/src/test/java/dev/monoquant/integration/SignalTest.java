package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.QuantizationConfig;
import dev.monoquant.cli.Main;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.report.Report;
import dev.monoquant.spi.ModelInput;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Processes that are asked to end (SIGTERM), and threads that are interrupted: nothing is put in
 * place afterwards, and the exit code tells what is there.
 */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "there is no SIGTERM to send")
class SignalTest {

  private static final QuantizationConfig INT8 =
      QuantizationConfig.builder().scheme("int8").build();

  @TempDir private Path folder;

  /**
   * Runs the command line, and says {@code here} as soon as a method of the class that the property
   * {@code at} names is at work.
   */
  public static final class Child {
    private Child() {}

    public static void main(String[] args) {
      String at = System.getProperty("at");
      Thread main = Thread.currentThread();
      Thread watch =
          new Thread(
              () -> {
                while (Arrays.stream(main.getStackTrace())
                    .noneMatch(f -> f.getClassName().equals(at))) {
                  Thread.onSpinWait();
                }
                System.out.println("here");
              });
      watch.setDaemon(true);
      watch.start();
      Main.main(args);
    }
  }

  @AfterEach
  void noInterruptGoesToTheNextTest() {
    boolean ignored = Thread.interrupted();
  }

  private record Ended(int code, String said) {}

  private Ended terminate(String at, int afterMillis, String... args) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(System.getProperty("java.home") + File.separator + "bin" + File.separator + "java");
    command.addAll(List.of("-Xshare:auto", "-XX:TieredStopAtLevel=1", "-Xmx256m", "-Dat=" + at));
    command.addAll(List.of("-Dai.djl.offline=true", "-Dai.djl.pytorch.num_threads=1", "-cp"));
    command.addAll(List.of(System.getProperty("java.class.path"), Child.class.getName()));
    command.addAll(List.of(args));
    Path err = folder.resolve("err.txt");
    Process child = new ProcessBuilder(command).redirectError(err.toFile()).start();
    try (BufferedReader said = child.inputReader(StandardCharsets.UTF_8)) {
      assertThat(said.readLine()).as(Files.readString(err)).isEqualTo("here");
      Thread.sleep(afterMillis);
      child.destroy();
      assertThat(child.waitFor(60, TimeUnit.SECONDS)).isTrue();
    } finally {
      child.destroyForcibly().waitFor();
    }
    String text = Files.readString(err);
    Files.delete(err);
    return new Ended(child.exitValue(), text);
  }

  @Test
  @Timeout(120)
  void nothingIsPutInPlaceAfterASignalInTheSideBySideRun() throws Exception {
    Path target = Files.writeString(folder.resolve("made.pt"), "what was there");
    for (int afterMillis : new int[] {0, 200}) {
      Ended ended =
          terminate(
              "dev.monoquant.core.trial.ChildRunner",
              afterMillis,
              "quantize",
              Digits.CNN.script("traced").toString(),
              "-o",
              target.toString(),
              "--force");
      assertThat(ended.code()).as(ended.said()).isEqualTo(130);
      assertThat(ended.said()).contains("interrupted").doesNotContain("wrote", "\tat ");
      assertThat(target).hasContent("what was there");
      assertThat(folder.toFile().list()).containsExactly("made.pt");
    }
  }

  @Test
  @Timeout(240)
  void theExitCodeTellsWhatIsThere() throws Exception {
    Path target = folder.resolve("made.safetensors");
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int round = 0; round < Sweep.count(3, 6); round++) {
      Ended ended =
          terminate(
              "dev.monoquant.core.Quantizer",
              random.nextInt(600),
              "quantize",
              Digits.CNN.weights().toString(),
              "-o",
              target.toString());
      String message = "seed " + seed + ", round " + round + ": " + ended.said();
      assertThat(ended.code()).as(message).isIn(0, 130);
      assertThat(Files.exists(target)).as(message).isEqualTo(ended.code() == 0);
      assertThat(folder.toFile().list()).as(message).hasSizeLessThanOrEqualTo(1);
      Files.deleteIfExists(target);
    }
  }

  private void quantize(Path input, Path target, boolean sync, Consumer<Report> gate) {
    Quantizer.create().withSync(sync).quantize(ModelInput.of(input), INT8, target, true, gate);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void anInterruptedThreadPutsNothingInPlace(boolean sync) throws IOException {
    for (String name : List.of("made.safetensors", "made.pt", "made")) {
      Path input = name.endsWith(".pt") ? Digits.CNN.script("traced") : Digits.CNN.weights();
      Path target = folder.resolve(name);
      assertThatThrownBy(
              () -> quantize(input, target, sync, report -> Thread.currentThread().interrupt()))
          .as(name)
          .isInstanceOf(CancellationException.class)
          .hasMessageContaining("no output was made");
      assertThat(Thread.interrupted()).as(name).isTrue();
      assertThat(folder.toFile().list()).as(name).isEmpty();
    }
  }

  /** An interrupt as soon as the output can be seen comes too late, and does no harm. */
  @Test
  @Timeout(120)
  void whatIsInPlaceIsDone() throws Exception {
    Thread caller = Thread.currentThread();
    for (int round = 0; round < Sweep.count(5, 10); round++) {
      Path target = folder.resolve("made" + round + ".safetensors");
      Thread watch =
          new Thread(
              () -> {
                while (!Files.exists(target)) {
                  Thread.onSpinWait();
                }
                caller.interrupt();
              });
      watch.start();
      quantize(Digits.CNN.weights(), target, true, report -> {});
      assertThat(target).exists();
      while (watch.isAlive()) {
        Thread.onSpinWait();
      }
      assertThat(Thread.interrupted()).isTrue();
    }
    assertThat(folder.toFile().list()).hasSize(Sweep.count(5, 10));
  }
}
