package dev.monoquant.testkit.contracts;

import ai.djl.ndarray.NDManager;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.Plugins;
import dev.monoquant.testkit.data.ForeignInputs;
import dev.monoquant.testkit.data.LiveInputs;
import dev.monoquant.testkit.laws.DamageLaws;
import dev.monoquant.testkit.laws.DetectorLaws;
import dev.monoquant.testkit.laws.LawViolation;
import dev.monoquant.testkit.laws.ReadingLaws;
import dev.monoquant.testkit.laws.SourceCase;
import dev.monoquant.testkit.laws.SourceLaws;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.lifecycle.AddLifecycleHook;

/**
 * Tests of all requirements of the framework on an {@link InputFormatDetector}.
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
@AddLifecycleHook(Judging.class)
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

  /** {@return the bytes of plain tensors of the sample by name, little-endian; include a NaN} */
  default Map<String, byte[]> truth() {
    return Map.of();
  }

  /** {@return whether an engine is available for live objects with arrays; true starts it} */
  default boolean usesArrays() {
    return false;
  }

  /** {@return whether it is registered and found by its id} */
  default boolean registered() {
    return true;
  }

  /** The plugin is found by its id, and has the same class. */
  @Example
  default void isRegistered() {
    Judging.judge("isRegistered", registered(), "registered() is false", this::requireRegistered);
  }

  private void requireRegistered() {
    InputFormatDetector subject = subject();
    if (Plugins.load().inputFormat(subject.id()).getClass() != subject.getClass()) {
      throw new LawViolation(
          "isRegistered", subject.getClass().getName(), subject.id() + " is of another class");
    }
  }

  /** All of {@link DetectorLaws}, on {@link ForeignInputs} and on the sample. */
  @Example
  default void obeysItsLawsOnForeignInputs() {
    TemporaryFolder.use(
        folder -> {
          List<ModelInput> inputs =
              new ArrayList<>(ForeignInputs.in(Files.createDirectory(folder.resolve("foreign"))));
          inputs.add(sample(Files.createDirectory(folder.resolve("sample"))));
          for (var law : DetectorLaws.all()) {
            for (ModelInput input : inputs) {
              law.check(new DetectorLaws.Case(subject(), input, folder));
            }
          }
        });
  }

  /** All of {@link DetectorLaws}, on {@link LiveInputs}. */
  @Example
  default void obeysItsLawsOnLiveInputs() {
    Judging.judge(
        "obeysItsLawsOnLiveInputs",
        usesArrays(),
        "usesArrays() is false",
        this::requireLawsOnLiveInputs);
  }

  private void requireLawsOnLiveInputs() {
    TemporaryFolder.use(
        folder -> {
          try (NDManager manager = NDManager.newBaseManager()) {
            for (ModelInput input : LiveInputs.in(manager)) {
              for (var law : DetectorLaws.all()) {
                law.check(new DetectorLaws.Case(subject(), input, folder));
              }
            }
          }
        });
  }

  /**
   * All of {@link DetectorLaws}, on a file of any bytes.
   *
   * @param bytes generated
   */
  @Property(tries = 100)
  default void obeysItsLawsOnAnyBytes(@ForAll byte[] bytes) {
    TemporaryFolder.use(
        folder -> {
          Path file = Files.write(folder.resolve("any"), bytes);
          for (var law : DetectorLaws.all()) {
            law.check(new DetectorLaws.Case(subject(), ModelInput.of(file), folder));
          }
        });
  }

  /** See {@link SourceLaws#aboutWholeModels}, on the sample. */
  @Example
  default void readsItsSample() {
    onSample(c -> SourceLaws.aboutWholeModels().forEach(law -> law.check(c)));
  }

  /** See {@link ReadingLaws#readsTheWrittenBytes}. */
  @Example
  default void readsTheWrittenBytes() {
    onSample(c -> Judging.judge(() -> ReadingLaws.readsTheWrittenBytes(c, truth())));
  }

  /** See {@link DamageLaws#probeReadsTheBeginning}. */
  @Example
  default void probeReadsTheBeginning() {
    onSample(c -> Judging.judge(() -> DamageLaws.probeReadsTheBeginning(c)));
  }

  /** See {@link DamageLaws#damageIsReported}. */
  @Example
  default void damageIsReported() {
    onSample(c -> Judging.judge(() -> DamageLaws.damageIsReported(c)));
  }

  /** See {@link DamageLaws#truncationIsNoticed}. */
  @Example
  default void truncationIsNoticed() {
    onSample(c -> Judging.judge(() -> DamageLaws.truncationIsNoticed(c)));
  }

  /** See {@link SourceLaws#leavesNoArrays}. */
  @Example
  default void leavesNoArrays() {
    onSample(
        c ->
            Judging.judge(
                "leavesNoArrays",
                usesArrays(),
                "usesArrays() is false",
                () -> SourceLaws.leavesNoArrays(c)));
  }

  private void onSample(Consumer<SourceCase> laws) {
    TemporaryFolder.use(folder -> laws.accept(new SourceCase(subject(), sample(folder))));
  }
}
