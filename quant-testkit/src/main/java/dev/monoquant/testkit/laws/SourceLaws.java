package dev.monoquant.testkit.laws;

import dev.monoquant.QuantException;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.testkit.data.OptionSamples;
import dev.monoquant.testkit.fakes.LiveArrays;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Laws for an {@link InputFormatDetector} and the {@link ModelSource} that it opens from a valid
 * model. {@link ReadingLaws} check its bytes, {@link DamageLaws} damaged copies of it.
 *
 * <p>The model is read many times and its tensors are held in memory: use a small one.
 */
public final class SourceLaws {

  private SourceLaws() {}

  /** {@return every law for models of the format, intact and damaged, the simplest first} */
  public static List<Law<SourceCase>> all() {
    List<Law<SourceCase>> laws = new ArrayList<>(aboutWholeModels());
    laws.addAll(DamageLaws.all());
    return laws;
  }

  /** {@return the laws of this class and those of {@link ReadingLaws} that hold for all models} */
  public static List<Law<SourceCase>> aboutWholeModels() {
    return List.of(
        // First, because a permanent change is visible only once.
        new Law<>("readingChangesNothing", SourceLaws::readingChangesNothing),
        new Law<>("opensItsSample", SourceLaws::opensItsSample),
        new Law<>("tensorNamesAreUnique", SourceLaws::tensorNamesAreUnique),
        new Law<>("readsTheRequestedBytes", ReadingLaws::readsTheRequestedBytes),
        new Law<>("openingRepeats", SourceLaws::openingRepeats),
        new Law<>("piecesEqualTheWhole", ReadingLaws::piecesEqualTheWhole),
        new Law<>("rowsEqualTheBytes", ReadingLaws::rowsEqualTheBytes),
        new Law<>("closeIsIdempotent", SourceLaws::closeIsIdempotent),
        new Law<>("threadsDoNotMatter", ReadingLaws::threadsDoNotMatter),
        new Law<>("noOptionsOpenAsDefaults", SourceLaws::noOptionsOpenAsDefaults),
        new Law<>("optionsAreTakenOrRefused", SourceLaws::optionsAreTakenOrRefused));
  }

  /**
   * The model is recognised, opens, and has tensors.
   *
   * @param c a valid model
   */
  public static void opensItsSample(SourceCase c) {
    String law = "opensItsSample";
    if (c.detector().probe(c.model()) == Match.NONE) {
      throw new LawViolation(law, c, "probe returns NONE");
    }
    try (ModelSource source = c.open()) {
      if (source.info().tensors().isEmpty() && source.info().quantized().isEmpty()) {
        throw new LawViolation(law, c, "the model has no tensors");
      }
    } catch (IOException | RuntimeException e) {
      throw new LawViolation(law, c, e.toString(), e);
    }
  }

  /**
   * All tensors, including quantized weights, have unique names.
   *
   * @param c a valid model
   */
  public static void tensorNamesAreUnique(SourceCase c) {
    Set<String> names = new HashSet<>();
    Sources.with(
        c,
        source -> {
          source.info().tensors().forEach(tensor -> requireNew(c, names, tensor.name()));
          source.info().quantized().forEach(weight -> requireNew(c, names, weight.name()));
        });
  }

  private static void requireNew(SourceCase c, Set<String> names, String name) {
    if (!names.add(name)) {
      throw new LawViolation("tensorNamesAreUnique", c, "two tensors have the name " + name);
    }
  }

  /**
   * Opened without options, the model is the same as with explicit or implicit defaults.
   *
   * @param c a valid model
   */
  public static void noOptionsOpenAsDefaults(SourceCase c) {
    String law = "noOptionsOpenAsDefaults";
    OptionValues said = OptionSamples.each(c.detector().options()).get(0);
    try (ModelSource plain = c.detector().open(c.model(), ReadLimits.DEFAULT)) {
      for (OptionValues defaults : List.of(OptionValues.DEFAULTS, said)) {
        try (ModelSource source = c.open(defaults)) {
          if (!same(source, plain)) {
            throw new LawViolation(law, c, "with the options " + defaults + " the model differs");
          }
        }
      }
    } catch (IOException | QuantException e) {
      throw new LawViolation(law, c, e.toString(), e);
    }
  }

  /**
   * Every allowed value of an option is accepted, or refused with a {@link QuantException} because
   * the option does not apply to this model.
   *
   * @param c a valid model
   */
  public static void optionsAreTakenOrRefused(SourceCase c) {
    for (OptionValues options : OptionSamples.each(c.detector().options())) {
      try (ModelSource source = c.open(options)) {
        Sources.content(source);
      } catch (IOException | RuntimeException e) {
        if (!(e instanceof QuantException)) {
          throw new LawViolation("optionsAreTakenOrRefused", c, options + ": " + e, e);
        }
      }
    }
  }

  private static boolean same(ModelSource a, ModelSource b) throws IOException {
    return a.info().tensors().equals(b.info().tensors())
        && a.info().metadata().equals(b.info().metadata())
        && Sources.same(Sources.content(a), Sources.content(b));
  }

  /**
   * Two sources that are open at the same time have the same tensors, bytes and metadata.
   *
   * @param c a valid model
   */
  public static void openingRepeats(SourceCase c) {
    Sources.with(
        c,
        first ->
            Sources.with(
                c,
                again -> {
                  if (!same(again, first)) {
                    throw new LawViolation("openingRepeats", c, "opened again, the model differs");
                  }
                }));
  }

  /**
   * A source may be closed twice, and the model can then be opened again.
   *
   * @param c a valid model
   */
  public static void closeIsIdempotent(SourceCase c) {
    Sources.with(
        c,
        source -> {
          source.close();
          try {
            source.close();
          } catch (RuntimeException e) {
            throw new LawViolation("closeIsIdempotent", c, "a second close throws " + e, e);
          }
        });
    Sources.with(c, ModelSource::info);
  }

  /**
   * Opening, reading and closing change and create no file, and do not change live objects.
   *
   * @param c a valid model
   */
  public static void readingChangesNothing(SourceCase c) {
    String law = "readingChangesNothing";
    Map<String, String> arrays = LiveState.of(c.model());
    Sources.with(c, Sources::content);
    DetectorLaws.requireSame(law, c, arrays, LiveState.of(c.model()));
    c.path()
        .ifPresent(
            path ->
                Folders.temporary(
                    folder -> {
                      Path copy = Folders.copy(path, folder);
                      Map<String, String> before = Folders.snapshot(folder);
                      try (ModelSource source = c.open(copy)) {
                        Sources.content(source);
                      }
                      DetectorLaws.requireSame(law, c, before, Folders.snapshot(folder));
                    }));
  }

  /**
   * A closed source leaves no array open. Needs an engine. No other thread may use arrays
   * meanwhile.
   *
   * @param c a valid model
   */
  public static void leavesNoArrays(SourceCase c) {
    Sources.with(c, Sources::content); // The first call may create and keep constants.
    int before = LiveArrays.count();
    Sources.with(c, Sources::content);
    int after = LiveArrays.count();
    if (after != before) {
      throw new LawViolation(
          "leavesNoArrays",
          c,
          "%d arrays are open, %d were before the call".formatted(after, before));
    }
  }
}
