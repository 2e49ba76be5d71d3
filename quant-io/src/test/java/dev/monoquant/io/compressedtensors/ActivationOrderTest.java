package dev.monoquant.io.compressedtensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.files.testing.PlainSafetensors;
import dev.monoquant.files.testing.PlainSafetensors.Entry;
import dev.monoquant.model.RowRange;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.TileDecoder;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Groups of columns in activation order, as older writers store them. */
class ActivationOrderTest {

  @TempDir Path folder;

  /** A weight of 1 x 8, codes -8 to -1, scales 1 and 100, with a group for each column. */
  private ModelSource open(String format, int... groups) throws IOException {
    ByteBuffer index = ByteBuffer.allocate(4 * groups.length).order(ByteOrder.LITTLE_ENDIAN);
    Arrays.stream(groups).forEach(index::putInt);
    ByteBuffer shape = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
    shape.putLong(1).putLong(8);
    Map<String, Entry> tensors = new LinkedHashMap<>();
    byte[] scales = {0, 0, (byte) 0x80, 0x3f, 0, 0, (byte) 0xc8, 0x42};
    tensors.put("fc.weight_scale", new Entry("F32", "[1,2]", scales));
    if (format.equals("pack-quantized")) {
      byte[] codes = {0x10, 0x32, 0x54, 0x76};
      tensors.put("fc.weight_packed", new Entry("I32", "[1,1]", codes));
      tensors.put("fc.weight_shape", new Entry("I64", "[2]", shape.array()));
    } else {
      tensors.put("fc.weight", new Entry("I8", "[1,8]", new byte[8]));
    }
    tensors.put("fc.weight_g_idx", new Entry("I32", "[" + groups.length + "]", index.array()));
    PlainSafetensors.write(folder.resolve("model.safetensors"), tensors);
    String config =
        "{'quantization_config':{'quant_method':'compressed-tensors','format':'"
            + format
            + "','config_groups':{'group_0':{'targets':['Linear'],'weights':{'num_bits':4,"
            + "'strategy':'group','group_size':4,'actorder':'group'}}}}}";
    Files.writeString(folder.resolve("config.json"), config.replace('\'', '"'));
    return new CompressedTensorsFormat().open(ModelInput.of(folder), ReadLimits.DEFAULT);
  }

  private float[] decoded(int... groups) throws IOException {
    try (ModelSource source = open("pack-quantized", groups)) {
      assertThat(source.info().tensors()).isEmpty();
      EncodedWeight weight = source.info().quantized().get(0);
      float[] out = new float[8];
      TileDecoder.ofFormula(weight).decode(source.readTile(weight, new RowRange(0, 1)), out);
      return out;
    }
  }

  @Test
  void eachColumnHasTheScaleOfItsGroup() throws IOException {
    assertThat(decoded(1, 0, 0, 1, 1, 0, 1, 0))
        .containsExactly(-800, -7, -6, -500, -400, -3, -200, -1);
    assertThat(decoded(0, 0, 0, 0, 1, 1, 1, 1))
        .containsExactly(-8, -7, -6, -5, -400, -300, -200, -100);
  }

  /** What loaders make of an index that no calibration filled. */
  @Test
  void anIndexWithNegativeNumbersIsNone() throws IOException {
    assertThat(decoded(-1, -1, -1, -1, -1, -1, -1, -1))
        .containsExactly(-8, -7, -6, -5, -400, -300, -200, -100);
  }

  private void assertRefused(String message, int... groups) {
    assertThatThrownBy(() -> open("pack-quantized", groups).close())
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("fc.weight_g_idx")
        .hasMessageContaining(message);
  }

  @Test
  void anIndexThatContradictsTheGroupsIsRefused() {
    assertRefused("names group 2 of 2", 1, 0, 0, 2, 1, 0, 1, 0);
    assertRefused("names group 0 for 5 columns, and groups have 4", 1, 0, 0, 0, 1, 0, 1, 0);
    assertRefused("is I32 [7]", 1, 0, 0, 1, 1, 0, 1);
  }

  @Test
  void otherFormsAreNotDecoded() throws IOException {
    try (ModelSource source = open("int-quantized", 1, 0, 0, 1, 1, 0, 1, 0)) {
      assertThat(source.info().quantized()).isEmpty();
      assertThat(source.info().notes().toString())
          .contains("weight_g_idx, actorder group", "of pack-quantized only");
    }
  }
}
