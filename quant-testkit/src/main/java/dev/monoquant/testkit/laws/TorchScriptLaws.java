package dev.monoquant.testkit.laws;

import dev.monoquant.ValidationException;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.ScriptRunner;
import dev.monoquant.testkit.SchemeCase;
import dev.monoquant.tile.EncodedTile;

/** Laws for the TorchScript of a scheme, compared with its decoder. */
public final class TorchScriptLaws {

  private TorchScriptLaws() {}

  /**
   * Every value that TorchScript decodes equals the decoder's, see {@link ScriptRunner#isSame}:
   * outputs that run without this library contain the weight whose error was measured.
   *
   * @param c an accepted case; the law does not apply if outputs cannot decode it
   * @param runner an available runner of TorchScript
   */
  public static void torchScriptEqualsDecoder(SchemeCase c, ScriptRunner runner) {
    String law = "torchScriptEqualsDecoder";
    WeightMatrix matrix = c.weight().rows();
    EncodedWeight weight =
        new EncodedWeight(
            matrix,
            c.scheme().id(),
            c.options(),
            c.encoding(),
            OptionValues.DEFAULTS,
            c.scheme().torchScript(matrix, c.options()));
    EncodedTile tile = c.quantize();
    float[] decoded = c.decode(tile);
    float[] run = run(law, c, weight, tile, runner);
    if (run.length != decoded.length) {
      throw new LawViolation(
          law,
          c,
          "TorchScript returned %d values, and the weight has %d"
              .formatted(run.length, decoded.length));
    }
    for (int i = 0; i < run.length; i++) {
      if (!ScriptRunner.isSame(c.weight().type(), decoded[i], run[i])) {
        throw new LawViolation(
            law,
            c,
            "value %d is decoded to %s, and to %s by TorchScript".formatted(i, decoded[i], run[i]));
      }
    }
  }

  private static float[] run(
      String law, SchemeCase c, EncodedWeight weight, EncodedTile tile, ScriptRunner runner) {
    try {
      return runner
          .decode(weight, tile)
          .orElseThrow(
              () -> new NotApplicable(law, "TorchScript outputs do not know how to decode it"));
    } catch (ValidationException e) {
      throw new LawViolation(law, c, String.valueOf(e.getMessage()), e);
    }
  }
}
