package dev.monoquant.core.settings;

import dev.monoquant.Problem;
import dev.monoquant.QuantException;
import dev.monoquant.core.report.MemoryNeed;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Calibration;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.GramMatrix;
import dev.monoquant.spi.InputStatistics;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.Scheme;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** What a scheme gets of the calibration of the run. */
public final class InputFacts {

  /** For the error of outputs: 64 rows of 16 bytes for each column. */
  private static final long OUTPUT_BYTES = 64 * 16;

  private final Optional<Calibration> calibration;
  private final Plugins plugins;

  /**
   * @param settings have the calibration, if there is one
   */
  public InputFacts(Settings settings) {
    this.calibration = settings.calibration();
    this.plugins = settings.plugins();
  }

  /** {@return the statistics of inputs that a scheme needs or uses} */
  public static Set<Need> wanted(Scheme scheme, OptionValues options) {
    Set<Need> wanted = all(scheme, options);
    wanted.removeIf(need -> !need.isOfInputs());
    return wanted;
  }

  /** {@return all statistics that a scheme needs or uses} */
  public static Set<Need> all(Scheme scheme, OptionValues options) {
    Set<Need> all = EnumSet.noneOf(Need.class);
    all.addAll(scheme.needs(options));
    all.addAll(scheme.uses(options));
    return all;
  }

  /** {@return whether the codes of a weight depend on the calibration} */
  public boolean affects(Scheme scheme, OptionValues options, WeightMatrix weight) {
    return wanted(scheme, options).stream().anyMatch(need -> has(need, weight));
  }

  /** {@return the Gram matrix of the inputs of a weight's layer, if the calibration has it} */
  public Optional<GramMatrix> gram(WeightMatrix weight) {
    return find(weight).filter(s -> isAsWide(s, weight)).flatMap(InputStatistics::gram);
  }

  /** {@return the range of the inputs of a weight's layer, if the calibration has it} */
  public Optional<Facts.Range> range(WeightMatrix weight) {
    return find(weight).flatMap(InputStatistics::range);
  }

  /**
   * {@return the bytes that a scheme may take for what it makes of the Gram matrix of a weight: a
   * triangle of doubles while it is factorised, one of floats then}
   */
  public MemoryNeed.Factors factors(EncodedWeight weight) {
    if (gram(weight.matrix()).isEmpty()) {
      return MemoryNeed.Factors.NONE;
    }
    long columns = weight.matrix().columnCount();
    Scheme scheme = plugins.scheme(weight.scheme());
    long outputs = OUTPUT_BYTES * columns;
    return wanted(scheme, weight.options()).contains(Need.INPUT_GRAM)
        ? new MemoryNeed.Factors(4 * columns * columns, outputs + 2 * columns * columns)
        : new MemoryNeed.Factors(0, outputs);
  }

  private boolean has(Need need, WeightMatrix weight) {
    return find(weight)
        .filter(s -> isAsWide(s, weight))
        .filter(s -> need == Need.INPUT_SQUARES ? s.columns().isPresent() : s.gram().isPresent())
        .isPresent();
  }

  private Optional<InputStatistics> find(WeightMatrix weight) {
    return calibration.flatMap(c -> c.find(Calibration.layerOf(weight)));
  }

  /**
   * Passes the range of a weight's inputs to an output that needs it.
   *
   * @param problems receives what is lacking
   */
  public EncodedWeight ranged(OutputFormat format, EncodedWeight weight, List<Problem> problems) {
    if (!format.needsRange(weight)) {
      return weight;
    }
    Optional<Facts.Range> range = find(weight.matrix()).flatMap(InputStatistics::range);
    if (range.isPresent()) {
      return format.withRange(weight, range.get());
    }
    problems.add(
        calibration.isEmpty()
            ? Problem.error(
                weight.name(),
                "static ranges of inputs are measured on samples, and nothing tells them here",
                "Collect them (quant calibrate) and give the file with --calibration, or choose a"
                    + " mode that computes them in each call")
            : Problem.warning(
                weight.name(),
                calibration.get().describe()
                    + " has no range of its inputs; it is computed in each call",
                ""));
    return weight;
  }

  /** {@return whether an output depends on the range of a weight's inputs} */
  public boolean affects(OutputFormat format, EncodedWeight weight) {
    return find(weight.matrix()).flatMap(InputStatistics::range).isPresent()
        && !format
            .withRange(weight, new Facts.Range(-1, 1))
            .equals(format.withRange(weight, new Facts.Range(-2, 2)));
  }

  private static boolean isAsWide(InputStatistics statistics, WeightMatrix weight) {
    OptionalInt columns = statistics.columns();
    return columns.isPresent() && columns.getAsInt() == weight.columnCount();
  }

  /**
   * Adds what the calibration has.
   *
   * @param facts the facts of the weight itself
   */
  public Facts add(Facts facts, Scheme scheme, OptionValues options, WeightMatrix weight) {
    Facts all = facts;
    for (Need need : wanted(scheme, options)) {
      if (has(need, weight)) {
        InputStatistics statistics = find(weight).orElseThrow();
        all =
            need == Need.INPUT_SQUARES
                ? all.withInputSquares(statistics.meanSquares().orElseThrow())
                : all.withInputGram(statistics.gram().orElseThrow());
      }
    }
    return all;
  }

  /**
   * {@return what the calibration lacks for a weight: an error if the scheme needs a calibration
   * and there is none, a warning if the one that there is does not have the weight's layer}
   */
  public Optional<Problem> problem(Scheme scheme, OptionValues options, WeightMatrix weight) {
    String name = weight.tensor().name();
    if (calibration.isEmpty()) {
      return scheme.needs(options).stream()
          .filter(Need::isOfInputs)
          .findFirst()
          .map(
              need ->
                  Problem.error(
                      name,
                      "scheme " + scheme.id() + " needs a calibration: " + words(need),
                      "Give a file with --calibration, or choose other options or another scheme"));
    }
    return wanted(scheme, options).stream()
        .filter(need -> !has(need, weight))
        .findFirst()
        .map(
            need ->
                Problem.warning(name, lack(need, weight) + "; it is quantized without them", ""));
  }

  private String lack(Need need, WeightMatrix weight) {
    String file = calibration.orElseThrow().describe();
    Optional<InputStatistics> found = find(weight);
    if (found.isEmpty()) {
      return file + " has no layer " + QuantException.quote(Calibration.layerOf(weight));
    }
    OptionalInt columns = found.get().columns();
    if (columns.isPresent() && columns.getAsInt() != weight.columnCount()) {
      return file
          + " has statistics of "
          + columns.getAsInt()
          + " columns for it, and it has "
          + weight.columnCount();
    }
    return file + " has no " + words(need) + " for it";
  }

  private static String words(Need need) {
    return need == Need.INPUT_SQUARES
        ? "mean squares of the columns of its inputs"
        : "Gram matrix of its inputs";
  }
}
