package dev.monoquant.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.monoquant.model.ElementType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SyntheticCheckpointTest {

  private static final Architecture SMALL = new Architecture(64, 96, 16, 200, 2);

  @TempDir private Path dir;

  @Test
  void theDefaultModelHasTheParametersOfItsKind() {
    long parameters =
        new Architecture(2048, 4608, 256, 32000, 24)
            .weights().stream().mapToLong(Architecture.Weight::elements).sum();
    assertThat(parameters).isEqualTo(1_037_142_016L);
  }

  @Test
  void headerDescribesEveryByteOfTheFile() throws IOException {
    Path file = dir.resolve("m.safetensors");
    long bytes = new SyntheticCheckpoint(ElementType.BFLOAT16, 1).write(SMALL, file);
    ByteBuffer content = read(file);
    long length = content.getLong();
    assertThat(length % 8).isZero();
    byte[] text = new byte[(int) length];
    content.get(text);
    JsonObject header =
        JsonParser.parseString(new String(text, StandardCharsets.US_ASCII)).getAsJsonObject();
    long end = 0;
    for (Architecture.Weight weight : SMALL.weights()) {
      JsonObject entry = header.getAsJsonObject(weight.name());
      assertThat(entry.get("dtype").getAsString()).isEqualTo("BF16");
      assertThat(entry.getAsJsonArray("data_offsets").get(0).getAsLong()).isEqualTo(end);
      end += weight.elements() * 2;
      assertThat(entry.getAsJsonArray("data_offsets").get(1).getAsLong()).isEqualTo(end);
    }
    assertThat(header.size()).isEqualTo(SMALL.weights().size() + 1);
    assertThat(bytes).isEqualTo(8 + length + end).isEqualTo(Files.size(file));
  }

  @Test
  void numbersAreNormalAndRoundedAlikeInBothTypes() throws IOException {
    Path wide = dir.resolve("wide");
    Path narrow = dir.resolve("narrow");
    new SyntheticCheckpoint(ElementType.FLOAT32, 5).write(SMALL, wide);
    new SyntheticCheckpoint(ElementType.BFLOAT16, 5).write(SMALL, narrow);
    ByteBuffer floats = data(wide);
    ByteBuffer halves = data(narrow);
    int count = SMALL.vocab() * SMALL.hidden();
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < count; i++) {
      float value = floats.getFloat();
      float half = Float.intBitsToFloat(halves.getShort() << 16);
      assertThat(Math.abs(half - value)).isLessThanOrEqualTo(Math.ulp(value) * (1 << 15));
      sum += value;
      squares += value * value;
    }
    // Five standard errors of 12,800 draws.
    assertThat(sum / count).isCloseTo(0, within(0.001));
    assertThat(Math.sqrt(squares / count)).isCloseTo(0.02, within(0.0007));
    assertThat(floats.getFloat()).as("a norm").isEqualTo(1f);
  }

  @Test
  void sameSeedSameBytes() throws IOException {
    Path one = dir.resolve("1");
    Path two = dir.resolve("2");
    Path other = dir.resolve("3");
    new SyntheticCheckpoint(ElementType.BFLOAT16, 9).write(SMALL, one);
    new SyntheticCheckpoint(ElementType.BFLOAT16, 9).write(SMALL, two);
    new SyntheticCheckpoint(ElementType.BFLOAT16, 10).write(SMALL, other);
    assertThat(one).hasSameBinaryContentAs(two);
    assertThat(Files.mismatch(one, other)).isNotNegative();
  }

  @Test
  void otherTypesAreRefused() {
    assertThatThrownBy(() -> new SyntheticCheckpoint(ElementType.INT8, 1))
        .hasMessageContaining("no checkpoints of I8");
  }

  private static ByteBuffer read(Path file) throws IOException {
    return ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static ByteBuffer data(Path file) throws IOException {
    ByteBuffer content = read(file);
    int length = (int) content.getLong();
    return content.position(8 + length);
  }
}
