package dev.monoquant.core.run;

import dev.monoquant.OutputException;
import dev.monoquant.Problem;
import dev.monoquant.QuantException;
import dev.monoquant.core.report.ErrorStatistics;
import dev.monoquant.core.report.PlannedWeight;
import dev.monoquant.core.report.WeightReport;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/**
 * The measurements of a weight, as a value and as the text that a resumed run reads.
 *
 * @param errors the errors of the decoded codes against the original
 * @param bound the greatest of the bounds that the scheme declares for the rows
 * @param replaced the numbers that were not finite and quantized as others
 * @param outputSqnrDb the ratio of the layer's outputs; empty if it is not measured
 * @param said what the scheme says of how the weight is quantized; empty if nothing
 */
record WeightResult(
    ErrorStatistics errors,
    double bound,
    NonFinites replaced,
    OptionalDouble outputSqnrDb,
    String said) {

  WeightReport report(PlannedWeight planned) {
    return new WeightReport(planned, errors, bound, outputSqnrDb);
  }

  /** A warning with the numbers that were replaced, and one with what the scheme says, if any. */
  List<Problem> warnings(PlannedWeight planned) {
    String name = planned.weight().name();
    List<Problem> warnings = new ArrayList<>();
    if (!replaced.isEmpty()) {
      String what = replaced.describe(planned.weight().matrix().tensor().shape());
      warnings.add(
          Problem.warning(
              name,
              what + "; NaN became 0, and each Inf the greatest finite magnitude of its row",
              ""));
    }
    if (!said.isEmpty()) {
      warnings.add(Problem.warning(name, said, ""));
    }
    return warnings;
  }

  /**
   * Numbers separated by blanks, doubles in hexadecimal to preserve every bit, and an encoded text.
   */
  String toText() {
    StringBuilder out = new StringBuilder();
    out.append(errors.elements());
    double[] doubles = {
      errors.signal(), errors.noise(), errors.cross(), errors.decoded(), errors.maxError(), bound
    };
    for (double value : doubles) {
      out.append(' ').append(Double.toHexString(value));
    }
    out.append(' ').append(replaced.nans()).append(' ').append(replaced.infinities());
    out.append(' ').append(Double.toHexString(outputSqnrDb.orElse(Double.NaN)));
    out.append(' ').append(URLEncoder.encode(said, StandardCharsets.UTF_8));
    replaced.first().forEach(place -> out.append(' ').append(place));
    return out.toString();
  }

  /**
   * Reads what {@link #toText} wrote.
   *
   * @throws OutputException if it is anything else
   */
  static WeightResult parse(String text) {
    String[] words = text.split(" ", -1);
    try {
      double ratio = Double.parseDouble(words[9]);
      List<Long> first = new ArrayList<>();
      for (int i = 11; i < words.length; i++) {
        first.add(Long.parseLong(words[i]));
      }
      return new WeightResult(
          new ErrorStatistics(
              Long.parseLong(words[0]),
              Double.parseDouble(words[1]),
              Double.parseDouble(words[2]),
              Double.parseDouble(words[3]),
              Double.parseDouble(words[4]),
              Double.parseDouble(words[5])),
          Double.parseDouble(words[6]),
          new NonFinites(Long.parseLong(words[7]), Long.parseLong(words[8]), first),
          Double.isNaN(ratio) ? OptionalDouble.empty() : OptionalDouble.of(ratio),
          URLDecoder.decode(words[10], StandardCharsets.UTF_8));
    } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
      throw new OutputException(
          "the journal of the interrupted run holds "
              + QuantException.quote(text)
              + " where the errors of a weight should be. Start anew without --resume",
          e);
    }
  }
}
