package dev.monoquant.spi;

import dev.monoquant.model.WeightMatrix;
import java.io.Closeable;
import java.util.Optional;
import java.util.Set;

/**
 * Statistics of the inputs of a model's layers, measured on samples: an input of a run like the
 * model. {@link CalibrationReader}s open files of them; {@link MeasuredInputs} holds them in
 * memory.
 *
 * <p>The caller that opened it closes it after the last run that uses it. Thread-safe.
 */
public interface Calibration extends Closeable {

  /** {@return a short text for messages, such as the name of the file} */
  String describe();

  /**
   * The SHA-256 of all statistics, which outputs made with them record.
   *
   * @return 64 lower-case hexadecimal digits; the same at each call
   */
  String digest();

  /** {@return the layers that it has, named as {@link InputStatistics#layer()} does} */
  Set<String> layers();

  /**
   * Finds the statistics of a layer.
   *
   * @param layer the layer by {@link #layerOf}, such as {@code model.layers.0.self_attn.q_proj}. A
   *     calibration that names layers otherwise translates
   * @return the same object at each call; empty if it has none
   */
  Optional<InputStatistics> find(String layer);

  /** Releases files; the statistics must not be used afterwards. */
  @Override
  void close();

  /**
   * The name under which a calibration has the inputs of a weight.
   *
   * @param weight a weight
   * @return the full name of its tensor, without {@code .weight} at the end
   */
  static String layerOf(WeightMatrix weight) {
    return layerOf(weight.tensor().name());
  }

  /**
   * The name under which a calibration has the inputs of a tensor.
   *
   * @param name the full name of a tensor
   * @return the name without {@code .weight} at the end
   */
  static String layerOf(String name) {
    return name.endsWith(".weight") ? name.substring(0, name.length() - ".weight".length()) : name;
  }
}
