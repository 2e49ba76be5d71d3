package dev.monoquant.core;

import static java.util.Objects.requireNonNull;

import dev.monoquant.PlanException;
import dev.monoquant.Problem;
import dev.monoquant.model.Layer;
import java.util.List;
import java.util.OptionalLong;

/**
 * What a run will do, decided from names, types and shapes alone. A value: it holds no file open.
 *
 * @param input the input, as the user named it
 * @param inputFormat the id of the detector that opened it
 * @param outputFormat the id of the output format; empty if none was asked for
 * @param layers all layers, in model order
 * @param weights what will be quantized, in model order
 * @param kept what will be stored as it is, in model order
 * @param problems everything that was found, warnings and errors
 * @param outputBytes bytes of all tensor files of the output, headers included; empty if no output
 *     format was asked for or there are errors
 */
public record Plan(
    String input,
    String inputFormat,
    String outputFormat,
    List<Layer> layers,
    List<PlannedWeight> weights,
    List<KeptTensor> kept,
    List<Problem> problems,
    OptionalLong outputBytes) {

  /** Copies the lists. */
  public Plan {
    requireNonNull(input, "input");
    requireNonNull(inputFormat, "inputFormat");
    requireNonNull(outputFormat, "outputFormat");
    requireNonNull(outputBytes, "outputBytes");
    layers = List.copyOf(layers);
    weights = List.copyOf(weights);
    kept = List.copyOf(kept);
    problems = List.copyOf(problems);
  }

  /** {@return whether any problem forbids the run} */
  public boolean hasErrors() {
    return problems.stream().anyMatch(p -> p.severity() == Problem.Severity.ERROR);
  }

  /**
   * Does nothing if the run can go on.
   *
   * @throws PlanException with all problems if any forbids it
   */
  public void requireSound() {
    if (hasErrors()) {
      throw new PlanException(problems);
    }
  }

  /** {@return bytes of all tensors of the input} */
  public long bytesBefore() {
    return weights.stream().mapToLong(PlannedWeight::bytesBefore).sum() + keptBytes();
  }

  /** {@return bytes of all tensors of the output, without headers} */
  public long bytesAfter() {
    return weights.stream().mapToLong(PlannedWeight::bytesAfter).sum() + keptBytes();
  }

  private long keptBytes() {
    return kept.stream().mapToLong(k -> k.tensor().bytes()).sum();
  }

  /** {@return a table for people, without colours, lines ended by {@code \n}} */
  public String toTable() {
    return ReportTable.of(this);
  }

  /**
   * {@return the same as one JSON object, keys in a fixed order, with {@code "schema": 1}; numbers
   * that are not finite are {@code null}}
   */
  public String toJson() {
    return ReportJson.of(this);
  }
}
