package dev.monoquant.core.foreign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.spi.SideFile;
import dev.monoquant.testkit.fakes.ForwardingSource;
import dev.monoquant.testkit.fakes.MemoryModel;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Configurations and tensors together. */
class ForeignQuantizationTest {

  private static final String FLOATS = "fc.weight F32 64x32, fc.bias F32 64";
  private static final String GPTQ =
      "fc.qweight I32 8x32, fc.qzeros I32 2x4, fc.scales F16 2x32, fc.g_idx I32 64";

  @TempDir private Path folder;

  private Path file(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text.replace('\'', '"'));
  }

  private static Optional<ForeignQuantization> find(String tensors, Path... beside)
      throws IOException {
    return find(ReadLimits.DEFAULT, List.of(), tensors, beside);
  }

  private static Optional<ForeignQuantization> find(
      ReadLimits limits, List<EncodedWeight> decoded, String tensors, Path... beside)
      throws IOException {
    MemoryModel.Builder model = MemoryModel.named("model");
    Tensors.of(tensors).forEach(t -> model.tensor(t, new byte[(int) t.bytes()]));
    model.sideFiles(
        Arrays.stream(beside).map(f -> new SideFile(f.getFileName().toString(), f)).toList());
    try (ModelSource source =
        new ForwardingSource(model.build().open()) {
          @Override
          public ModelInfo info() {
            return super.info().withQuantized(decoded);
          }
        }) {
      return ForeignQuantization.find(source, limits);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "config.json | gptq (4 bits) | quantization_config of config.json | {'quantization_config':{'quant_method':'gptq','bits':4}}",
        "config.json | fp8 | quantization_config of config.json | {'quantization_config':{'quant_method':'fp8','fmt':'e4m3'}}",
        "config.json | bitsandbytes (nf4) | quantization_config of config.json | {'quantization_config':{'quant_method':'bitsandbytes','load_in_4bit':true,'bnb_4bit_quant_type':'nf4'}}",
        "config.json | bitsandbytes (8 bits) | quantization_config of config.json | {'quantization_config':{'quant_method':'bitsandbytes','bnb_4bit_quant_type':'fp4','load_in_4bit':false,'load_in_8bit':true}}",
        "config.json | modelopt (NVFP4) | quantization_config of config.json | {'quantization_config':{'quant_method':'modelopt','quant_algo':'NVFP4'}}",
        "config.json | compressed-tensors (nvfp4-pack-quantized) | quantization_config of config.json | {'quantization_config':{'quant_method':'compressed-tensors','format':'nvfp4-pack-quantized'}}",
        "config.json | compressed-tensors (dense) | compression_config of config.json | {'compression_config':{'quant_method':'compressed-tensors','format':'dense'}}",
        "config.json | fp8 | quantization_config of config.json | {'text_config':{'quantization_config':{'quant_method':'fp8'}}}",
        "config.json | a method without a name | quantization_config of config.json | {'quantization_config':{'x':1}}",
        "config.json | a method without a name | quantization_config of config.json, which is a text | {'quantization_config':'gptq'}",
        "config.json | a method without a name | compression_config of config.json, which is an array | {'text_config':{'compression_config':[{'quant_method':'fp8'}]}}",
        "config.json | MLX (4 bits) | quantization of config.json | {'quantization':{'group_size':64,'bits':4}}",
        "quantize_config.json | GPTQ (4 bits) | quantize_config.json | {'bits':4,'group_size':128,'desc_act':false}",
        "quant_config.json | AWQ (4 bits) | quant_config.json | {'zero_point':true,'q_group_size':128,'w_bit':4,'version':'GEMM'}",
        "hf_quant_config.json | modelopt (FP8) | hf_quant_config.json | {'producer':{'name':'modelopt'},'quantization':{'quant_algo':'FP8'}}",
        "hf_quant_config.json | modelopt | hf_quant_config.json | {'quantization':{'quant_algo':null,'kv_cache_quant_algo':'FP8'}}"
      })
  void aConfigurationAloneIsEnough(String name, String method, String where, String json)
      throws IOException {
    ForeignQuantization found = find(FLOATS, file(name, json)).orElseThrow();
    assertThat(found.method()).isEqualTo(method);
    assertThat(found.count()).isZero();
    assertThat(found.examples()).isEmpty();
    assertThat(found.evidence()).containsExactly(where);
    assertThat(found.remedy()).contains("take the entry out of " + where);
    assertThat(found.problem("in").toString())
        .startsWith("in: it is quantized already: by " + method)
        .contains("no tensor was recognised as codes (known by " + where + ")");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "config.json | {'architectures':['BertModel'],'torch_dtype':'float32'}",
        "config.json | {'quantization_config':null}",
        "config.json | {'quantization_config':{}}",
        "config.json | {'quantization':{'schedule':'none'}}",
        "config.json | ['quantization_config']",
        "quantize_config.json | {'per_channel':true,'reduce_range':true,'per_model_config':{'model':{'op_types':['Add']}}}",
        "generation_config.json | {'quantization_config':{'quant_method':'gptq'}}",
        "hf_quant_config.json | {'producer':{'name':'modelopt'}}"
      })
  void otherConfigurationsTellNothing(String name, String json) throws IOException {
    assertThat(find(FLOATS, file(name, json))).isEmpty();
  }

  @Test
  void tensorsAloneAreEnoughWhateverShardTheyAreIn() throws IOException {
    ForeignQuantization found =
        find(GPTQ + ", b.qweight I32 8x32, b.qzeros I32 2x4, b.scales F16 2x32").orElseThrow();
    assertThat(found.method()).isEqualTo("GPTQ");
    assertThat(found.count()).isEqualTo(2);
    assertThat(found.examples()).containsExactly("fc.qweight", "b.qweight");
    assertThat(found.evidence())
        .containsExactly(
            "I32 tensors with \"g_idx\" and \"scales\" beside them",
            "I32 tensors with \"scales\" beside them");
    assertThat(found.toString())
        .isEqualTo(
            "by GPTQ, which this version does not decode; 2 weights, such as \"fc.qweight\","
                + " \"b.qweight\" (known by I32 tensors with \"g_idx\" and \"scales\" beside them;"
                + " I32 tensors with \"scales\" beside them)");
    assertThat(found.remedy()).doesNotContain("take the entry out");
  }

  @Test
  void severalMethodsAreAllNamed() throws IOException {
    ForeignQuantization found =
        find(GPTQ + ", e.weight F8_E4M3 64x32, e.weight_scale F32 scalar").orElseThrow();
    assertThat(found.method()).isEqualTo("GPTQ and FP8");
    assertThat(found.count()).isEqualTo(2);
  }

  @Test
  void theConfigurationNamesTheMethodAndTheTensorsAreCounted() throws IOException {
    Path config =
        file("config.json", "{'quantization_config':{'quant_method':'auto-round','bits':4}}");
    Path old = file("quantize_config.json", "{'bits':4,'group_size':32}");
    ForeignQuantization found = find(GPTQ, config, old).orElseThrow();
    assertThat(found.method()).isEqualTo("auto-round (4 bits)");
    assertThat(found.count()).isEqualTo(1);
    assertThat(found.evidence())
        .containsExactly(
            "quantization_config of config.json",
            "quantize_config.json",
            "I32 tensors with \"g_idx\" and \"scales\" beside them");
  }

  /**
   * Its configuration is that of the weights that were decoded; other codes beside them are not.
   */
  @Test
  void whatAReaderDecodesIsNotForeign() throws IOException {
    Path config =
        file(
            "config.json",
            "{'quantization_config':{'quant_method':'compressed-tensors','format':'pack-quantized'}}");
    List<EncodedWeight> decoded = List.of(weight());
    assertThat(find(ReadLimits.DEFAULT, decoded, FLOATS, config)).isEmpty();
    assertThat(find(ReadLimits.DEFAULT, decoded, FLOATS)).isEmpty();
    assertThat(find(FLOATS, config)).isPresent();
    assertThat(find(ReadLimits.DEFAULT, decoded, GPTQ, config))
        .hasValueSatisfying(f -> assertThat(f.method()).isEqualTo("GPTQ"));
    Path other = file("quantize_config.json", "{'bits':4}");
    assertThat(find(ReadLimits.DEFAULT, decoded, FLOATS, other)).isEmpty();
    assertThat(find(FLOATS, other)).isPresent();
  }

  private static EncodedWeight weight() {
    TensorInfo tensor = new TensorInfo("q.weight", ElementType.FLOAT32, TensorShape.of(4, 8));
    return new EncodedWeight(
        new WeightMatrix("q", LayerKind.LINEAR, "weight", tensor, 0),
        new SchemeId("int4", 1),
        OptionValues.of(4, true, Granularity.CHANNEL),
        Encoding.affine(
            Part.perElement("codes", ElementType.INT4), Part.perRow("scale", ElementType.FLOAT32)));
  }

  @Test
  void wordsOfAFileCannotUpsetATerminal() throws IOException {
    Path config =
        file("config.json", "{'quantization_config':{'quant_method':'a\\u001b[2Jb','bits':4}}");
    String text =
        find("a\u001b.weight I8 64x32, a\u001b.weight_scale F32 64", config)
            .orElseThrow()
            .toString();
    assertThat(text).contains("a\\u001b[2Jb").doesNotContain("\u001b");
  }

  @Test
  void aDamagedConfigurationIsRefused() throws IOException {
    Path config = file("config.json", "{'a':1,}");
    assertThatThrownBy(() -> find(FLOATS, config))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("config.json");
    ReadLimits small = ReadLimits.DEFAULT.withMaxIndexBytes(4);
    assertThatThrownBy(() -> find(small, List.of(), FLOATS, config))
        .hasMessageContaining("maxIndexBytes");
  }
}
