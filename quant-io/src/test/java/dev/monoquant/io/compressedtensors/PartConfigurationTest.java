package dev.monoquant.io.compressedtensors;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.files.testing.PlainSafetensors;
import dev.monoquant.files.testing.PlainSafetensors.Entry;
import dev.monoquant.model.RowRange;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.TileDecoder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Models of several parts whose configuration of quantization is in that of the language model. */
class PartConfigurationTest {

  private static final String GROUPS =
      "'quantization_config':{'quant_method':'compressed-tensors','format':'pack-quantized',"
          + "'config_groups':{'group_0':{'targets':['Linear'],'weights':{'num_bits':4,"
          + "'strategy':'group','group_size':4}}},'ignore':['lm_head']}";

  @TempDir Path folder;

  private ModelSource open(String config) throws IOException {
    Map<String, Entry> tensors = new LinkedHashMap<>();
    String fc = "language_model.model.layers.0.fc.";
    byte[] codes = {0x10, 0x32, 0x54, 0x76};
    byte[] scales = {0, 0, (byte) 0x80, 0x3f, 0, 0, (byte) 0xc8, 0x42};
    tensors.put(fc + "weight_packed", new Entry("I32", "[1,1]", codes));
    tensors.put(fc + "weight_scale", new Entry("F32", "[1,2]", scales));
    byte[] shape = {1, 0, 0, 0, 8, 0, 0, 0};
    tensors.put(fc + "weight_shape", new Entry("I32", "[2]", shape));
    PlainSafetensors.write(folder.resolve("model.safetensors"), tensors);
    Files.writeString(folder.resolve("config.json"), config.replace('\'', '"'));
    return new CompressedTensorsFormat().open(ModelInput.of(folder), ReadLimits.DEFAULT);
  }

  @Test
  void isReadLikeThatOfTheWholeModel() throws IOException {
    for (String config : new String[] {"{" + GROUPS + "}", "{'text_config':{" + GROUPS + "}}"}) {
      try (ModelSource source = open(config)) {
        EncodedWeight weight = source.info().quantized().get(0);
        float[] out = new float[8];
        TileDecoder.ofFormula(weight).decode(source.readTile(weight, new RowRange(0, 1)), out);
        assertThat(out).containsExactly(-8, -7, -6, -5, -400, -300, -200, -100);
      }
    }
  }

  /** Rotations within the weights are part of their numbers; those of activations are not. */
  @Test
  void transformsOfActivationsAreNotLeftOut() throws IOException {
    String transforms =
        ",'transform_config':{'config_groups':{'r':{'type':'hadamard','apply':[{'targets':['fc'],"
            + "'location':'LOCATION'}]}}}}";
    String config = "{" + GROUPS.substring(0, GROUPS.length() - 1) + transforms + "}";
    try (ModelSource source = open(config.replace("LOCATION", "weight_input"))) {
      assertThat(source.info().quantized()).hasSize(1);
    }
    try (ModelSource source = open(config.replace("LOCATION", "input"))) {
      assertThat(source.info().quantized()).isEmpty();
      assertThat(source.info().notes().toString())
          .contains("no weight is decoded", "transform of activations (location \"input\")");
    }
  }
}
