package dev.monoquant.io.torch;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.monoquant.io.testing.Surest;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.RowRange;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** Quantized tensors of torch 2.13, with the numbers that its dequantize() gives. */
class QuantizedTensorTest {

  @Test
  void numbersAreThoseOfTorch() throws IOException {
    Path file = TorchOracleTest.oracle("quantized_tensors.pt");
    JsonObject expected =
        JsonParser.parseString(Files.readString(TorchOracleTest.oracle("quantized_tensors.json")))
            .getAsJsonObject();
    try (ModelSource source = Surest.of(file).open(ModelInput.of(file), ReadLimits.DEFAULT)) {
      Map<String, EncodedWeight> weights = new HashMap<>();
      source.info().quantized().forEach(w -> weights.put(w.name(), w));
      assertThat(weights.keySet()).isEqualTo(expected.keySet());
      assertThat(source.info().tensors()).extracting("name").containsExactly("bias");
      for (Map.Entry<String, JsonElement> entry : expected.entrySet()) {
        requireNumbers(source, weights.get(entry.getKey()), entry.getValue().getAsJsonArray());
      }
      assertThat(weights.get("a.qint8").options().symmetric()).isFalse();
      assertThat(weights.get("a.sym").options().symmetric()).isTrue();
      assertThat(weights.get("a.sym").options().granularity()).isEqualTo(Granularity.TENSOR);
      assertThat(weights.get("a.channel").options().granularity()).isEqualTo(Granularity.CHANNEL);
      assertThat(weights.get("a.channel").matrix().layer()).isEqualTo("a");
      assertThat(weights.get("a.channel").matrix().tensor().type()).isEqualTo(ElementType.FLOAT32);
    }
  }

  private static void requireNumbers(ModelSource source, EncodedWeight weight, JsonArray numbers)
      throws IOException {
    int rows = Math.toIntExact(weight.matrix().rowCount());
    int cols = Math.toIntExact(weight.matrix().columnCount());
    assertThat(numbers).hasSize(rows * cols);
    for (int row = 0; row < rows; row++) {
      EncodedTile tile = source.readTile(weight, new RowRange(row, 1));
      float scale =
          ByteBuffer.wrap(tile.part(Part.SCALE)).order(ByteOrder.LITTLE_ENDIAN).getFloat();
      int point = weight.options().symmetric() ? 0 : tile.part(Part.ZERO_POINT)[0];
      for (int col = 0; col < cols; col++) {
        // torch may fuse the multiplication with the addition of the zero point.
        assertThat((tile.part(Part.CODES)[col] - point) * scale)
            .as("%s [%d, %d]", weight.name(), row, col)
            .isCloseTo(
                numbers.get(row * cols + col).getAsFloat(), Offset.offset(128 * scale * 1e-6f));
      }
    }
  }
}
