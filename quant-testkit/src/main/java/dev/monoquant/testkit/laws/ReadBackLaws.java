package dev.monoquant.testkit.laws;

import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/** Laws for an output format together with the detector of the same format. */
public final class ReadBackLaws {

  private ReadBackLaws() {}

  /**
   * A detector reads back the written model: the unquantized tensors byte for byte, the quantized
   * weights part by part. For formats that can be read.
   *
   * @param c a format and a model
   * @param reader the detector for that format
   */
  public static void readsBack(OutputCase c, InputFormatDetector reader) {
    String law = "readsBack";
    Folders.temporary(
        folder -> {
          c.writeAll(folder, false, c.writes(2));
          ModelInput input = ModelInput.of(folder.resolve(c.targetName()));
          try (ModelSource source = reader.open(input, ReadLimits.DEFAULT, OptionValues.DEFAULTS)) {
            requireKept(law, c, source);
            requireWeights(law, c, source);
          }
        });
  }

  private static void requireKept(String law, OutputCase c, ModelSource source) throws IOException {
    Map<String, TensorInfo> found = new TreeMap<>();
    source.info().tensors().forEach(t -> found.put(t.name(), t));
    for (TensorInfo tensor : c.kept()) {
      TensorInfo read = found.remove(tensor.name());
      if (read == null
          || read.type() != tensor.type()
          || !read.shape().equals(tensor.shape())
          || !sameBytes(c.data(tensor), source.read(read, 0, c.data(tensor).length))) {
        throw new LawViolation(law, c, tensor + " is read as " + read + ", or with other bytes");
      }
    }
    if (!found.isEmpty()) {
      throw new LawViolation(law, c, "tensors that nobody wrote: " + found.keySet());
    }
  }

  private static void requireWeights(String law, OutputCase c, ModelSource source)
      throws IOException {
    Map<String, EncodedWeight> found = new TreeMap<>();
    source.info().quantized().forEach(w -> found.put(w.name(), w));
    for (EncodedWeight weight : c.weights()) {
      EncodedWeight read = found.remove(weight.name());
      if (read == null || !read.encoding().equals(weight.encoding())) {
        throw new LawViolation(law, c, weight + " is read as " + read);
      }
      int height = Math.toIntExact(weight.matrix().rowCount());
      Parts.difference(c.tile(weight), source.readTile(read, new RowRange(0, height)))
          .ifPresent(
              d -> {
                throw new LawViolation(law, c, weight.name() + ": " + d);
              });
    }
    if (!found.isEmpty()) {
      throw new LawViolation(law, c, "weights that nobody wrote: " + found.keySet());
    }
  }

  private static boolean sameBytes(byte[] expected, ByteBuffer read) {
    byte[] bytes = new byte[read.remaining()];
    read.get(bytes);
    return Arrays.equals(expected, bytes);
  }
}
