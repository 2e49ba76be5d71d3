package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.Quantizer;
import dev.monoquant.spi.ModelInput;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * Processes that are killed (SIGKILL) while they quantize, at random moments: the target is always
 * the old output or the new one, complete; what is left is known by its name and gone after the
 * next run; the input never changes.
 */
@DisabledOnOs(OS.WINDOWS)
class KillTest {

  private static final int ROUNDS = Sweep.count(4, 10);
  private static final int MOST_ROUNDS = 10;
  private static final Pattern LEFT =
      Pattern.compile("\\.out(\\.safetensors)?\\.quant-(\\d+-[0-9a-f]{16}\\.(tmp|old)|lock)");

  @TempDir private Path folder;
  private Path input;
  private Path place;
  private Map<String, String> inputBefore;

  private static QuantizationConfig config(int bits) {
    return QuantizationConfig.builder().scheme("int" + bits).bits(bits).build();
  }

  /**
   * Quantizes to the same target again and again, with 4 and 8 bits by turns, until killed; says
   * when the first run is done, so that no moment falls into the start of the JVM.
   */
  public static final class Child {
    private Child() {}

    public static void main(String[] args) {
      Path target = Path.of(args[1]);
      for (int i = 0; ; i++) {
        if (i == 1) {
          System.out.println("ready");
        }
        Quantizer.create()
            .withSync(i % 4 < 2)
            .quantize(ModelInput.of(Path.of(args[0])), config(i % 2 == 0 ? 4 : 8), target, true);
      }
    }
  }

  @BeforeEach
  void setUp() throws Exception {
    input = Checkpoint.directory(folder.resolve("in"), 3, 4, 128);
    inputBefore = contents(input);
    place = Files.createDirectory(folder.resolve("place"));
  }

  /** The SHA-256 of a file, or of every file below a directory by name. */
  private static Map<String, String> contents(Path path) throws Exception {
    Map<String, String> contents = new TreeMap<>();
    try (Stream<Path> files = Files.walk(path)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        byte[] hash = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file));
        contents.put(path.relativize(file).toString(), HexFormat.of().formatHex(hash));
      }
    }
    return contents;
  }

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(place)) {
      return files.map(f -> f.getFileName().toString()).sorted().toList();
    }
  }

  private Map<String, String> whole(int bits, String name) throws Exception {
    Path path = folder.resolve("whole" + bits + name);
    Quantizer.create().quantize(ModelInput.of(input), config(bits), path, false);
    return contents(path);
  }

  @Test
  @Timeout(120)
  void aFileIsTheOldOneOrTheNewOne() throws Exception {
    kill("out.safetensors");
  }

  @Test
  @Timeout(120)
  void aDirectoryIsTheOldOneOrTheNewOne() throws Exception {
    kill("out");
  }

  private void kill(String name) throws Exception {
    Path target = place.resolve(name);
    List<Map<String, String>> complete = List.of(whole(8, name), whole(4, name));
    Quantizer.create().quantize(ModelInput.of(input), config(8), target, false);
    long seed = System.nanoTime();
    Random random = new Random(seed);
    int leftSomething = 0;
    // A round that is killed between two runs leaves nothing, and another one takes its place.
    for (int round = 0; round < ROUNDS || (leftSomething == 0 && round < MOST_ROUNDS); round++) {
      String message = "seed " + seed + ", round " + round;
      killOne(target, random.nextInt(250));
      assertThat(contents(input)).as(message).isEqualTo(inputBefore);
      boolean movedAway = false;
      for (String left : names()) {
        if (!left.equals(name)) {
          assertThat(left).as(message).matches(LEFT);
          leftSomething++;
          movedAway |= left.endsWith(".old");
        }
      }
      if (Files.exists(target)) {
        assertThat(complete).as(message).contains(contents(target));
      } else {
        // Between the two renames of a directory; the next run puts the old one back.
        assertThat(movedAway).as(message).isTrue();
      }
      int bits = round % 2 == 0 ? 8 : 4;
      Quantizer next = Quantizer.create().withResume(name.equals("out") && round % 3 == 0);
      try {
        next.quantize(ModelInput.of(input), config(bits), target, true);
      } catch (dev.monoquant.OutputException otherRun) {
        // Half of the time the killed run had the other configuration.
        assertThat(otherRun).as(message).hasMessageContaining("cannot be resumed");
        Quantizer.create().quantize(ModelInput.of(input), config(bits), target, true);
      }
      assertThat(names()).as(message).containsExactly(name);
      assertThat(contents(target)).as(message).isEqualTo(complete.get(round % 2));
    }
    assertThat(leftSomething).as("killed at moments that matter, seed " + seed).isPositive();
    assertThat(Quantizer.create().verify(target, Optional.of(ModelInput.of(input))).differences())
        .isEmpty();
  }

  private void killOne(Path target, int afterMillis) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(System.getProperty("java.home") + File.separator + "bin" + File.separator + "java");
    command.addAll(List.of("-Xshare:auto", "-XX:TieredStopAtLevel=1", "-Xmx128m", "-cp"));
    command.add(System.getProperty("java.class.path"));
    command.add(Child.class.getName());
    command.addAll(List.of(input.toString(), target.toString()));
    Process child = new ProcessBuilder(command).redirectErrorStream(true).start();
    try (BufferedReader said = child.inputReader(StandardCharsets.UTF_8)) {
      String line = said.readLine();
      assertThat(line).isEqualTo("ready");
      Thread.sleep(afterMillis);
      assertThat(child.isAlive()).isTrue();
    } finally {
      child.destroyForcibly().waitFor();
    }
  }
}
