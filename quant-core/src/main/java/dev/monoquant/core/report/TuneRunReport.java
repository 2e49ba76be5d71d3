package dev.monoquant.core.report;

import static java.util.Objects.requireNonNull;

import dev.monoquant.core.recipe.Recipe;
import dev.monoquant.core.text.Fields;
import java.time.Duration;

/**
 * All that a report tells of a tuning: the result, and where it comes from.
 *
 * @param tool the program and its version, such as {@code monoquant 0.1.0}
 * @param input the model, as the user named it
 * @param target what was asked for, such as {@code a cosine of at least 0.999}
 * @param result what was chosen
 * @param elapsed from the start of the run to its end
 */
public record TuneRunReport(
    String tool, String input, String target, TuneReport result, Duration elapsed) {

  /** Checks that nothing is null. */
  public TuneRunReport {
    requireNonNull(tool, "tool");
    requireNonNull(input, "input");
    requireNonNull(target, "target");
    requireNonNull(result, "result");
    requireNonNull(elapsed, "elapsed");
  }

  /**
   * {@return one JSON object, keys in a fixed order: that of {@link TuneReport#toJson} with {@code
   * tool}, {@code input}, {@code target}, {@code configuration} (a recipe) and {@code timing} in
   * addition}
   */
  public String toJson() {
    return Fields.document(
        "tune",
        out -> {
          out.text("tool", tool).text("input", input).text("target", target);
          result.describe(out.tree("configuration", Recipe.toTree(result.config())));
          out.object("timing", time -> time.number("elapsed_seconds", elapsed.toNanos() / 1e9));
        });
  }
}
