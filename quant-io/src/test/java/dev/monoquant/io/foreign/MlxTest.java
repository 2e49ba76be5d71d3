package dev.monoquant.io.foreign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.ModelSource;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The layouts of MLX against their definition, number by number. */
class MlxTest {

  private static final float[] E2M1 = {
    0, .5f, 1, 1.5f, 2, 3, 4, 6, -0f, -.5f, -1, -1.5f, -2, -3, -4, -6
  };
  private static final int ROWS = 3;
  private static final int COLUMNS = 64;

  @TempDir Path folder;

  private final Random random = new Random(5);

  private byte[] bytes(int count) {
    byte[] bytes = new byte[count];
    random.nextBytes(bytes);
    return bytes;
  }

  private float[] numbers(int count, ElementType type) {
    float[] numbers = new float[count];
    for (int i = 0; i < count; i++) {
      numbers[i] = type.round((float) random.nextGaussian());
    }
    return numbers;
  }

  private static String config(String more) {
    return "{'torch_dtype':'bfloat16','quantization':{'group_size':32,'bits':4," + more + "}}";
  }

  private static int code(byte[] codes, int bits, int at) {
    int code = 0;
    for (int b = 0; b < bits; b++) {
      int bit = at * bits + b;
      code |= (codes[bit / 8] >>> (bit % 8) & 1) << b;
    }
    return code;
  }

  /** A module's own entry in the configuration wins; product and sum are rounded each. */
  @ParameterizedTest
  @CsvSource({"2,F16", "3,BF16", "4,BF16", "4,F32", "5,F16", "6,BF16", "8,F16"})
  void affineNumbersAreWhatTheDefinitionSays(int bits, String wire) throws IOException {
    ElementType type = ElementType.of(wire);
    byte[] codes = bytes(ROWS * COLUMNS * bits / 8);
    float[] scales = numbers(ROWS * 4, type);
    float[] biases = numbers(ROWS * 4, type);
    ForeignDirectory made =
        new ForeignDirectory(folder)
            .add("l.fc.weight", "U32", codes, ROWS, COLUMNS * bits / 32)
            .floats("l.fc.scales", wire, scales, ROWS, 4)
            .floats("l.fc.biases", wire, biases, ROWS, 4)
            .zeros("l.fc.bias F32 3");
    Path model = made.shards(config("'l.fc':{'group_size':16,'bits':" + bits + "}"));
    try (ModelSource source = ForeignDirectory.open(model)) {
      assertThat(source.info().tensors())
          .singleElement()
          .matches(t -> t.name().equals("l.fc.bias"));
      assertThat(source.info().quantized().get(0).matrix().tensor().type()).isEqualTo(type);
      float[] decoded = ForeignDirectory.decode(source, 2);
      for (int i = 0; i < decoded.length; i++) {
        float product = type.round(code(codes, bits, i) * scales[i / 16]);
        assertThat(decoded[i]).as("number %d", i).isEqualTo(type.round(product + biases[i / 16]));
      }
    }
  }

