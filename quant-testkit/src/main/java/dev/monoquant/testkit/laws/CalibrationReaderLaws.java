package dev.monoquant.testkit.laws;

import dev.monoquant.QuantException;
import dev.monoquant.spi.Calibration;
import dev.monoquant.spi.CalibrationReader;
import dev.monoquant.spi.InputStatistics;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Laws for a {@link CalibrationReader} and files of any kind. What it reads of valid ones must
 * satisfy {@link CalibrationLaws}.
 */
public final class CalibrationReaderLaws {

  private CalibrationReaderLaws() {}

  /**
   * A reader and any file.
   *
   * @param reader the subject
   * @param file the file to probe
   * @param folder the folder of the file, to detect changes
   */
  public record Case(CalibrationReader reader, Path file, Path folder) {
    @Override
    public String toString() {
      return subject(reader, file);
    }
  }

  /**
   * A reader and a valid file of its format.
   *
   * @param reader the subject
   * @param file a small file
   * @param truth the statistics of every layer in it, as means over the rows
   */
  public record Sample(CalibrationReader reader, Path file, List<InputStatistics> truth) {

    /** Copies the list. */
    public Sample {
      truth = List.copyOf(truth);
    }

    Calibration open() throws IOException {
      return reader.open(file, ReadLimits.DEFAULT);
    }

    @Override
    public String toString() {
      return subject(reader, file);
    }
  }

  private static String subject(CalibrationReader reader, Path file) {
    return "%s (%s) on %s".formatted(reader.id(), reader.getClass().getName(), file.getFileName());
  }

  /** {@return every law about any files, the simplest first} */
  public static List<Law<Case>> all() {
    return List.of(
        new Law<>("idIsValid", c -> Ids.require("idIsValid", c.reader(), c.reader()::id)),
        // First, because a permanent change is visible only at the first probe.
        new Law<>("probeChangesNothing", CalibrationReaderLaws::probeChangesNothing),
        new Law<>("probeNeverThrows", CalibrationReaderLaws::probeNeverThrows),
        new Law<>("probeRepeats", CalibrationReaderLaws::probeRepeats),
        new Law<>("openReportsRefusals", CalibrationReaderLaws::openReportsRefusals));
  }

  /**
   * Probing never throws: another reader may recognise the file.
   *
   * @param c any case
   */
  public static void probeNeverThrows(Case c) {
    try {
      c.reader().probe(c.file());
    } catch (RuntimeException | LinkageError | StackOverflowError | OutOfMemoryError e) {
      throw new LawViolation("probeNeverThrows", c, e.toString(), e);
    }
  }

  /**
   * The same file gives the same result.
   *
   * @param c any case
   */
  public static void probeRepeats(Case c) {
    Optional<Match> first = probe(c);
    Optional<Match> again = probe(c);
    if (!again.equals(first)) {
      throw new LawViolation(
          "probeRepeats", c, "the first call returned " + first + ", the second " + again);
    }
  }

  /** The result of probing; empty if it throws, which only one law checks. */
  private static Optional<Match> probe(Case c) {
    try {
      return Optional.of(c.reader().probe(c.file()));
    } catch (RuntimeException e) {
      return Optional.empty();
    }
  }

  /**
   * Probing changes and creates no file.
   *
   * @param c any case
   */
  public static void probeChangesNothing(Case c) {
    Map<String, String> files = Folders.snapshot(c.folder());
    probe(c);
    DetectorLaws.requireSame("probeChangesNothing", c, files, Folders.snapshot(c.folder()));
  }

  /**
   * A matching file is opened, or refused with a {@link QuantException} or an {@link IOException}.
   *
   * @param c any case; the law does not apply if the file does not match
   */
  public static void openReportsRefusals(Case c) {
    String law = "openReportsRefusals";
    if (probe(c).orElse(Match.NONE) == Match.NONE) {
      throw new NotApplicable(law, "the file does not match");
    }
    try (Calibration calibration = c.reader().open(c.file(), ReadLimits.DEFAULT)) {
      CalibrationContents.of(calibration);
    } catch (IOException | QuantException refused) {
      return;
    } catch (RuntimeException | LinkageError | StackOverflowError | OutOfMemoryError e) {
      throw new LawViolation(law, c, e.toString(), e);
    }
  }

  /**
   * A valid file matches, and more than possibly: files of other formats may match that much.
   *
   * @param c a valid file
   */
  public static void probeMatchesItsOwn(Sample c) {
    Match match = c.reader().probe(c.file());
    if (match.compareTo(Match.LIKELY) < 0) {
      throw new LawViolation(
          "probeMatchesItsOwn", c, "probe returns " + match + "; LIKELY or more is expected");
    }
  }
}
