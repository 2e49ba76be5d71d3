package dev.monoquant.core.control;

import dev.monoquant.ConfigurationException;
import dev.monoquant.Problem;
import dev.monoquant.QuantException;
import dev.monoquant.files.manifest.Sha256;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.SchemeId;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Statistics of the columns of weights that the caller measured, for schemes that need them, for
 * example the magnitude of the activations of each input. They are an input like the model: unlike
 * most settings of a {@link dev.monoquant.core.Quantizer} they may affect the bytes of an output.
 *
 * <p>What this does not do: it does not define the meaning of the values; the caller and the scheme
 * agree on it. Immutable.
 */
public final class ColumnStatistics {

  /** No statistics for any weight. */
  public static final ColumnStatistics NONE = new ColumnStatistics(Map.of());

  private final Map<String, float[]> byWeight = new TreeMap<>();

  private ColumnStatistics(Map<String, float[]> byWeight) {
    byWeight.forEach((name, numbers) -> this.byWeight.put(name, numbers.clone()));
  }

  /**
   * {@return statistics}
   *
   * @param byWeight by the full name of a weight, such as {@code fc.weight}, one finite value for
   *     each of its columns (inputs; for a convolution, inputs times the kernel's size); copied
   * @throws ConfigurationException if a number is not finite
   */
  public static ColumnStatistics of(Map<String, float[]> byWeight) {
    byWeight.forEach(
        (name, numbers) -> {
          for (int c = 0; c < numbers.length; c++) {
            if (!Float.isFinite(numbers[c])) {
              throw new ConfigurationException(
                  "the statistics of "
                      + QuantException.quote(name)
                      + " have "
                      + numbers[c]
                      + " for column "
                      + c
                      + "; finite numbers are allowed");
            }
          }
        });
    return new ColumnStatistics(byWeight);
  }

  /**
   * {@return a copy of the values for a weight, or empty}
   *
   * @param weight its full name
   */
  public Optional<float[]> find(String weight) {
    return Optional.ofNullable(byWeight.get(weight)).map(float[]::clone);
  }

  /**
   * The hash of these values: the SHA-256, in lower-case hexadecimal digits, of each weight's name
   * in UTF-8, a zero byte, and its values as little-endian float32.
   *
   * @param weights the weights to hash, in order
   * @return 64 digits
   */
  public String digest(Set<String> weights) {
    Sha256 digest = new Sha256();
    for (String weight : weights) {
      float[] numbers = byWeight.getOrDefault(weight, new float[0]);
      byte[] bytes = new byte[numbers.length * Float.BYTES];
      FloatBytes.narrow(ElementType.FLOAT32, numbers, 0, numbers.length, bytes, 0);
      digest.add(StandardCharsets.UTF_8.encode(weight + "\0")).add(ByteBuffer.wrap(bytes));
    }
    return digest.hex();
  }

  /**
   * {@return the reason why the statistics that a scheme needs are missing for a weight; empty if
   * they are present}
   *
   * @param scheme the scheme
   * @param rows the weight
   */
  public Optional<Problem> problem(SchemeId scheme, WeightMatrix rows) {
    String name = rows.tensor().name();
    float[] numbers = byWeight.get(name);
    if (numbers != null && numbers.length == rows.columnCount()) {
      return Optional.empty();
    }
    String what =
        numbers == null
            ? "and there are none for it"
            : "and those given have " + numbers.length + " numbers for its " + rows.columnCount();
    return Optional.of(
        Problem.error(
            name,
            "scheme " + scheme + " needs statistics of its columns, " + what,
            "Give them with Quantizer.withColumnStatistics, exclude the layer, or choose another"
                + " scheme"));
  }
}