  /** Experts lie one below the other, and become columns side by side. */
  @Test
  void expertsAreRowsOfTheirOutputs() throws IOException {
    int experts = 2;
    byte[] codes = bytes(experts * ROWS * COLUMNS / 2);
    float[] scales = numbers(experts * ROWS * 2, ElementType.FLOAT32);
    float[] biases = numbers(experts * ROWS * 2, ElementType.FLOAT32);
    Path model =
        new ForeignDirectory(folder)
            .add("mlp.up.weight", "U32", codes, experts, ROWS, COLUMNS / 8)
            .floats("mlp.up.scales", "F32", scales, experts, ROWS, 2)
            .floats("mlp.up.biases", "F32", biases, experts, ROWS, 2)
            .write(config("'mode':'affine'"));
    try (ModelSource source = ForeignDirectory.open(model)) {
      assertThat(source.info().quantized().get(0).matrix().tensor().shape())
          .isEqualTo(TensorShape.of(experts, ROWS, COLUMNS));
      float[] decoded = ForeignDirectory.decode(source, 2);
      for (int n = 0; n < ROWS; n++) {
        for (int e = 0; e < experts; e++) {
          for (int k = 0; k < COLUMNS; k++) {
            int at = (e * ROWS + n) * COLUMNS + k;
            assertThat(decoded[(n * experts + e) * COLUMNS + k])
                .isEqualTo(code(codes, 4, at) * scales[at / 32] + biases[at / 32]);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"mxfp4", "mxfp8", "nvfp4"})
  void powersAndSmallFloats(String mode) throws IOException {
    int bits = mode.equals("mxfp8") ? 8 : 4;
    int group = mode.equals("nvfp4") ? 16 : 32;
    byte[] codes = bytes(ROWS * COLUMNS * bits / 8);
    byte[] scales = new byte[ROWS * COLUMNS / group];
    for (int i = 0; i < scales.length; i++) {
      scales[i] = (byte) (110 + random.nextInt(16));
    }
    for (int i = 0; bits == 8 && i < codes.length; i++) {
      codes[i] = (codes[i] & 0x7f) == 0x7f ? 0 : codes[i];
    }
    Path model =
        new ForeignDirectory(folder)
            .add("fc.weight", "U32", codes, ROWS, COLUMNS * bits / 32)
            .add("fc.scales", "U8", scales, ROWS, COLUMNS / group)
            .write(
                config(
                    "'fc':{'mode':'%s','bits':%d,'group_size':%d}".formatted(mode, bits, group)));
    ElementType scale = group == 16 ? ElementType.FLOAT8_E4M3 : ElementType.FLOAT8_E8M0;
    try (ModelSource source = ForeignDirectory.open(model)) {
      float[] decoded = ForeignDirectory.decode(source, 1);
      float[] expected = new float[decoded.length];
      for (int i = 0; i < expected.length; i++) {
        float level =
            bits == 8 ? ElementType.FLOAT8_E4M3.decode(codes[i]) : E2M1[code(codes, 4, i)];
        expected[i] = ElementType.BFLOAT16.round(level * scale.decode(scales[i / group]));
      }
      assertThat(Arrays.toString(decoded)).isEqualTo(Arrays.toString(expected));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "fc.weight U32 3x8 + fc.scales F16 3x2 | 'mode':'affine' | has no tensor \"fc.biases\"",
        "fc.weight U32 3x8 + fc.scales F16 3x2 + fc.biases F32 3x2 | 'mode':'affine' | is F32 [3, 2];"
            + " the tensors beside it need F16 [3, 2]",
        "fc.weight U32 3x8 + fc.scales F16 3x3 + fc.biases F16 3x3 | 'mode':'affine' | is of shape"
            + " [3, 8] beside scales [3, 3]; the configuration says groups of 32 and 4 bits",
        "fc.weight U32 3x8 + fc.scales F16 3x2 + fc.biases F16 3x2 | 'fc':{'group_size':32,'bits':8} |"
            + " groups of 32 and 8 bits",
        "fc.weight U32 4x8 + fc.scales F16 3x2 + fc.biases F16 3x2 | 'mode':'affine' | is F16 [3, 2];"
            + " the tensors beside it need F16 [4, 2]",
        "fc.weight U32 3x8 + fc.scales U8 3x2 + fc.biases U8 3x2 | 'mode':'affine' | is U8, and scales"
            + " are floats",
        "fc.weight U32 3x8 + fc.scales F16 3x2 | 'mode':'mxfp4' | is F16 [3, 2]",
      })
  void refusesTensorsThatContradictEachOther(String tensors, String config, String message)
      throws IOException {
    Path model = new ForeignDirectory(folder).zeros(tensors).write(config(config));
    assertThatThrownBy(() -> ForeignDirectory.open(model).close())
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{} | its group size is not in the configuration",
        "{'quantization':{'group_size':32,'bits':4,'mode':'fp5'}} | its mode fp5 of 4 bits is not decoded",
        "{'quantization':{'group_size':32,'bits':4,'mode':'mxfp8'}} | its mode mxfp8 of 4 bits",
      })
  void leavesWhatItCannotDecode(String config, String note) throws IOException {
    Path model =
        new ForeignDirectory(folder).zeros("fc.weight U32 3x8 + fc.scales U8 3x2").write(config);
    try (ModelSource source = ForeignDirectory.open(model)) {
      assertThat(source.info().quantized()).isEmpty();
      assertThat(source.info().notes().toString()).contains("no weight is decoded", note);
    }
  }
}
