package dev.monoquant.core.trial;

import dev.monoquant.QuantException;
import dev.monoquant.ValidationException;
import dev.monoquant.core.open.InputOpener;
import dev.monoquant.core.open.InputOpener.Opened;
import dev.monoquant.core.run.DecodedSource;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.text.Text;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.ScriptRunner;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * Compares the weights that a completed output decodes at load time with the written codes as the
 * decoders of their schemes decode them. Comparing the outputs of two models is not enough: a later
 * layer may hide a wrong scale.
 *
 * <p>Needs memory for the largest weight in FLOAT32.
 */
final class HeldWeights {

  /** Numbers that are decoded at once, if their rows are contiguous. */
  private static final int PIECE = 4 << 20;

  private HeldWeights() {}

  /**
   * Compares all weights.
   *
   * @param writer finished, and not committed
   * @param made its complete file
   * @return why the output must not be accepted, for the first weight that differs
   */
  static Optional<QuantException> difference(Settings settings, OutputWriter writer, Path made)
      throws IOException {
    try (Opened opened = InputOpener.open(settings, ModelInput.of(made), Map.of())) {
      DecodedSource expected = new DecodedSource(settings, opened.source());
      for (EncodedWeight weight : opened.source().info().quantized()) {
        Optional<float[]> run = writer.decoded(weight);
        if (run.isPresent()) {
          Optional<QuantException> different = difference(expected, weight, run.get());
          if (different.isPresent()) {
            return different;
          }
        }
      }
      return Optional.empty();
    }
  }

  private static Optional<QuantException> difference(
      DecodedSource expected, EncodedWeight weight, float[] run) throws IOException {
    TensorInfo tensor = weight.matrix().tensor();
    ElementType type = tensor.type();
    long elements = tensor.shape().elements();
    if (run.length != elements) {
      return Optional.of(refusal(weight, run.length + " numbers of " + elements + " come back"));
    }
    // If rows are not contiguous in the tensor, all of them are decoded for each piece.
    int whole = Math.min(run.length, Integer.MAX_VALUE / type.cellBytes());
    int piece = weight.matrix().rowAxis() == 0 ? Math.min(PIECE, run.length) : whole;
    float[] values = new float[piece];
    for (int at = 0; at < run.length; at += piece) {
      int count = Math.min(piece, run.length - at);
      ByteBuffer bytes =
          expected.read(tensor, (long) at * type.cellBytes(), count * type.cellBytes());
      FloatBytes.widen(type, bytes, values, 0, count);
      for (int i = 0; i < count; i++) {
        if (!ScriptRunner.isSame(type, values[i], run[at + i])) {
          String detail =
              "number " + (at + i) + " is " + run[at + i] + ", and its decoder makes " + values[i];
          return Optional.of(refusal(weight, detail));
        }
      }
    }
    return Optional.empty();
  }

  private static ValidationException refusal(EncodedWeight weight, String detail) {
    return new ValidationException(
        Text.name(weight.name())
            + ": what the output decodes when it is loaded is not what scheme "
            + weight.scheme()
            + " decodes: "
            + detail
            + "; nothing was written. What the scheme says in TorchScript is wrong: update or"
            + " remove its plugin, exclude the layer, or write a .safetensors file");
  }
}
