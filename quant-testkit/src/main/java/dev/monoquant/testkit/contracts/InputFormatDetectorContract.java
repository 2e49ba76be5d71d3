package dev.monoquant.testkit.contracts;

import dev.monoquant.core.Plugins;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.testkit.data.ForeignInputs;
import dev.monoquant.testkit.laws.DetectorLaws;
import dev.monoquant.testkit.laws.LawViolation;
import dev.monoquant.testkit.laws.SourceLaws;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

/**
 * Everything that the framework relies on an {@link InputFormatDetector} for, as tests.
 *
 * <pre>{@code
 * class FlatFormatTest implements InputFormatDetectorContract {
 *   @Override
 *   public InputFormatDetector subject() {
 *     return new FlatFormat();
 *   }
 *
 *   @Override
 *   public Path sample(Path folder) throws IOException {
 *     return Files.write(folder.resolve("sample.flat"), ...);
 *   }
 * }
 * }</pre>
 */
public interface InputFormatDetectorContract {

  /** {@return the detector to try} */
  InputFormatDetector subject();

  /**
   * Writes a valid model: a file, or a directory of files. Make it small, a few hundred bytes of
   * header and data; it is damaged in many places, one after the other.
   *
   * @param folder an empty folder
   * @return the model, in that folder, with at least one tensor
   * @throws IOException if it cannot be written
   */
  Path sample(Path folder) throws IOException;

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
      Path model = sample(Files.createDirectory(folder.resolve("sample")));
      for (var law : DetectorLaws.all()) {
        law.check(new DetectorLaws.Case(subject(), ModelInput.of(model), folder));
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
   * All of {@link SourceLaws}, on the sample.
   *
   * @throws IOException if the sample cannot be written
   */
  @Example
  default void readsItsOwn() throws IOException {
    Path folder = Files.createTempDirectory("contract");
    try {
      Path model = sample(folder);
      for (var law : SourceLaws.all()) {
        law.check(new SourceLaws.Case(subject(), model));
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
