package dev.monoquant.files.testing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.ModelFormatException;
import dev.monoquant.files.pickle.PickleReader;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.files.pickle.PickleWriter;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** Writes values as pickles, reads them again, and requires the same graph and the same bytes. */
public final class PickleRoundTrip {

  private PickleRoundTrip() {}

  /** {@return the pickle of a value} */
  public static byte[] write(PickleValue value) {
    return PickleWriter.write(value, "test", "data.pkl");
  }

  /** {@return the pickle of a value, which was read again and found to be the same} */
  public static byte[] of(PickleValue value) {
    byte[] pickle = write(value);
    PickleValue again = read(pickle);
    SamePickle.require(value, again);
    assertThat(write(again)).isEqualTo(pickle);
    return pickle;
  }

  /**
   * Tries every pickle below a folder, in archives too; those that are damaged on purpose are left
   * out.
   *
   * @return how many pickles were tried
   */
  public static int ofFilesIn(Path folder) throws IOException {
    int tried = 0;
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
        for (byte[] pickle : pickles(file)) {
          tried += tried(pickle) ? 1 : 0;
        }
      }
    }
    return tried;
  }

  private static boolean tried(byte[] pickle) {
    PickleValue value;
    try {
      value = read(pickle);
    } catch (ModelFormatException damagedOnPurpose) {
      return false;
    }
    byte[] written = of(value);
    if (pickle[1] == 2) {
      assertThat(written[1]).isEqualTo((byte) 2);
    }
    return true;
  }

  private static PickleValue read(byte[] pickle) {
    return PickleReader.readAll(
        ByteBuffer.wrap(pickle), "test", "data.pkl", ReadLimits.DEFAULT, g -> true);
  }

  private static List<byte[]> pickles(Path file) throws IOException {
    if (file.toString().endsWith(".pkl")) {
      return List.of(Files.readAllBytes(file));
    }
    List<byte[]> found = new ArrayList<>();
    try (ZipFile zip = new ZipFile(file.toFile())) {
      for (ZipEntry entry : Collections.list(zip.entries())) {
        if (entry.getName().endsWith(".pkl")) {
          try (InputStream in = zip.getInputStream(entry)) {
            found.add(in.readAllBytes());
          }
        }
      }
    } catch (IOException noArchiveOrDamaged) {
      return found;
    }
    return found;
  }
}
