package dev.monoquant.io.compressedtensors;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.json.JsonDialect;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.json.StrictJson;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a group without a format is stored as: the answers of {@code infer_module_format}. */
class InferredFormatTest {

  private static final String FLOAT_INPUTS = "{'num_bits':8,'type':'float','dynamic':true}";

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'num_bits':4,'group_size':128,'strategy':'group' | | pack-quantized",
        "'num_bits':8,'strategy':'channel' | | pack-quantized",
        "'num_bits':8,'strategy':'channel' | {'num_bits':8,'dynamic':true} | int-quantized",
        "'num_bits':4,'group_size':128,'strategy':'group' | " + FLOAT_INPUTS + " | int-quantized",
        "'num_bits':8,'type':'float','strategy':'channel' | | naive-quantized",
        "'num_bits':8,'type':'float','strategy':'channel' | null | naive-quantized",
        "'num_bits':8,'type':'float','strategy':'channel' | " + FLOAT_INPUTS + " | float-quantized",
        "'num_bits':8,'type':'float','strategy':'block','block_structure':[128,128] | "
            + FLOAT_INPUTS
            + " | float-quantized",
        "'num_bits':8,'type':'float','strategy':'group','group_size':32 | | naive-quantized",
        "'num_bits':8,'type':'float','strategy':'group','group_size':32,"
            + "'scale_dtype':'torch.uint8' | | mxfp8-quantized",
        "'num_bits':4,'type':'float','strategy':'group','group_size':32,"
            + "'scale_dtype':'torch.uint8' | | mxfp4-pack-quantized",
        "'num_bits':4,'type':'float','strategy':'tensor_group','group_size':16,"
            + "'scale_dtype':'torch.float8_e4m3fn' | | nvfp4-pack-quantized"
      },
      quoteCharacter = '`')
  void isWhatCompressedTensorsInfers(String weights, String inputs, String format) {
    String activations = inputs == null ? "" : ",'input_activations':" + inputs;
    String json =
        "{'quant_method':'compressed-tensors','format':null,'config_groups':{'g':{"
            + "'targets':['Linear'],'weights':{"
            + weights
            + "}"
            + activations
            + "}}}";
    assertThat(ConfigGroup.read(parse(json.replace('\'', '"')), "config.json"))
        .singleElement()
        .extracting(group -> group.form().wire())
        .isEqualTo(format);
  }

  private static JsonValue.Obj parse(String json) {
    return (JsonValue.Obj)
        StrictJson.parse(
            ByteBuffer.wrap(json.getBytes(StandardCharsets.UTF_8)),
            new JsonDialect("file", "the text", Reason.METADATA, Reason.METADATA, 64, false, 9999));
  }
}
