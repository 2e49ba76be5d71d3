package dev.monoquant.io.foreign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.spi.ModelSource;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** NF4 with double quantization of bitsandbytes, number by number. */
class NestedScalesTest {

  private static final String CONFIG = "{'quantization_config':{'quant_method':'bitsandbytes'}}";
  private static final String STATE =
      "'quant_type':'nf4','blocksize':4,'dtype':'float32','shape':[6,8],'nested_blocksize':5,"
          + "'nested_dtype':'float32','nested_offset':0.0123";
  private static final int ROWS = 6;
  private static final int COLUMNS = 8;

  @TempDir Path folder;

  private static float[] random(Random random, int count) {
    float[] numbers = new float[count];
    for (int i = 0; i < count; i++) {
      numbers[i] = (float) random.nextGaussian();
    }
    return numbers;
  }

  private ForeignDirectory directory(String state) {
    Random random = new Random(3);
    byte[] codes = new byte[ROWS * COLUMNS / 2];
    random.nextBytes(codes);
    byte[] absmax = new byte[ROWS * COLUMNS / 4];
    random.nextBytes(absmax);
    byte[] json = ("{" + state + "}").replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    return new ForeignDirectory(folder)
        .add("fc.weight", "U8", codes, codes.length, 1)
        .add("fc.weight.absmax", "U8", absmax, absmax.length)
        .floats("fc.weight.quant_map", "F32", random(random, 16), 16)
        .floats("fc.weight.nested_absmax", "F32", random(random, 3), 3)
        .floats("fc.weight.nested_quant_map", "F32", random(random, 256), 256)
        .add("fc.weight.quant_state.bitsandbytes__nf4", "U8", json, json.length);
  }

  private static float floatAt(ForeignDirectory made, String name, int at) {
    return java.nio.ByteBuffer.wrap(made.bytes(name))
        .order(java.nio.ByteOrder.LITTLE_ENDIAN)
        .getFloat(4 * at);
  }

  /** Blocks of five scales cross the rows, which have two. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4, 6})
  void everyNumberIsWhatTheDefinitionSays(int step) throws IOException {
    ForeignDirectory made = directory(STATE);
    try (ModelSource source = ForeignDirectory.open(made.shards(CONFIG))) {
      assertThat(source.info().tensors()).isEmpty();
      float[] decoded = ForeignDirectory.decode(source, step);
      for (int i = 0; i < decoded.length; i++) {
        int block = i / 4;
        int chosen = made.bytes("fc.weight.absmax")[block] & 0xff;
        float level = floatAt(made, "fc.weight.nested_quant_map", chosen);
        float largest = floatAt(made, "fc.weight.nested_absmax", block / 5);
        float scale = level * largest + 0.0123f;
        int code = made.bytes("fc.weight")[i / 2] >>> (i % 2 == 0 ? 4 : 0) & 15;
        assertThat(decoded[i])
            .as("number %d", i)
            .isEqualTo(floatAt(made, "fc.weight.quant_map", code) * scale);
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "'nested_blocksize':5 | 'nested_blocksize':0 | states no nested_blocksize",
        "'nested_blocksize':5 | 'nested_blocksize':6 | fc.weight.nested_absmax\": is F32 [3]; the"
            + " tensors beside it need F32 [2]",
        "'nested_offset':0.0123 | 'nested_offset':'x' | states no nested_offset",
        "'nested_offset':0.0123 | 'nested_offset':1e99 | states a nested_offset that is not finite",
      })
  void refusesStatesThatContradictTheTensors(String from, String to, String message)
      throws IOException {
    Path model = directory(STATE.replace(from, to)).write(CONFIG);
    assertThatThrownBy(() -> ForeignDirectory.open(model).close())
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining(message);
  }

  @Test
  void refusesTensorsThatAreMissing() throws IOException {
    ForeignDirectory made = directory(STATE);
    made.tensors().remove("fc.weight.nested_quant_map");
    Path model = made.write(CONFIG);
    assertThatThrownBy(() -> ForeignDirectory.open(model).close())
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("has no tensor \"fc.weight.nested_quant_map\"");
  }
}
