package dev.monoquant.io.compressedtensors;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.Problem;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a loader would get wrong is found, each by itself. */
class LoaderAuditTest {

  private static EncodedWeight packed(String module, int bits) {
    TensorInfo tensor =
        new TensorInfo(module + ".weight", ElementType.FLOAT32, TensorShape.of(4, 8));
    return new EncodedWeight(
        new WeightMatrix(module, LayerKind.LINEAR, "weight", tensor, 0),
        new SchemeId("int" + bits, 1),
        OptionValues.of(bits, true, Granularity.CHANNEL),
        Encoding.affine(
            Part.perElement("codes", ElementType.code(bits, true)),
            Part.perRow("scale", ElementType.FLOAT32)));
  }

  private static TensorInfo tensor(String name, long... dims) {
    return new TensorInfo(name, ElementType.FLOAT32, TensorShape.of(dims));
  }

  private static String group(String name, int bits, String targets) {
    return "'"
        + name
        + "': {'targets': ["
        + targets
        + "], 'weights': {'num_bits': "
        + bits
        + ", 'strategy': 'channel'}}";
  }

  private static JsonValue.Obj config(String groups, String ignore) {
    String json =
        "{'quantization_config': {'quant_method': 'compressed-tensors', 'config_groups': {"
            + groups
            + "}, 'ignore': ["
            + ignore
            + "]}}";
    return ConfigWriter.parse(
        json.replace('\'', '"').getBytes(StandardCharsets.UTF_8), "config.json");
  }

  private static List<String> faults(
      JsonValue.Obj config, List<EncodedWeight> weights, TensorInfo... kept) {
    return LoaderAudit.faults(config, weights, List.of(kept), "config.json").stream()
        .map(Problem::message)
        .toList();
  }

