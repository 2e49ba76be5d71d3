package dev.monoquant.io.torch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.ModelFormatException;
import dev.monoquant.files.testing.Fuzz;
import dev.monoquant.files.testing.PickleText;
import dev.monoquant.files.testing.ZipText;
import dev.monoquant.io.checkpoint.TorchCheckpointFormat;
import dev.monoquant.io.torchscript.TorchScriptFormat;
import dev.monoquant.spi.InputFormatDetector;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files made to use up memory or time, and the whole corpus, in a JVM with a heap of 40 MB. */
class HostileFilesTest {

  @TempDir Path folder;

  @Test
  void aSmallHeapIsEnough() throws Exception {
    write("stride0", tensors(1, 1L << 40, 0));
    write("huge-storage", tensors(1L << 60, 1L << 60, 1));
    write("deep", nested(200_000));
    write("doubling-tuples", doubling(60));
    write("doubling-dicts", doublingDicts(60));
    write("wide-doubling", wide(2000, 5));
    write("marks", repeated('(', 300_000));
    write("lists", repeated(']', 300_000));
    write("dups", repeated('2', 300_000));
    write("memo", memo(100_000));
    write("wrapped", wrapped(50_000));
    write("strings", new PickleText().bytes(new byte[] {'T', -1, -1, -1, 0x7f}).stop());
    Path log = Files.createTempFile("hostile", ".log");
    Process child =
        new ProcessBuilder(
                System.getProperty("java.home") + File.separator + "bin" + File.separator + "java",
                "-Xmx40m",
                "-Xss512k",
                "-cp",
                System.getProperty("java.class.path"),
                Reads.class.getName(),
                folder.toString(),
                TorchCorpusTest.corpus().toString(),
                TorchOracleTest.oracle("").toString())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    // Seconds are enough; this is for a reader that hangs.
    boolean ended = child.waitFor(5, TimeUnit.MINUTES);
    child.destroyForcibly();
    String said = Files.readString(log);
    assertThat(ended).as(said).isTrue();
    assertThat(child.exitValue()).as(said).isEqualTo(0);
    Files.delete(log);
    assertThat(said.lines().filter(l -> l.startsWith("hostile "))).hasSize(12);
  }

  private void write(String name, byte[] pickle) throws IOException {
    Files.write(folder.resolve(name), ZipText.checkpoint(pickle, new byte[4]).build());
  }

  private static byte[] tensors(long elements, long size, long stride) {
    return new PickleText()
        .op('}')
        .text("w")
        .tensor("Float", "0", elements, 0, new long[] {size}, new long[] {stride})
        .op('s')
        .stop();
  }

  private static byte[] nested(int depth) {
    PickleText out = new PickleText().op(')');
    for (int i = 0; i < depth; i++) {
      out.op(0x85);
    }
    return out.stop();
  }

  private static byte[] doubling(int times) {
    PickleText out = new PickleText().op(')');
    for (int i = 0; i < times; i++) {
      out.op('2').op(0x86);
    }
    return out.stop();
  }

  private static byte[] doublingDicts(int times) {
    PickleText out = new PickleText().op('N');
    for (int i = 0; i < times; i++) {
      out.op('q').op(0).op('0').op('}').op('(');
      out.text("a").op('h').op(0).text("b").op('h').op(0).op('u');
    }
    return out.stop();
  }

  /** A tuple of so many times the tuple below, which is made the same way. */
  private static byte[] wide(int width, int depth) {
    PickleText out = new PickleText().op(')').op('q').op(0);
    for (int i = 0; i < depth; i++) {
      out.op('0').op('(');
      for (int j = 0; j < width; j++) {
        out.op('h').op(0);
      }
      out.op('t').op('q').op(0);
    }
    return out.stop();
  }

  private static byte[] repeated(char opcode, int times) {
    PickleText out = new PickleText().op('N');
    for (int i = 0; i < times; i++) {
      out.op(opcode);
    }
    return out.stop();
  }

  private static byte[] memo(int times) {
    PickleText out = new PickleText().op('N');
    for (int i = 0; i < times; i++) {
      out.op('r').bytes((byte) i, (byte) (i >> 8), (byte) (i >> 16), (byte) 0x80);
    }
    return out.stop();
  }

  private static byte[] wrapped(int times) {
    PickleText out = new PickleText().op('}').text("w");
    for (int i = 0; i < times; i++) {
      out.global("torch._utils", "_rebuild_parameter");
    }
    out.tensor("Float", "0", 1, 0, new long[] {1}, new long[] {1});
    for (int i = 0; i < times; i++) {
      out.op(0x89).op('N').op(0x87).op('R');
    }
    return out.op('s').stop();
  }

  /** Reads every file below some folders, by both readers; anything but a refusal ends it. */
  public static final class Reads {
    private Reads() {}

    public static void main(String[] folders) throws IOException {
      List<InputFormatDetector> detectors =
          List.of(new TorchCheckpointFormat(), new TorchScriptFormat());
      for (int i = 0; i < folders.length; i++) {
        List<Path> files = new ArrayList<>();
        try (Stream<Path> walk = Files.walk(Path.of(folders[i]))) {
          walk.filter(Files::isRegularFile).forEach(files::add);
        }
        for (Path file : files) {
          for (InputFormatDetector detector : detectors) {
            Optional<ModelFormatException> refusal = Fuzz.read(detector, file);
            if (i == 0 && detector instanceof TorchCheckpointFormat) {
              System.out.println(
                  (refusal.isPresent() ? "hostile " : "accepted ") + file.getFileName());
            }
          }
        }
      }
    }
  }
}
