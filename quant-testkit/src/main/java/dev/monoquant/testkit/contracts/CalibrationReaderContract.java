package dev.monoquant.testkit.contracts;

import dev.monoquant.spi.CalibrationReader;
import dev.monoquant.spi.InputStatistics;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.testkit.data.ForeignInputs;
import dev.monoquant.testkit.laws.CalibrationLaws;
import dev.monoquant.testkit.laws.CalibrationReaderLaws;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.lifecycle.AddLifecycleHook;

/**
 * Tests of all requirements of the framework on a {@link CalibrationReader}.
 *
 * <pre>{@code
 * class OwnStatisticsTest implements CalibrationReaderContract {
 *   public CalibrationReader subject() {
 *     return new OwnStatistics();
 *   }
 *
 *   public Path sample(Path folder) throws IOException {
 *     return Files.write(folder.resolve("sample.stats"), ...);
 *   }
 *
 *   public List<InputStatistics> truth() {
 *     return List.of(InputStatistics.of("fc").withRows(70).withMeanSquares(4, 9));
 *   }
 * }
 * }</pre>
 */
@AddLifecycleHook(Judging.class)
public interface CalibrationReaderContract {

  /** {@return the reader to try} */
  CalibrationReader subject();

  /**
   * Makes a valid file. Make it small, a few hundred bytes; it is damaged in many places, one after
   * the other.
   *
   * @param folder an empty folder
   * @return the file
   * @throws IOException if it cannot be written
   */
  Path sample(Path folder) throws IOException;

  /** {@return the statistics of every layer of the sample, as means over the rows} */
  List<InputStatistics> truth();

  /**
   * Makes a file with a mean square, or an end of a range, that is NaN.
   *
   * @param folder an empty folder
   * @return the file; empty if the format cannot hold NaN
   * @throws IOException if it cannot be written
   */
  default Optional<Path> notANumber(Path folder) throws IOException {
    return Optional.empty();
  }

  /** {@return whether it is registered and found by its id} */
  default boolean registered() {
    return true;
  }

  /** The plugin is found by its id, and has the same class. */
  @Example
  default void isRegistered() {
    Judging.judgeRegistered(registered(), subject().id(), subject());
  }

  /** All of {@link CalibrationReaderLaws#all}, on {@link ForeignInputs} and on the sample. */
  @Example
  default void obeysItsLawsOnForeignFiles() {
    TemporaryFolder.use(
        folder -> {
          for (ModelInput input :
              ForeignInputs.in(Files.createDirectory(folder.resolve("other")))) {
            if (input instanceof ModelInput.OfPath of && Files.isRegularFile(of.path())) {
              requireLaws(of.path(), folder);
            }
          }
          requireLaws(sample(Files.createDirectory(folder.resolve("sample"))), folder);
        });
  }

  /**
   * All of {@link CalibrationReaderLaws#all}, on a file of any bytes.
   *
   * @param bytes generated
   */
  @Property(tries = 100)
  default void obeysItsLawsOnAnyBytes(@ForAll byte[] bytes) {
    TemporaryFolder.use(folder -> requireLaws(Files.write(folder.resolve("any"), bytes), folder));
  }

  private void requireLaws(Path file, Path folder) {
    var c = new CalibrationReaderLaws.Case(subject(), file, folder);
    CalibrationReaderLaws.all().forEach(law -> law.check(c));
  }

  /** See {@link CalibrationReaderLaws#probeMatchesItsOwn}. */
  @Example
  default void probeMatchesItsOwn() {
    onSample(CalibrationReaderLaws::probeMatchesItsOwn);
  }

  /** See {@link CalibrationLaws#probeReadsLittle}. */
  @Example
  default void probeReadsLittle() {
    onSample(CalibrationLaws::probeReadsLittle);
  }

  /** See {@link CalibrationLaws#readsWhatWasMeasured}. */
  @Example
  default void readsWhatWasMeasured() {
    onSample(CalibrationLaws::readsWhatWasMeasured);
  }

  /** See {@link CalibrationLaws#unitsAgree}. */
  @Example
  default void unitsAgree() {
    onSample(CalibrationLaws::unitsAgree);
  }

  /** See {@link CalibrationLaws#answersAlike}. */
  @Example
  default void answersAlike() {
    onSample(CalibrationLaws::answersAlike);
  }

  /** See {@link CalibrationLaws#readsInSeveralThreads}. */
  @Example
  default void readsInSeveralThreads() {
    onSample(CalibrationLaws::readsInSeveralThreads);
  }

  /** See {@link CalibrationLaws#hashCoversStatistics}. */
  @Example
  default void hashCoversStatistics() {
    onSample(CalibrationLaws::hashCoversStatistics);
  }

  /** See {@link CalibrationLaws#damageIsReported}. */
  @Example
  default void damageIsReported() {
    onSample(CalibrationLaws::damageIsReported);
  }

  /** See {@link CalibrationLaws#nonFiniteIsRefused}. */
  @Example
  default void nonFiniteIsRefused() {
    TemporaryFolder.use(
        folder -> {
          Optional<Path> file = notANumber(folder);
          Judging.judge(
              "nonFiniteIsRefused",
              file.isPresent(),
              "notANumber() makes no file",
              () ->
                  CalibrationLaws.nonFiniteIsRefused(
                      new CalibrationReaderLaws.Sample(subject(), file.orElseThrow(), List.of())));
        });
  }

  private void onSample(Consumer<CalibrationReaderLaws.Sample> law) {
    TemporaryFolder.use(
        folder -> law.accept(new CalibrationReaderLaws.Sample(subject(), sample(folder), truth())));
  }
}
