package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.QuantizationConfig;
import dev.monoquant.ValidationException;
import dev.monoquant.core.Quantizer;
import dev.monoquant.spi.ModelInput;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whatever byte of an output changes, and wherever it ends early, verifying it says that it
 * differs, which is exit code 4: never that the user, the input or this program is at fault.
 */
class VerifyDamageTest {

  private static final QuantizationConfig INT8 =
      QuantizationConfig.builder().scheme("int8").build();

  @TempDir private Path folder;

  private void holds(Path input, String name, int step) throws IOException {
    Path output = folder.resolve(name);
    Quantizer plain = Quantizer.create();
    (name.endsWith(".pt") ? plain.withRunning(false) : plain)
        .quantize(ModelInput.of(input), INT8, output, false);
    List<String> wrong = new ArrayList<>();
    for (Path file : files(output)) {
      byte[] sound = Files.readAllBytes(file);
      for (int at = 0; at < sound.length; at += step) {
        for (int flip : new int[] {0x01, 0x10, 0x80}) {
          byte[] changed = sound.clone();
          changed[at] ^= (byte) flip;
          Files.write(file, changed);
          verdict(output).ifPresent(wrong::add);
        }
        if (at % (8 * step) == 0) {
          Files.write(file, Arrays.copyOf(sound, at));
          verdict(output).ifPresent(wrong::add);
        }
      }
      Files.write(file, sound);
    }
    assertThat(wrong).isEmpty();
    assertThat(Quantizer.create().verify(output, Optional.empty()).sound()).isTrue();
  }

  private static List<Path> files(Path output) throws IOException {
    try (Stream<Path> all = Files.walk(output)) {
      return all.filter(Files::isRegularFile).sorted().toList();
    }
  }

  /** Empty if the damage is found as damage. */
  private static Optional<String> verdict(Path output) {
    try {
      return Quantizer.create().verify(output, Optional.empty()).sound()
          ? Optional.of("nothing differs")
          : Optional.empty();
    } catch (ValidationException unreadable) {
      return Optional.empty();
    } catch (RuntimeException other) {
      return Optional.of(other.toString());
    }
  }

  @Test
  void ofAFile() throws IOException {
    Path input = Checkpoint.file(folder.resolve("in.safetensors"), 1, 1, 32);
    holds(input, "q.safetensors", Sweep.count(11, 1));
  }

  @Test
  void ofADirectory() throws IOException {
    Path input = Checkpoint.directory(folder.resolve("in"), 1, 2, 32);
    holds(input, "q", Sweep.count(17, 1));
  }

  @Test
  void ofAnArchive() throws IOException {
    Path input = Path.of("src/test/resources/torchscript/linear.pt");
    holds(input, "q.pt", Sweep.count(23, 1));
  }
}
