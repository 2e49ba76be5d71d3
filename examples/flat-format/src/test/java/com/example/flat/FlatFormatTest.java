package com.example.flat;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.monoquant.core.report.Inspection;
import dev.monoquant.spi.Plugins;
import dev.monoquant.core.Quantizer;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.testkit.contracts.InputFormatDetectorContract;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The laws damage the sample in many places and look whether anybody notices. */
class FlatFormatTest implements InputFormatDetectorContract {

  private static final float[] FC = {1 / 3f, -0f, Float.NaN, 2, 1e-40f, 7};
  private static final float[] BIAS = {-1, 1};

  @Override
  public InputFormatDetector subject() {
    return Plugins.load().inputFormat("example/flat");
  }

  @Override
  public ModelInput sample(Path folder) throws IOException {
    ByteBuffer out = ByteBuffer.allocate(200).order(ByteOrder.LITTLE_ENDIAN);
    out.put(FlatFormat.MAGIC).putInt(2);
    name(out, "fc.weight").putInt(2).putInt(3);
    name(out, "fc.bias").putInt(2).putInt(1);
    out.put(bytes(FC)).put(bytes(BIAS));
    byte[] file = Arrays.copyOf(out.array(), out.position());
    return ModelInput.of(Files.write(folder.resolve("model.flat"), file));
  }

  @Override
  public Map<String, byte[]> truth() {
    return Map.of("fc.weight", bytes(FC), "fc.bias", bytes(BIAS));
  }

  @Test
  void anOptionTellsWhichSizeComesFirst(@TempDir Path folder) throws IOException {
    ModelInput sample = sample(folder);
    assertEquals("[2, 3]", shape(Quantizer.create().inspect(sample)));
    assertEquals(
        "[3, 2]",
        shape(Quantizer.create().withInputOption("sizes", "columns-rows").inspect(sample)));
  }

  private static String shape(Inspection inspection) {
    return inspection.tensors().get(0).shape().toString();
  }

  private static ByteBuffer name(ByteBuffer out, String name) {
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    return out.putInt(bytes.length).put(bytes);
  }

  private static byte[] bytes(float[] numbers) {
    ByteBuffer bytes = ByteBuffer.allocate(numbers.length * Float.BYTES);
    bytes.order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().put(numbers);
    return bytes.array();
  }
}
