package dev.monoquant.core;

import dev.monoquant.core.foreign.ForeignQuantization;
import dev.monoquant.model.TensorInfo;
import java.util.List;
import java.util.Optional;

/**
 * Two models side by side, tensor by tensor, quantized weights decoded.
 *
 * @param a the first model, as the user named it
 * @param b the second model, as the user named it
 * @param tensors tensors of one name and shape in both, in the order of the first
 * @param onlyInA tensors that the second model lacks
 * @param onlyInB tensors that the first model lacks
 * @param mismatched tensors of the first model whose shape in the second differs
 * @param foreignInA quantization in the first model that is not decoded: its codes are compared
 *     byte by byte
 * @param foreignInB the same of the second model
 */
public record Comparison(
    String a,
    String b,
    List<ComparedTensor> tensors,
    List<TensorInfo> onlyInA,
    List<TensorInfo> onlyInB,
    List<TensorInfo> mismatched,
    Optional<ForeignQuantization> foreignInA,
    Optional<ForeignQuantization> foreignInB) {

  /** Copies the lists. */
  public Comparison {
    tensors = List.copyOf(tensors);
    onlyInA = List.copyOf(onlyInA);
    onlyInB = List.copyOf(onlyInB);
    mismatched = List.copyOf(mismatched);
  }

  /** {@return the errors over all floating-point tensors in common} */
  public ErrorStatistics total() {
    return tensors.stream()
        .map(ComparedTensor::errors)
        .reduce(ErrorStatistics.EMPTY, ErrorStatistics::plus);
  }

  /** {@return whether both models have the same tensors with the same bytes} */
  public boolean identical() {
    return onlyInA.isEmpty()
        && onlyInB.isEmpty()
        && mismatched.isEmpty()
        && tensors.stream().allMatch(ComparedTensor::equal);
  }

  /** {@return a table for people, without colours, lines ended by {@code \n}} */
  public String toTable() {
    return ComparisonTable.of(this);
  }

  /**
   * {@return the same as one JSON object, keys in a fixed order, with {@code "schema": 1}; numbers
   * that are not finite are {@code null}}
   */
  public String toJson() {
    return ComparisonJson.of(this);
  }
}
