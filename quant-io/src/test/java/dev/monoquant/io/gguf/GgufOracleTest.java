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
 * Files that gguf 0.19 wrote, with random blocks of every type, and the SHA-256 of the float32
 * numbers that its decoder makes of them, and that of ggml for Q1_0. Zeros have no sign there.
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
    assertThat(actual("types")).hasSize(27).isEqualTo(wanted("types"));
  }

  /** Blocks of types with tables of vectors, and of three values; also with extreme scales. */
  @Test
  void vectorsAreThoseOfGgml() throws IOException {
    assertThat(actual("vectors")).hasSize(9).isEqualTo(wanted("vectors"));
  }

  private static Map<String, String> wanted(String file) throws IOException {
    JsonObject expected =
        JsonParser.parseString(Files.readString(resource(file + ".json"))).getAsJsonObject();
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
    return wanted;
  }

  private static Map<String, String> actual(String name) throws IOException {
    Path file = resource(name + ".gguf");
    Map<String, String> actual = new TreeMap<>();
    try (ModelSource source = Surest.of(file).open(ModelInput.of(file), ReadLimits.DEFAULT)) {
      for (TensorInfo tensor : source.info().tensors()) {
        ByteBuffer bytes = source.read(tensor, 0, (int) tensor.bytes());
        actual.put(tensor.name(), tensor.shape() + sha256(bytes));
      }
      for (EncodedWeight weight : source.info().quantized()) {
        actual.put(weight.name(), weight.matrix().tensor().shape() + decoded(source, weight));
      }
    }
    return actual;
  }

  @Test
  void metadataIsRead() throws IOException {
    Path file = resource("types.gguf");
    try (ModelSource source = Surest.of(file).open(ModelInput.of(file), ReadLimits.DEFAULT)) {
      assertThat(source.info().notes()).isEmpty();
      assertThat(source.info().metadata())
          .containsEntry("x.i64", "-5")
          .containsEntry("x.u8", "200")
          .containsEntry("x.flag", "true")
          .containsEntry("tokenizer.ggml.tokens", "3 of string");
    }
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
