package dev.monoquant.core.report;

import dev.monoquant.core.text.Fields;
import java.util.OptionalDouble;

/**
 * The result for one weight.
 *
 * @param planned the weight and its encoding
 * @param errors the errors of the decoded weight against the original
 * @param maxErrorBound the largest bound that the scheme declares for a row; infinite if it
 *     declares none
 * @param outputSqnrDb the signal to noise ratio of the outputs of the layer, for the inputs that a
 *     calibration has the Gram matrix of, from up to 64 outputs; empty if it is not measured
 */
public record WeightReport(
    PlannedWeight planned,
    ErrorStatistics errors,
    double maxErrorBound,
    OptionalDouble outputSqnrDb) {

  /** {@return the full name of the weight} */
  public String name() {
    return planned.weight().name();
  }

  /** {@return bytes before divided by bytes after} */
  public double compressionRatio() {
    return planned.compressionRatio();
  }

  void describe(Fields out) {
    planned.describe(out);
    out.object("errors", fields -> Described.errors(fields, errors))
        .number("max_error_bound", maxErrorBound);
    outputSqnrDb.ifPresent(value -> out.number("output_sqnr_db", value));
  }
}
