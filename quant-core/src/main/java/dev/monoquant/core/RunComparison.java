package dev.monoquant.core;

import java.util.List;

/**
 * Models that ran side by side on the same inputs, in turns, in one process.
 *
 * <p>Times depend on the machine and on who else uses it; the ratio of two models that took turns
 * depends on that much less. Outputs are compared in double with those of the first model.
 *
 * @param inputs what they were called with, for people
 * @param rounds how often each was timed, after some rounds that were not
 * @param models the models in the order given, the first of them the reference
 */
public record RunComparison(String inputs, int rounds, List<RunResult> models) {

  /** Copies the list, which is not empty. */
  public RunComparison {
    models = List.copyOf(models);
    if (models.isEmpty()) {
      throw new IllegalArgumentException("no model ran");
    }
  }

  /** {@return the model that the others are compared with} */
  public RunResult reference() {
    return models.get(0);
  }

  /** {@return the models that are compared with the reference} */
  public List<RunResult> others() {
    return models.subList(1, models.size());
  }

  /**
   * {@return how many times faster than the reference a model is, by the medians}
   *
   * @param model one of the models
   */
  public double speedup(RunResult model) {
    return (double) reference().medianNanos() / Math.max(1, model.medianNanos());
  }

  /** {@return a table for people, without colours, lines ended by {@code \n}} */
  public String toTable() {
    return RunText.table(this);
  }

  /** {@return the same as one JSON object, keys in a fixed order, with {@code "schema": 1}} */
  public String toJson() {
    return RunText.json(this);
  }
}
