package dev.monoquant.schemes;

import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Fit;
import dev.monoquant.spi.GramMatrix;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What the inputs of a layer, as a calibration measured them, change about how its weight is
 * rounded.
 *
 * <p>Options of the schemes that can do it:
 *
 * <ul>
 *   <li>{@code method=nearest}, the default: each value becomes the nearest code.
 *   <li>{@code method=gptq}: columns are rounded one after the other, each to make up for the
 *       errors of those before, so that the error of the layer's outputs is least ({@link
 *       InputFactor}). Needs the Gram matrix of the inputs.
 *   <li>{@code act-order}, default true: columns with large inputs are rounded first. The order is
 *       not stored; scales are of the groups as they are.
 *   <li>{@code damping}, default 0.01: the share of the mean square of all columns that is added to
 *       that of each.
 * </ul>
 *
 * <p>With {@code search=grid}, each squared error counts as much as the mean square of its column,
 * if the calibration has it.
 *
 * <p>Immutable and thread-safe.
 */
final class Calibrated {

  /** Nothing is known of the inputs. */
  static final Calibrated NOT = new Calibrated(new float[0], null, Optional.empty());

  private static final String NEAREST = "nearest";
  private static final String GPTQ = "gptq";

  private static final OptionSpec<String> METHOD =
      OptionSpec.choice(
              "method",
              NEAREST,
              List.of(NEAREST, GPTQ),
              "How values become codes, once there are scales")
          .implied();

  private static final OptionSpec<Boolean> ACT_ORDER =
      OptionSpec.flag("act-order", true, "Whether gptq begins with the columns of large inputs")
          .implied();

  private static final OptionSpec<Double> DAMPING =
      OptionSpec.number(
              "damping", 0.01, 0, 1, "What gptq adds to the diagonal, in parts of its mean")
          .implied();

  private final float[] squares;
  private final @Nullable InputFactor factor;
  private final Optional<String> warning;

  private Calibrated(float[] squares, @Nullable InputFactor factor, Optional<String> warning) {
    this.squares = squares;
    this.factor = factor;
    this.warning = warning;
  }

  /**
   * The mean square of each column divided by the mean of all; empty if they do not count. Not a
   * copy.
   */
  float[] squares() {
    return squares;
  }

  /** How columns make up for each other's errors; null to round to nearest. */
  @Nullable InputFactor factor() {
    return factor;
  }

  /** Why a weight is rounded to nearest after all; empty if nothing is to be said. */
  Optional<String> warning() {
    return warning;
  }

  /** The options of a scheme that can be calibrated. */
  static final List<OptionSpec<?>> OPTIONS = List.of(METHOD, ACT_ORDER, DAMPING);

  /** Whether columns are rounded one after the other. */
  static boolean isGptq(OptionValues options) {
    return options.find(METHOD).filter(GPTQ::equals).isPresent();
  }

  /** Refuses options of a method that is not chosen. */
  static Optional<Fit> unfit(OptionValues options) {
    if (isGptq(options)) {
      return Optional.empty();
    }
    List<String> idle = new ArrayList<>();
    if (!options.find(ACT_ORDER).orElse(true)) {
      idle.add(ACT_ORDER.name());
    }
    if (!options.find(DAMPING).orElse(DAMPING.defaultValue()).equals(DAMPING.defaultValue())) {
      idle.add(DAMPING.name());
    }
    return idle.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new Fit.Unfit(
                String.join(" and ", idle) + ": only method=gptq has this option",
                List.of(options.with(METHOD, GPTQ))));
  }

  /** What must be known of the inputs. */
  static Set<Need> needs(OptionValues options) {
    return isGptq(options) ? EnumSet.of(Need.INPUT_GRAM) : EnumSet.noneOf(Need.class);
  }

  /**
   * What counts if it is known.
   *
   * @param searches whether scales are searched for by squared errors
   */
  static Set<Need> uses(boolean searches) {
    return searches ? EnumSet.of(Need.INPUT_SQUARES) : EnumSet.noneOf(Need.class);
  }

  /** What the facts say. */
  static Calibrated of(OptionValues options, Facts facts) {
    float[] squares = facts.inputSquares().map(Calibrated::relative).orElse(new float[0]);
    Optional<GramMatrix> gram = facts.inputGram();
    if (!isGptq(options) || gram.isEmpty()) {
      return new Calibrated(squares, null, Optional.empty());
    }
    InputFactor.Made made =
        InputFactor.of(
            gram.get(),
            options.find(DAMPING).orElse(DAMPING.defaultValue()),
            options.find(ACT_ORDER).orElse(ACT_ORDER.defaultValue()));
    return new Calibrated(
        squares,
        made.factor(),
        made.factor() != null
            ? Optional.empty()
            : Optional.of(
                "it was rounded to nearest instead of by gptq: the Gram matrix of its inputs has no"
                    + " factors, "
                    + made.failure()));
  }

  private static float[] relative(float[] squares) {
    double sum = 0;
    for (float square : squares) {
      sum += square;
    }
    if (sum == 0) {
      return new float[0];
    }
    double mean = sum / squares.length;
    float[] relative = new float[squares.length];
    for (int c = 0; c < squares.length; c++) {
      relative[c] = (float) (squares[c] / mean);
    }
    return relative;
  }
}
