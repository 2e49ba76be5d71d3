package dev.monoquant.files.testing;

import dev.monoquant.ModelFormatException;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Opens what was mutated: it reads, or is refused by type; anything else escapes. */
public final class Fuzz {

  private Fuzz() {}

  /**
   * Probes, opens and reads all tensors, whatever the probe says.
   *
   * @return the refusal, or empty if everything was read
   */
  public static Optional<ModelFormatException> read(InputFormatDetector detector, byte[] bytes)
      throws IOException {
    Path file = Files.createTempFile("quant-io-fuzz", ".pt");
    try {
      Files.write(file, bytes);
      detector.probe(ModelInput.of(file));
      return read(detector, file);
    } finally {
      Files.delete(file);
    }
  }

  /** Opens and reads all tensors. */
  public static Optional<ModelFormatException> read(InputFormatDetector detector, Path file)
      throws IOException {
    try (ModelSource source = detector.open(ModelInput.of(file), ReadLimits.DEFAULT)) {
      for (TensorInfo tensor : source.info().tensors()) {
        int length = (int) Math.min(tensor.bytes(), 1 << 16);
        ByteBuffer first = source.read(tensor, 0, length);
        ByteBuffer last = source.read(tensor, tensor.bytes() - length, length);
        if (first.remaining() != length || last.remaining() != length) {
          throw new AssertionError(tensor + " gave " + first + " and " + last);
        }
      }
      return Optional.empty();
    } catch (ModelFormatException refusal) {
      String message = refusal.getMessage();
      if (message.indexOf('\n') >= 0 || !message.endsWith(".")) {
        throw new AssertionError("odd message: " + message, refusal);
      }
      return Optional.of(refusal);
    }
  }
}
