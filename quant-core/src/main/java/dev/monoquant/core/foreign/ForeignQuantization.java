package dev.monoquant.core.foreign;

import static java.util.Objects.requireNonNull;

import dev.monoquant.Problem;
import dev.monoquant.QuantException;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Quantization by another project that no reader decodes: codes that appear as plain tensors, or a
 * configuration that declares them. Such a model is not quantized again, because its codes would be
 * copied like weights, and the information to decode them would be lost.
 *
 * <p>Detected from tensors (integers or small floats with scales, under any names, also in another
 * shard) and from configuration files. Weights that a reader decodes, such as those of this
 * project, are not included.
 *
 * <p>What this does not do: it does not read data. A tensor of FP8 or integers without scales is
 * not enough evidence and is copied unchanged.
 *
 * @param method the common name of the method, such as {@code gptq (4 bits)}, from a configuration
 *     or else from the tensors
 * @param count the number of code tensors; 0 if only a configuration declares them
 * @param examples names of the first of them
 * @param evidence the evidence, as text
 */
public record ForeignQuantization(
    String method, int count, List<String> examples, List<String> evidence) {

  private static final int EXAMPLES = 3;
  private static final int WAYS = 3;

  /** Copies the lists. */
  public ForeignQuantization {
    requireNonNull(method, "method");
    examples = List.copyOf(examples);
    evidence = List.copyOf(evidence);
  }

  /**
   * Searches a model.
   *
   * @param source an open model
   * @param limits bounds on sizes and depths of the files that are read
   * @return the quantization; empty for a float model and for a model whose codes a reader decodes
   * @throws IOException if a configuration file cannot be read
   * @throws dev.monoquant.ModelFormatException if one is not strict JSON or over a limit
   */
  public static Optional<ForeignQuantization> find(ModelSource source, ReadLimits limits)
      throws IOException {
    // If a reader decodes some weights of a model, it supports the declared method; the remaining
    // codes have another one.
    boolean decoded = !source.info().quantized().isEmpty();
    List<DeclaredMethod> declared =
        decoded ? List.of() : DeclaredMethod.read(source.info().sideFiles(), limits);
    List<CodeTensors.Found> codes = CodeTensors.find(source.info().tensors());
    if (declared.isEmpty() && codes.isEmpty()) {
      return Optional.empty();
    }
    Set<String> methods =
        declared.isEmpty()
            ? codes.stream()
                .map(CodeTensors.Found::method)
                .collect(Collectors.toCollection(LinkedHashSet::new))
            : Set.of(declared.get(0).method());
    Set<String> evidence = new LinkedHashSet<>();
    declared.forEach(d -> evidence.add(d.where()));
    codes.stream().map(ForeignQuantization::words).distinct().limit(WAYS).forEach(evidence::add);
    return Optional.of(
        new ForeignQuantization(
            String.join(" and ", methods),
            codes.size(),
            codes.stream().limit(EXAMPLES).map(f -> f.codes().name()).toList(),
            List.copyOf(evidence)));
  }

  private static String words(CodeTensors.Found found) {
    TensorInfo codes = found.codes();
    return codes.type().wire() + " tensors with " + found.beside() + " beside them";
  }

  /**
   * {@return the problem for a run that needs float weights}
   *
   * @param input the model, as the user named it
   */
  public Problem problem(String input) {
    return Problem.error(input, "it is quantized already: " + this, remedy());
  }

  /** {@return the remedy, a sentence without its period} */
  public String remedy() {
    String floats =
        "Give the float original, or decode it first with the library that quantized it";
    return count > 0
        ? floats
        : floats
            + "; if its weights are plain floats all the same, take the entry out of "
            + evidence.get(0);
  }

  /** {@return method, count, examples and evidence in one line} */
  @Override
  public String toString() {
    String weights =
        count == 0
            ? "no tensor was recognised as codes"
            : (count == 1 ? "1 weight" : count + " weights")
                + ", such as "
                + examples.stream().map(QuantException::quote).collect(Collectors.joining(", "));
    return "by "
        + method
        + ", which this version does not decode; "
        + weights
        + " (known by "
        + String.join("; ", evidence)
        + ")";
  }
}
