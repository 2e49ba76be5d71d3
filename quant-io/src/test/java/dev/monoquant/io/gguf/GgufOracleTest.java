package dev.monoquant.io.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.monoquant.io.testing.Surest;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.TileDecoder;
import dev.monoquant.tile.Formula;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/**
 * A file that gguf 0.19 wrote, with random blocks of every type, and the SHA-256 of the float32
 * numbers that its decoder makes of them. Zeros have no sign there.
 */
class GgufOracleTest {

  private static Path resource(String name) {
    try {
      return Path.of(GgufOracleTest.class.getResource("/gguf/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void valuesAreThoseOfGgml() throws IOException {
    JsonObject expected =
        JsonParser.parseString(Files.readString(resource("types.json"))).getAsJsonObject();
    Map<String, String> wanted = new TreeMap<>();
    expected
        .asMap()
        .forEach(
            (name, json) -> {
              JsonObject o = json.getAsJsonObject();
              wanted.put(
                  name,
                  o.get("shape").toString().replace(",", ", ") + o.get("sha256").getAsString());
            });
    Path file = resource("types.gguf");
    Map<String, String> actual = new TreeMap<>();
    int opaque = 0;
    try (ModelSource source = Surest.of(file).open(ModelInput.of(file), ReadLimits.DEFAULT)) {
      for (TensorInfo tensor : source.info().tensors()) {
        ByteBuffer bytes = source.read(tensor, 0, (int) tensor.bytes());
        actual.put(tensor.name(), tensor.shape() + sha256(bytes));
      }
      for (EncodedWeight weight : source.info().quantized()) {
        if (weight.encoding().formula() instanceof Formula.Opaque) {
          opaque++;
          wanted.remove(weight.name());
        } else {
          actual.put(weight.name(), weight.matrix().tensor().shape() + decoded(source, weight));
        }
      }
      assertThat(opaque).isEqualTo(4);
      assertThat(source.info().notes())
          .contains(
              "1 weight of IQ2_XXS, a type that is not decoded: they can be listed, and nothing"
                  + " else");
      assertThat(source.info().metadata())
          .containsEntry("x.i64", "-5")
          .containsEntry("x.u8", "200")
          .containsEntry("x.flag", "true")
          .containsEntry("tokenizer.ggml.tokens", "3 of string");
    }
    assertThat(actual).hasSize(23).isEqualTo(wanted);
  }

  /** Decodes row by row, so that tiles do not matter. */
  private static String decoded(ModelSource source, EncodedWeight weight) throws IOException {
    TileDecoder decoder = TileDecoder.ofFormula(weight);
    int cols = (int) weight.matrix().columnCount();
    int rows = (int) weight.matrix().rowCount();
    ByteBuffer all = ByteBuffer.allocate(rows * cols * 4).order(ByteOrder.LITTLE_ENDIAN);
    float[] row = new float[cols];
    for (int r = 0; r < rows; r++) {
      decoder.decode(source.readTile(weight, new RowRange(r, 1)), row);
      for (float x : row) {
        all.putFloat(x + 0f);
      }
    }
    return sha256(all.flip());
  }

  private static String sha256(ByteBuffer bytes) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(bytes);
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }
}
