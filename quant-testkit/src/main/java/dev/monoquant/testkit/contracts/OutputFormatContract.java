package dev.monoquant.testkit.contracts;

import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.Plugins;
import dev.monoquant.testkit.data.EncodedSamples;
import dev.monoquant.testkit.laws.LawViolation;
import dev.monoquant.testkit.laws.OutputCase;
import dev.monoquant.testkit.laws.OutputFormatLaws;
import dev.monoquant.testkit.laws.ReadBackLaws;
import dev.monoquant.testkit.laws.TransactionLaws;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import net.jqwik.api.Example;
import net.jqwik.api.lifecycle.AddLifecycleHook;

/**
 * Tests of all requirements of the framework on an {@link OutputFormat}.
 *
 * <pre>{@code
 * class FlatOutputTest implements OutputFormatContract {
 *   public OutputFormat subject() {
 *     return new FlatOutput();
 *   }
 *
 *   public String targetName() {
 *     return "out.flat";
 *   }
 * }
 * }</pre>
 */
@AddLifecycleHook(Judging.class)
public interface OutputFormatContract {

  /** {@return the format to try} */
  OutputFormat subject();

  /** {@return the name of a file or directory that the format accepts, or can write} */
  String targetName();

  /** {@return whether the format accepts targets by their names; if not, users name the format} */
  default boolean isChosenByName() {
    return true;
  }

  /** {@return weights that the format supports, at least one} */
  default List<EncodedWeight> weights() {
    return EncodedSamples.ordinary();
  }

  /** {@return the detector for the format, if there is one} */
  default Optional<InputFormatDetector> reader() {
    return Optional.empty();
  }

  /** {@return whether an interrupted run can be resumed} */
  default boolean resumes() {
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
    OutputFormat subject = subject();
    if (Plugins.load().outputFormat(subject.id()).getClass() != subject.getClass()) {
      throw new LawViolation(
          "isRegistered", subject.getClass().getName(), subject.id() + " is of another class");
    }
  }

  /** The format accepts its target, if it accepts any by its name. */
  @Example
  default void acceptsItsTarget() {
    if (subject().accepts(Path.of(targetName())) != isChosenByName()) {
      throw new LawViolation(
          "acceptsItsTarget",
          subject().id(),
          targetName() + (isChosenByName() ? " is not accepted" : " is accepted"));
    }
  }

  /** All of {@link TransactionLaws}. */
  @Example
  default void isATransaction() {
    for (var law : TransactionLaws.all()) {
      law.check(new OutputCase(subject(), targetName(), weights()));
    }
  }

  /** {@link TransactionLaws#resumes}, or {@link TransactionLaws#refusesToResume}. */
  @Example
  default void resumesOrRefusesToResume() {
    OutputCase c = new OutputCase(subject(), targetName(), weights());
    if (resumes()) {
      TransactionLaws.resumes(c);
    } else {
      TransactionLaws.refusesToResume(c);
    }
  }

  /** All of {@link OutputFormatLaws}. */
  @Example
  default void keepsTheLaws() {
    for (var law : OutputFormatLaws.all()) {
      law.check(new OutputCase(subject(), targetName(), weights()));
      law.check(new OutputCase(subject(), targetName(), List.of()));
    }
  }

  /** See {@link ReadBackLaws#readsBack}. */
  @Example
  default void readsBack() {
    Judging.judge(
        "readsBack",
        reader().isPresent(),
        "reader() is empty",
        () ->
            ReadBackLaws.readsBack(
                new OutputCase(subject(), targetName(), weights()), reader().orElseThrow()));
  }
}
