package dev.monoquant.io.foreign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.model.ElementType;
import dev.monoquant.spi.ModelSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The layout of quanto against its definition, number by number. */
class QuantoTest {

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({"I8,BF16,true", "I8,F16,false", "F8_E4M3,F32,true", "F8_E5M2,BF16,true"})
  void everyNumberIsWhatTheDefinitionSays(String codes, String floats, boolean rows)
      throws IOException {
    ElementType code = ElementType.of(codes);
    ElementType type = ElementType.of(floats);
    byte[] bytes = new byte[2 * 100];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (i < 100 ? i : i + 20);
    }
    float[] scales = {type.round(.013f), type.round(-3.7f)};
    ForeignDirectory made =
        new ForeignDirectory(folder)
            .add("0.weight._data", codes, bytes, 2, 100)
            .zeros("0.input_scale BF16 + 0.output_scale BF16");
    if (rows) {
      made.floats("0.weight._scale", floats, scales, 2, 1);
    } else {
      made.floats("0.weight._scale", floats, new float[] {scales[0]});
    }
    Files.writeString(folder.resolve("quanto_qmap.json"), "{\"0\":{\"weights\":\"qint8\"}}");
    try (ModelSource source = ForeignDirectory.open(made.shards("{}"))) {
      assertThat(source.info().tensors()).isEmpty();
      assertThat(source.info().sideFiles()).noneMatch(side -> side.name().contains("quanto"));
      assertThat(source.info().quantized().get(0).name()).isEqualTo("0.weight");
      float[] decoded = ForeignDirectory.decode(source, 1);
      for (int i = 0; i < decoded.length; i++) {
        float scale = scales[rows ? i / 100 : 0];
        assertThat(decoded[i])
            .as("number %d", i)
            .isEqualTo(Float.valueOf(type.round(code.decode(bytes[i]) * scale)));
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "fc.weight._data I8 4x8 + fc.weight._scale F16 5x1 | is F16 [5, 1]; the tensors beside it need"
            + " F16 [4, 1]",
        "fc.weight._data I8 4x8 + fc.weight._scale U8 4x1 | is U8, and scales are floats",
        "fc.weight._data I8 4x8 + fc.weight._scale F16 4x1 + fc.weight F16 4x8 | stands beside",
      })
  void refusesTensorsThatContradictEachOther(String tensors, String message) throws IOException {
    Path model = new ForeignDirectory(folder).zeros(tensors).write("{}");
    assertThatThrownBy(() -> ForeignDirectory.open(model).close())
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining(message);
  }

  @Test
  void leavesCodesWhoseShapeIsUnknown() throws IOException {
    Path model =
        new ForeignDirectory(folder)
            .zeros(
                "fc.weight._data._data U8 4x8 + fc.weight._scale F16 8x1 + fc.weight._shift F16 8x1")
            .write("{}");
    try (ModelSource source = ForeignDirectory.open(model)) {
      assertThat(source.info().quantized()).isEmpty();
      assertThat(source.info().notes().toString())
          .contains("no weight is decoded", "quanto codes of 2 or 4 bits are not decoded");
    }
  }
}
