package dev.monoquant.integration;

import static java.nio.file.attribute.PosixFilePermissions.fromString;
import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.Quantizer;
import dev.monoquant.spi.ModelInput;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** An output is never more readable than its input, or the output that it replaces. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "there are no such modes")
class OutputModesTest {

  private static final String OWNER = "rw-------";

  @TempDir private Path folder;
  private String usual;

  /** What the umask leaves, whatever it is here. */
  @BeforeEach
  void seeWhatIsUsual() throws IOException {
    Path file = Files.createFile(folder.resolve("usual"));
    usual = mode(file);
    Files.delete(file);
  }

  private static String mode(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }

  private static void quantize(Path input, Path target) {
    Quantizer.create()
        .withSync(false)
        .quantize(ModelInput.of(input), QuantizationConfig.DEFAULT, target, true);
  }

  private Path copy(Path file, String name, String mode) throws IOException {
    Path copy = Files.copy(file, folder.resolve(name));
    Files.setPosixFilePermissions(copy, fromString(mode));
    return copy;
  }

  @Test
  void aFileIsAsPrivateAsItsInput() throws IOException {
    for (String name : List.of("out.safetensors", "out.pt")) {
      Path model = name.endsWith("pt") ? Digits.CNN.script("traced") : Digits.CNN.weights();
      Path open = copy(model, "open-" + name, "rw-rw-rw-");
      Path secret = copy(model, "secret-" + name, OWNER);
      Path out = folder.resolve(name);
      quantize(open, out);
      assertThat(mode(out)).isEqualTo(usual);
      quantize(secret, out);
      assertThat(mode(out)).isEqualTo(OWNER);
      // And as the output that it replaces.
      quantize(open, out);
      assertThat(mode(out)).isEqualTo(OWNER);
    }
  }

  @Test
  void aDirectoryIsAsPrivateAsWhatItIsMadeOf() throws IOException {
    Path input = Checkpoint.directory(folder.resolve("in"), 2, 2, 32);
    Path note = Files.writeString(input.resolve("note.txt"), "mine");
    Files.setPosixFilePermissions(note, fromString(OWNER));
    Path out = folder.resolve("out");
    quantize(input, out);
    assertThat(mode(out.resolve("note.txt"))).isEqualTo(OWNER);
    assertThat(mode(out.resolve("config.json"))).isEqualTo(usual);
    Path shard;
    try (Stream<Path> files = Files.list(input)) {
      shard = files.filter(f -> f.toString().endsWith(".safetensors")).findFirst().orElseThrow();
    }
    Files.setPosixFilePermissions(shard, fromString(OWNER));
    Path second = folder.resolve("second");
    quantize(input, second);
    assertThat(mode(second)).isEqualTo("rwx------");
    try (Stream<Path> files = Files.list(second)) {
      for (Path file : files.toList()) {
        assertThat(mode(file)).as(file.toString()).isEqualTo(OWNER);
      }
    }
    Files.setPosixFilePermissions(shard, fromString("rw-r--r--"));
    Files.setPosixFilePermissions(input, fromString("rwx------"));
    Path third = folder.resolve("third");
    quantize(input, third);
    assertThat(mode(third)).isEqualTo("rwx------");
    // The old output had secrets, so the new one may have.
    Files.setPosixFilePermissions(input, fromString("rwxr-xr-x"));
    quantize(input, third);
    assertThat(mode(third)).isEqualTo("rwx------");
    assertThat(mode(third.resolve("config.json"))).isEqualTo(OWNER);
  }
}
