package dev.monoquant.testkit.laws;

import dev.monoquant.ModelFormatException;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.testkit.Repeatable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Laws for an {@link InputFormatDetector} and any inputs. The sources that it opens must satisfy
 * {@link SourceLaws}.
 */
public final class DetectorLaws {

  private DetectorLaws() {}

  /**
   * A detector and an input of any kind.
   *
   * @param detector the subject
   * @param input the input to probe
   * @param folder the folder of the files, to detect changes
   */
  public record Case(InputFormatDetector detector, ModelInput input, Path folder)
      implements Repeatable {

    /** Longer files are generated, and their name identifies them. */
    private static final int SPELLED_OUT = 100;

    /** The result of probing; empty if it throws, which only one law checks. */
    Optional<Match> probe() {
      try {
        return Optional.of(detector.probe(input));
      } catch (RuntimeException e) {
        return Optional.empty();
      }
    }

    /**
     * {@return the expression, with the bytes of short files; longer files have their name from
     * {@code ForeignInputs.in(folder)}, and live objects their description}
     */
    @Override
    public String expression() {
      String made = "LiveInputs.in(manager) /* " + input.describe() + " */";
      if (input instanceof ModelInput.OfPath of) {
        made = "ModelInput.of(" + file(of.path()) + ")";
      }
      return "new DetectorLaws.Case(%s, %s, folder)".formatted(Repeatable.creation(detector), made);
    }

    private static String file(Path path) {
      String file =
          "folder.resolve(" + Repeatable.literal(String.valueOf(path.getFileName())) + ")";
      try {
        if (!Files.isRegularFile(path) || Files.size(path) > SPELLED_OUT) {
          return file;
        }
        String hex = HexFormat.of().formatHex(Files.readAllBytes(path));
        return "Files.write(%s, HexFormat.of().parseHex(\"%s\"))".formatted(file, hex);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public String toString() {
      return "%s (%s) on %s"
          .formatted(detector.id(), detector.getClass().getName(), input.describe());
    }
  }

  /** {@return every law about foreign inputs, the simplest first} */
  public static List<Law<Case>> all() {
    return List.of(
        new Law<>("idIsValid", c -> idIsValid(c.detector())),
        new Law<>("optionsAreDescribed", c -> optionsAreDescribed(c.detector())),
        // First, because a permanent change is visible only at the first probe.
        new Law<>("probeChangesNothing", DetectorLaws::probeChangesNothing),
        new Law<>("probeNeverThrows", DetectorLaws::probeNeverThrows),
        new Law<>("probeRepeats", DetectorLaws::probeRepeats),
        new Law<>("openReportsRefusals", DetectorLaws::openReportsRefusals));
  }

  /**
   * The id is valid and the same at each call.
   *
   * @param detector the subject
   */
  public static void idIsValid(InputFormatDetector detector) {
    Ids.require("idIsValid", detector, detector::id);
  }

  /**
   * Its options are the same at each call and have unique names.
   *
   * @param detector the subject
   */
  public static void optionsAreDescribed(InputFormatDetector detector) {
    Described.options("optionsAreDescribed", detector, detector::options);
  }

  /**
   * Probing never throws: another detector may recognise the input.
   *
   * @param c any case
   */
  public static void probeNeverThrows(Case c) {
    try {
      c.detector().probe(c.input());
    } catch (RuntimeException | LinkageError | StackOverflowError e) {
      throw new LawViolation("probeNeverThrows", c, e.toString(), e);
    }
  }

  /**
   * The same input gives the same result.
   *
   * @param c any case
   */
  public static void probeRepeats(Case c) {
    Optional<Match> first = c.probe();
    Optional<Match> again = c.probe();
    if (!again.equals(first)) {
      throw new LawViolation(
          "probeRepeats", c, "the first call returned " + first + ", the second " + again);
    }
  }

  /**
   * Probing changes and creates no file, and does not change live objects.
   *
   * @param c any case
   */
  public static void probeChangesNothing(Case c) {
    Map<String, String> files = Folders.snapshot(c.folder());
    Map<String, String> arrays = LiveState.of(c.input());
    c.probe();
    requireSame("probeChangesNothing", c, files, Folders.snapshot(c.folder()));
    requireSame("probeChangesNothing", c, arrays, LiveState.of(c.input()));
  }

  /**
   * A matching input is opened, or refused with a {@link ModelFormatException} or an {@link
   * IOException}.
   *
   * @param c any case; the law does not apply if the input does not match
   */
  public static void openReportsRefusals(Case c) {
    if (c.probe().orElse(Match.NONE) == Match.NONE) {
      throw new NotApplicable("openReportsRefusals", "the input does not match");
    }
    try (ModelSource source =
        c.detector().open(c.input(), ReadLimits.DEFAULT, OptionValues.DEFAULTS)) {
      source.info().tensors();
    } catch (IOException | ModelFormatException refused) {
      return;
    } catch (RuntimeException | LinkageError | StackOverflowError | OutOfMemoryError e) {
      throw new LawViolation("openReportsRefusals", c, e.toString(), e);
    }
  }

  /** Checks that two snapshots are equal. */
  static void requireSame(
      String law, Object subject, Map<String, String> before, Map<String, String> after) {
    if (!after.equals(before)) {
      throw new LawViolation(law, subject, "the call changed " + before + " to " + after);
    }
  }
}