  @Test
  void aDirectoryThatLoadsRightHasNoFault() {
    JsonValue.Obj config =
        config(
            group("a", 4, "'re:(.*\\\\.)?down$'") + "," + group("b", 8, "'Linear'"),
            "'head', 're:(.*\\\\.)?head$'");
    assertThat(
            faults(
                config,
                List.of(packed("m.down", 4), packed("m.up", 8)),
                tensor("head.weight", 4, 8),
                tensor("norm.weight", 8),
                tensor("conv.weight", 4, 8, 3)))
        .isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "'Linear' | 'm.up' | is packed, but a loader ignores it",
        "'Linear' | 're:.*m\\\\.up' | is packed, but a loader ignores it",
        "'m.up' |  | is packed, but no group selects it, where it is called model.NAME",
        "'m.down' |  | is packed, but no group selects it"
      })
  void aPackedWeightThatIsNotSelectedIsAFault(String targets, String ignore, String fault) {
    JsonValue.Obj config = config(group("a", 4, targets), ignore == null ? "" : ignore);
    assertThat(faults(config, List.of(packed("m.up", 4))))
        .anySatisfy(f -> assertThat(f).isEqualTo("\"m.up\": " + fault));
  }

  @Test
  void aWeightThatAnotherGroupDecodesIsAFault() {
    JsonValue.Obj config = config(group("a", 4, "'m.down'") + "," + group("b", 8, "'Linear'"), "");
    assertThat(faults(config, List.of(packed("m.down", 4), packed("m.up", 8))))
        .containsExactly("\"m.down\": is decoded by group \"b\", where it is called model.NAME");
    assertThat(faults(config, List.of(packed("m.down", 8))))
        .containsExactly("\"m.down\": is decoded by group \"a\"");
  }

  @Test
  void layersThatLoadersMergeArePackedInOneWay() {
    String any = "re:(.*\\\\.)?";
    JsonValue.Obj config =
        config(
            group("a", 4, "'" + any + "q_proj$'") + "," + group("b", 8, "'" + any + "(k|v)_proj$'"),
            "");
    assertThat(
            faults(
                config,
                List.of(
                    packed("m.self_attn.q_proj", 4),
                    packed("m.self_attn.k_proj", 8),
                    packed("m.self_attn.v_proj", 8))))
        .containsExactly(
            "\"m.self_attn.(q_proj|k_proj|v_proj)\": are merged by loaders, and packed in different"
                + " ways");
    assertThat(
            faults(
                config,
                List.of(packed("m.self_attn.k_proj", 8), packed("m.self_attn.v_proj", 8)),
                tensor("m.self_attn.q_proj.bias", 4)))
        .isEmpty();
  }

  /** Of 8 bits, FP8 and packed integers differ in their form. */
  @Test
  void twoFormsInOneFamilyAreAFault() {
    EncodedWeight integers = packed("m.self_attn.q_proj", 8);
    EncodedWeight floats =
        new EncodedWeight(
            packed("m.self_attn.k_proj", 8).matrix(),
            new SchemeId("fp8", 1),
            OptionValues.of(8, true, Granularity.CHANNEL),
            Encoding.affine(
                Part.perElement("codes", ElementType.FLOAT8_E4M3),
                Part.perRow("scale", ElementType.FLOAT32)));
    String any = "re:(.*\\\\.)?";
    JsonValue.Obj config =
        config(
            group("a", 8, "'" + any + "q_proj$'")
                + ","
                + group("b", 8, "'" + any + "k_proj$'")
                    .replace(
                        "'weights': {",
                        "'format': 'naive-quantized', 'weights': {'type': 'float', "),
            "");
    assertThat(faults(config, List.of(integers, floats)))
        .containsExactly(
            "\"m.self_attn.(q_proj|k_proj)\": are merged by loaders, and packed in different ways");
    assertThat(faults(config(group("a", 8, "'Linear'"), ""), List.of(floats)))
        .containsExactly(
            "\"m.self_attn.k_proj\": is decoded by group \"a\"",
            "\"m.self_attn.k_proj\": is decoded by group \"a\", where it is called model.NAME");
    String bytes =
        group("a", 8, "'Linear'").replace("'weights'", "'format': 'naive-quantized', 'weights'");
    assertThat(faults(config(bytes, ""), List.of(packed("model.up", 8))))
        .contains("\"model.up\": is decoded by group \"a\"");
  }

  @Test
  void aMatrixInFloatThatIsNotIgnoredIsAFault() {
    JsonValue.Obj config = config(group("a", 4, "'Linear'"), "'head'");
    assertThat(faults(config, List.of(packed("m.up", 4)), tensor("head.weight", 4, 8)))
        .containsExactly(
            "\"head\": is in float, but a loader takes it for packed, where it is called model.NAME");
    assertThat(
            faults(
                config,
                List.of(packed("m.up", 4)),
                tensor("n.parametrizations.weight.original1", 4, 8)))
        .contains("\"n\": is in float, but a loader takes it for packed");
  }

  @Test
  void whatIsLeftOfAnotherQuantizationIsAFault() {
    JsonValue.Obj config = config(group("a", 4, "'Linear'"), "");
    assertThat(faults(config, List.of(packed("m.up", 4)), tensor("n.weight_scale", 4)))
        .containsExactly(
            "\"n.weight_scale\": is a part of a quantized weight, and belongs to none");
    String nested = "{'text_config': {'quantization_config': {'quant_method': 'gptq'}}}";
    JsonValue.Obj second =
        ConfigWriter.parse(
            nested.replace('\'', '"').getBytes(StandardCharsets.UTF_8), "config.json");
    assertThat(faults(second, List.of()))
        .containsExactly(
            "\"text_config.quantization_config\": is a second configuration of quantization");
  }

  @Test
  void namesOfTheLoaderAreAskedForToo() {
    String named = "'encoder.layer.0.intermediate.dense'";
    String json = "{'model_type': 'vit', 'quantization_config': {'quant_method':";
    for (String ignore : List.of(named, named + ", 're:(.*\\\\.)?layers\\\\.0\\\\.mlp\\\\.fc1$'")) {
      JsonValue.Obj config =
          ConfigWriter.parse(
              (json
                      + " 'compressed-tensors', 'config_groups': {"
                      + group("a", 4, "'Linear'")
                      + "}, 'ignore': ["
                      + ignore.replace("'encoder", "'re:.*encoder")
                      + "]}}")
                  .replace('\'', '"')
                  .getBytes(StandardCharsets.UTF_8),
              "config.json");
      assertThat(
              faults(config, List.of(), tensor("encoder.layer.0.intermediate.dense.weight", 4, 8)))
          .hasSize(ignore.equals(named) ? 2 : 0)
          .allMatch(f -> f.contains("where a loader calls it") && f.contains("mlp.fc1"));
    }
  }
}
