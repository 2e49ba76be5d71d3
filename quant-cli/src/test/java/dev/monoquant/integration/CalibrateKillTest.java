package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.Selector;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.control.CalibrationOptions;
import dev.monoquant.core.control.Progress;
import dev.monoquant.core.control.SampleInputs;
import dev.monoquant.spi.ModelInput;
import java.io.BufferedReader;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** A process that is killed (SIGKILL) while it calibrates leaves what the next run goes on from. */
@DisabledOnOs(OS.WINDOWS)
class CalibrateKillTest {

  private static final Path DIGITS = Path.of("src", "test", "resources", "digits");

  /** The Gram matrix of each of the four layers in a pass of its own. */
  private static final CalibrationOptions OPTIONS =
      CalibrationOptions.DEFAULT
          .withProducts(List.of(Selector.parse("*")))
          .withProductBytes(1)
          .withBatch(4)
          .withMostCalls(8);

  private static final int PASSES = 4;

  @TempDir private Path folder;

  private static void calibrate(CalibrationOptions options, Path target, Progress progress) {
    Quantizer.create()
        .withProgress(progress)
        .withSamples(List.of(SampleInputs.of(DIGITS.resolve("cnn.test.safetensors"))))
        .calibrate(ModelInput.of(DIGITS.resolve("cnn.traced.pt")), options, target, false);
  }

  /** Calibrates, and stops in the third pass to be killed. */
  public static final class Child {
    private Child() {}

    public static void main(String[] args) {
      CountDownLatch never = new CountDownLatch(1);
      calibrate(
          OPTIONS,
          Path.of(args[0]),
          (stage, done, total, subject) -> {
            if (stage == Progress.Stage.OBSERVING
                && done >= 2 * total / PASSES
                && subject.equals("call 3")) {
              System.out.println("ready");
              try {
                never.await();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            }
          });
    }
  }

  @Test
  @Timeout(240)
  void aKilledRunIsResumedToTheSameBytes() throws Exception {
    Path whole = folder.resolve("whole");
    List<Long> all = new ArrayList<>();
    calibrate(OPTIONS, whole, (stage, done, total, subject) -> all.add(done));
    Path target = folder.resolve("killed");
    kill(target);
    assertThat(target).doesNotExist();
    assertThat(folder.resolve("killed.progress")).isNotEmptyDirectory();
    List<Long> rest = new ArrayList<>();
    calibrate(OPTIONS.withResume(true), target, (stage, done, total, subject) -> rest.add(done));
    assertThat(Files.readAllBytes(target)).isEqualTo(Files.readAllBytes(whole));
    assertThat(folder.resolve("killed.progress")).doesNotExist();
    // The two passes that were done are not run again.
    assertThat(rest).hasSize(all.size() / 2).isEqualTo(all.subList(all.size() / 2, all.size()));
  }

  private static void kill(Path target) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(System.getProperty("java.home") + File.separator + "bin" + File.separator + "java");
    command.addAll(List.of("-Xshare:auto", "-XX:TieredStopAtLevel=1", "-Xmx256m", "-cp"));
    command.add(System.getProperty("java.class.path"));
    command.add(Child.class.getName());
    command.add(target.toString());
    Process child = new ProcessBuilder(command).redirectErrorStream(true).start();
    try (BufferedReader said = child.inputReader(StandardCharsets.UTF_8)) {
      String line = said.readLine();
      while (line != null && !line.equals("ready")) {
        line = said.readLine();
      }
      assertThat(line).isEqualTo("ready");
      assertThat(child.isAlive()).isTrue();
    } finally {
      child.destroyForcibly().waitFor();
    }
  }
}
