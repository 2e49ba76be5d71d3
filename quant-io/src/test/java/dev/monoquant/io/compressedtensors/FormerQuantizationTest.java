package dev.monoquant.io.compressedtensors;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.files.json.JsonText;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.OutputContents;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** config.json of a decoded model. */
class FormerQuantizationTest {

  private static Map<String, JsonValue> parse(String json) {
    byte[] bytes = json.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    return new LinkedHashMap<>(ConfigWriter.parse(bytes, "config.json").members());
  }

  private static String text(Map<String, JsonValue> config) {
    return JsonText.compact(new JsonValue.Obj(config)).replace('"', '\'');
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{'a':1,'quantization_config':{'quant_method':'fp8'}} | true | {'a':1}",
        "{'compression_config':{}} | true | {}",
        "{'quantization':{'bits':4,'group_size':64},'b':2} | true | {'b':2}",
        "{'quantization':{'kind':'vector'}} | false | {'quantization':{'kind':'vector'}}",
        "{'text_config':{'c':{'quantization_config':{}},'d':1}} | true | {'text_config':{'c':{},'d':1}}",
        "{'text_config':{'d':1}} | false | {'text_config':{'d':1}}",
      })
  void isRemovedWhereverItIs(String config, boolean found, String expected) {
    Map<String, JsonValue> members = parse(config);
    assertThat(FormerQuantization.remove(members)).isEqualTo(found);
    assertThat(text(members)).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{'torch_dtype':'float8_e4m3fn'} | {'torch_dtype':'bfloat16'}",
        "{'dtype':'torch.float32'} | {'dtype':'torch.bfloat16'}",
        "{'torch_dtype':'float16'} | {'torch_dtype':'float16'}",
        "{'torch_dtype':'bfloat16'} | {'torch_dtype':'bfloat16'}",
        "{'a':1} | {'a':1}",
      })
  void theTypeIsOneThatMatricesHave(String config, String expected) {
    OutputContents contents =
        new OutputContents(
            List.of(),
            List.of(),
            List.of(
                new TensorInfo("a", ElementType.FLOAT16, TensorShape.of(2, 2)),
                new TensorInfo("b", ElementType.BFLOAT16, TensorShape.of(4, 4)),
                new TensorInfo("norm", ElementType.FLOAT32, TensorShape.of(999)),
                new TensorInfo("ids", ElementType.INT64, TensorShape.of(9, 9))),
            Optional.empty());
    Map<String, JsonValue> members = parse(config);
    FormerQuantization.setType(members, contents);
    assertThat(text(members)).isEqualTo(expected);
  }
}
