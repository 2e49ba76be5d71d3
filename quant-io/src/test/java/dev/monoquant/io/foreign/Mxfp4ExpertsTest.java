package dev.monoquant.io.foreign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.files.model.DirectoryChoices;
import dev.monoquant.files.model.ModelDirectory;
import dev.monoquant.files.model.ModelFiles;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Experts of gpt-oss against their definition, number by number. */
class Mxfp4ExpertsTest {

  private static final float[] E2M1 = {
    0, .5f, 1, 1.5f, 2, 3, 4, 6, -0f, -.5f, -1, -1.5f, -2, -3, -4, -6
  };
  private static final String CONFIG =
      "{'torch_dtype':'bfloat16','quantization_config':{'quant_method':'mxfp4'}}";
  private static final int EXPERTS = 3;
  private static final int OUTPUTS = 5;
  private static final int GROUPS = 2;
  private static final int INPUTS = 32 * GROUPS;

  @TempDir Path folder;

  private ForeignDirectory experts() {
    Random random = new Random(7);
    byte[] blocks = new byte[EXPERTS * OUTPUTS * GROUPS * 16];
    random.nextBytes(blocks);
    byte[] scales = new byte[EXPERTS * OUTPUTS * GROUPS];
    for (int i = 0; i < scales.length; i++) {
      scales[i] = (byte) (100 + random.nextInt(50));
    }
    return new ForeignDirectory(folder)
        .add("l.experts.up_blocks", "U8", blocks, EXPERTS, OUTPUTS, GROUPS, 16)
        .add("l.experts.up_scales", "U8", scales, EXPERTS, OUTPUTS, GROUPS)
        .zeros("l.experts.up_bias BF16 3x5");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5})
  void everyNumberIsWhatTheDefinitionSays(int step) throws IOException {
    ForeignDirectory made = experts();
    byte[] blocks = made.bytes("l.experts.up_blocks");
    byte[] scales = made.bytes("l.experts.up_scales");
    try (ModelSource source = ForeignDirectory.open(made.shards(CONFIG))) {
      assertThat(source.info().tensors()).singleElement().matches(t -> t.name().endsWith("_bias"));
      EncodedWeight weight = source.info().quantized().get(0);
      assertThat(weight.name()).isEqualTo("l.experts.up");
      assertThat(weight.matrix().tensor().type()).isEqualTo(ElementType.BFLOAT16);
      assertThat(weight.matrix().tensor().shape())
          .isEqualTo(TensorShape.of(EXPERTS, INPUTS, OUTPUTS));
      float[] decoded = ForeignDirectory.decode(source, step);
      for (int n = 0; n < OUTPUTS; n++) {
        for (int e = 0; e < EXPERTS; e++) {
          for (int k = 0; k < INPUTS; k++) {
            int row = e * OUTPUTS + n;
            int pair = blocks[(row * INPUTS + k) / 2];
            float power = Math.scalb(1f, (scales[row * GROUPS + k / 32] & 0xff) - 127);
            assertThat(decoded[(n * EXPERTS + e) * INPUTS + k])
                .as("output %d of expert %d, input %d", n, e, k)
                .isEqualTo(E2M1[pair >>> (k % 2 == 0 ? 0 : 4) & 15] * power);
          }
        }
      }
    }
  }

  @Test
  void writesWhatItReads() throws IOException {
    ForeignDirectory made = experts();
    made.write(CONFIG);
    Map<String, byte[]> written = new HashMap<>();
    try (ModelFiles files =
        ModelDirectory.open(folder, ReadLimits.DEFAULT, DirectoryChoices.DEFAULT)) {
      WeightLayout layout =
          ForeignWeights.find(files, ReadLimits.DEFAULT).weights().values().iterator().next();
      layout.tensors().forEach(t -> written.put(t.name(), new byte[(int) t.bytes()]));
      WeightLayout.Writer writer =
          layout.writer(
              (tensor, offset, data) ->
                  data.get(written.get(tensor.name()), (int) offset, data.remaining()));
      WeightLayout.Source source = (t, offset, length) -> files.read(t.name(), offset, length);
      writer.writeTile(layout.read(new RowRange(3, 2), source));
      writer.writeTile(layout.read(new RowRange(0, 3), source));
      writer.writeWhole(Map.of());
      assertThatThrownBy(() -> layout.read(new RowRange(4, 2), source))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThat(written).hasSize(2);
    written.forEach((name, bytes) -> assertThat(bytes).as(name).isEqualTo(made.bytes(name)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "e.up_blocks U8 2x4x1x16 | has no tensor \"e.up_scales\"",
        "e.up_blocks U8 2x4x1x8 + e.up_scales U8 2x4x1 | the tensors beside it need U8 [2, 4, 1, 16]",
        "e.up_blocks U8 2x4x2x16 + e.up_scales U8 2x4x1 | e.up_scales\": is U8 [2, 4, 1]; the tensors"
            + " beside it need U8 [2, 4, 2]",
        "e.up_blocks U8 2x4x1x16 + e.up_scales F32 2x4x1 | is F32 [2, 4, 1]",
        "e.up_blocks U8 2x0x1x16 + e.up_scales U8 2x0x1 | stands for 2 experts of 0 x 32 numbers",
        "e.up_blocks U8 2x4x1x16 + e.up_scales U8 2x4x1 + e.up BF16 2x32x4 | stands beside \"e.up\"",
      })
  void refusesTensorsThatContradictEachOther(String tensors, String message) throws IOException {
    Path model = new ForeignDirectory(folder).zeros(tensors).write(CONFIG);
    assertThatThrownBy(() -> ForeignDirectory.open(model).close())
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining(message);
  }
}
