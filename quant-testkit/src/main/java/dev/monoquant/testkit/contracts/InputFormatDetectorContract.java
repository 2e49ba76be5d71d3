package dev.monoquant.testkit.contracts;

import ai.djl.ndarray.NDManager;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.Plugins;
import dev.monoquant.testkit.data.ForeignInputs;
import dev.monoquant.testkit.data.LiveInputs;
import dev.monoquant.testkit.laws.DetectorLaws;
import dev.monoquant.testkit.laws.LawViolation;
import dev.monoquant.testkit.laws.ReadingLaws;
import dev.monoquant.testkit.laws.SourceLaws;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

/**
 * Everything that the framework relies on an {@link InputFormatDetector} for, as tests.
 *
 * <pre>{@code
 * class FlatFormatTest implements InputFormatDetectorContract {
 *   public InputFormatDetector subject() {
 *     return new FlatFormat();
 *   }
 *
 *   public ModelInput sample(Path folder) throws IOException {
 *     return ModelInput.of(Files.write(folder.resolve("sample.flat"), ...));
 *   }
 * }
 * }</pre>
 */
public interface InputFormatDetectorContract {

  /** {@return the detector to try} */
  InputFormatDetector subject();

  /**
   * Makes a valid model: a file, a directory of files, or a live object. Make it small, a few
   * hundred bytes of header and data; files are damaged in many places, one after the other.
   *
   * @param folder an empty folder for its files
   * @return the model with at least one tensor
   * @throws IOException if it cannot be written
   */
  ModelInput sample(Path folder) throws IOException;

  /**
   * {@return the bytes of plain tensors of the sample by name, little-endian; put a NaN among them}
   */
  default Map<String, byte[]> truth() {
    return Map.of();
  }

  /** {@return whether an engine is at hand to try live objects with arrays, which starts it} */
  default boolean usesArrays() {
    return false;
  }

  /** {@return whether it is found by its id} */
  default boolean registered() {
    return true;
  }

  /** It is found by its id, and is of the same class. */
  @Example
  default void isRegistered() {
    InputFormatDetector subject = subject();
    if (registered() && Plugins.load().inputFormat(subject.id()).getClass() != subject.getClass()) {
      throw new LawViolation(
          "isRegistered", subject.getClass().getName(), subject.id() + " is of another class");
    }
  }

  /**
   * All of {@link DetectorLaws}, on {@link ForeignInputs} and on the sample.
   *
   * @throws IOException if the inputs cannot be written
   */
  @Example
  default void staysCalmOnForeignInputs() throws IOException {
    Path folder = Files.createTempDirectory("contract");
    try {
      List<ModelInput> foreign = ForeignInputs.in(Files.createDirectory(folder.resolve("foreign")));
      for (var law : DetectorLaws.all()) {
        for (ModelInput input : foreign) {
          law.check(new DetectorLaws.Case(subject(), input, folder));
        }
      }
      ModelInput model = sample(Files.createDirectory(folder.resolve("sample")));
      for (var law : DetectorLaws.all()) {
        law.check(new DetectorLaws.Case(subject(), model, folder));
      }
    } finally {
      delete(folder);
    }
  }

  /**
   * All of {@link DetectorLaws}, on {@link LiveInputs}.
   *
   * @throws IOException if there are no temporary folders
   */
  @Example
  default void staysCalmOnLiveInputs() throws IOException {
    if (!usesArrays()) {
      return;
    }
    Path folder = Files.createTempDirectory("contract");
    try (NDManager manager = NDManager.newBaseManager()) {
      for (ModelInput input : LiveInputs.in(manager)) {
        for (var law : DetectorLaws.all()) {
          law.check(new DetectorLaws.Case(subject(), input, folder));
        }
      }
    } finally {
      delete(folder);
    }
  }

  /**
   * All of {@link DetectorLaws}, on a file of any bytes.
   *
   * @param bytes generated
   * @throws IOException if the file cannot be written
   */
  @Property(tries = 100)
  default void staysCalmOnAnyBytes(@ForAll byte[] bytes) throws IOException {
    Path folder = Files.createTempDirectory("contract");
    try {
      Path file = Files.write(folder.resolve("any"), bytes);
      for (var law : DetectorLaws.all()) {
        law.check(new DetectorLaws.Case(subject(), ModelInput.of(file), folder));
      }
    } finally {
      delete(folder);
    }
  }

  /**
   * All of {@link SourceLaws}, and {@link ReadingLaws#readsTheTruth}, on the sample.
   *
   * @throws IOException if the sample cannot be written
   */
  @Example
  default void readsItsOwn() throws IOException {
    Path folder = Files.createTempDirectory("contract");
    try {
      SourceLaws.Case c = new SourceLaws.Case(subject(), sample(folder));
      for (var law : SourceLaws.all()) {
        law.check(c);
      }
      ReadingLaws.readsTheTruth(c, truth());
      if (usesArrays()) {
        SourceLaws.leavesNoArrays(c);
      }
    } finally {
      delete(folder);
    }
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> paths = Files.walk(folder)) {
      for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }
}
