package dev.monoquant.io.compressedtensors;

import static dev.monoquant.io.compressedtensors.ConfigTest.weight;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.testing.PlainSafetensors;
import dev.monoquant.files.testing.Sample;
import dev.monoquant.io.compressedtensors.DirectoryRoundTripTest.PlainPacking;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is read from config.json, and what is refused. */
class ConfigReadingTest {

  @TempDir Path folder;

  private final CompressedTensorsFormat format = new CompressedTensorsFormat();

  @ParameterizedTest
  @ValueSource(
      strings = {
        "float-quantized",
        "nvfp4-pack-quantized",
        "mxfp4-pack-quantized",
        "mxfp8-quantized",
        "marlin-24",
        "fakequant"
      })
  void otherFormatsAreNotDecoded(String name) throws IOException {
    directory(
        "\"format\": \"" + name + "\"", "\"targets\":[\"Linear\"]", "\"num_bits\":4", packed());
    assertNotDecoded(name);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"num_bits\":4,\"type\":\"float\" | float",
        "\"num_bits\":1 | 1 bits",
        "\"num_bits\":16 | 16 bits",
        "\"num_bits\":4,\"strategy\":\"block\",\"block_structure\":[1,1] | int4 block"
      })
  void groupsOfOtherKindsAreNotDecoded(String weights, String mention) throws IOException {
    directory("\"format\": \"pack-quantized\"", "\"targets\":[\"Linear\"]", weights, packed());
    assertNotDecoded(mention);
  }

  /** Opened as it is stored: nothing of it decoded, nothing of it hidden, and a note why. */
  private void assertNotDecoded(String mention) throws IOException {
    try (ModelSource source = format.open(ModelInput.of(folder), ReadLimits.DEFAULT)) {
      assertThat(source.info().quantized()).isEmpty();
      assertThat(source.info().tensors()).extracting(TensorInfo::name).contains("fc.weight_packed");
      assertThat(source.info().notes())
          .singleElement()
          .asString()
          .contains("no weight is decoded", mention);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"num_bits\":4,\"strategy\":\"group\" | METADATA | group_size",
        "\"num_bits\":4,\"strategy\":\"block\" | METADATA | block_structure",
        "\"num_bits\":\"4\" | METADATA | num_bits",
        "\"num_bits\":5,\"strategy\":\"channel\" | SHAPE | fc.weight_packed",
        "\"num_bits\":4,\"strategy\":\"tensor\" | SHAPE | fc.weight_scale",
        "\"num_bits\":4,\"strategy\":\"group\",\"group_size\":4 | SHAPE | fc.weight_scale",
        "\"num_bits\":4,\"strategy\":\"channel\",\"symmetric\":false | RECORD_MISSING | fc.weight_zero_point"
      })
  void groupsThatDoNotFitAreRefused(String weights, Reason reason, String mention)
      throws IOException {
    directory("\"format\": \"pack-quantized\"", "\"targets\":[\"Linear\"]", weights, packed());
    assertRefused(reason, mention);
  }

  @ParameterizedTest
  @ValueSource(strings = {"\"targets\":[\"Embedding\"]", "\"targets\":[\"re:x.*\"]"})
  void aModuleWithoutAGroupIsRefused(String targets) throws IOException {
    directory(
        "\"format\": \"pack-quantized\"",
        targets,
        "\"num_bits\":4,\"strategy\":\"channel\"",
        packed());
    assertRefused(Reason.METADATA, "\"fc\"");
  }

  @ParameterizedTest
  @ValueSource(strings = {"(", "(a*)*(a*)*(a*)*(a*)*b", "((a|a)*)*b"})
  void aRegexThatHangsOrIsNoneIsRefused(String regex) throws IOException {
    Map<String, PlainSafetensors.Entry> tensors = new LinkedHashMap<>();
    packed().forEach((name, t) -> tensors.put(name.replace("fc.", "a".repeat(4000) + "."), t));
    directory(
        "\"format\": \"pack-quantized\"",
        "\"targets\":[\"re:" + regex + "\"]",
        "\"num_bits\":4,\"strategy\":\"channel\"",
        tensors);
    assertRefused(Reason.METADATA, "regex");
  }

  @Test
  void aShapeThatIsNoneIsRefused() throws IOException {
    Map<String, PlainSafetensors.Entry> tensors = packed();
    byte[] shape = new byte[16];
    shape[7] = (byte) 0x80;
    tensors.put("fc.weight_shape", PlainPacking.entry("I64", shape, 2));
    directory(
        "\"format\": \"pack-quantized\"",
        "\"targets\":[\"Linear\"]",
        "\"num_bits\":4,\"strategy\":\"channel\"",
        tensors);
    assertRefused(Reason.SHAPE, "fc.weight_shape");
  }

  @Test
  void codesBeyondTheirBitsAreRefusedWhenRead() throws IOException {
    Map<String, PlainSafetensors.Entry> tensors = new LinkedHashMap<>();
    tensors.put("fc.weight", PlainPacking.entry("I8", new byte[] {1, -8, 7, 8}, 2, 2));
    tensors.put("fc.weight_scale", PlainPacking.entry("F32", new byte[8], 2, 1));
    directory(
        "\"format\": \"int-quantized\"",
        "\"targets\":[\"Linear\"]",
        "\"num_bits\":4,\"strategy\":\"channel\"",
        tensors);
    try (ModelSource source = format.open(ModelInput.of(folder), ReadLimits.DEFAULT)) {
      EncodedWeight weight = source.info().quantized().get(0);
      assertThat(source.readTile(weight, new RowRange(0, 1)).part("codes")).containsExactly(1, -8);
      assertThatThrownBy(() -> source.readTile(weight, new RowRange(1, 1)))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("8");
    }
  }

  /** Ten codes of 3 bits a word, as it was before dense packing. */
  @Test
  void theOlderLayoutIsToldByItsWidth() throws IOException {
    int[] words = new int[4];
    byte[] codes = new byte[32];
    for (int i = 0; i < 32; i++) {
      codes[i] = (byte) (i * 5 % 8 - 4);
      words[i / 10] |= (codes[i] + 4) << (i % 10 * 3);
    }
    java.nio.ByteBuffer packed =
        java.nio.ByteBuffer.allocate(16).order(java.nio.ByteOrder.LITTLE_ENDIAN);
    packed.asIntBuffer().put(words);
    byte[] shape = new byte[8];
    shape[0] = 1;
    shape[4] = 32;
    Map<String, PlainSafetensors.Entry> tensors = new LinkedHashMap<>();
    tensors.put("fc.weight_packed", PlainPacking.entry("I32", packed.array(), 1, 4));
    tensors.put("fc.weight_scale", PlainPacking.entry("F32", new byte[4], 1));
    tensors.put("fc.weight_shape", PlainPacking.entry("I32", shape, 2));
    tensors.put("fc.weight_zero_point", PlainPacking.entry("I8", new byte[] {-3}, 1));
    directory(
        "\"format\": \"pack-quantized\"",
        "\"targets\":[\"re:f\"]",
        "\"num_bits\":3,\"symmetric\":false",
        tensors);
    try (ModelSource source = format.open(ModelInput.of(folder), ReadLimits.DEFAULT)) {
      EncodedWeight weight = source.info().quantized().get(0);
      assertThat(source.readTile(weight, new RowRange(0, 1)).part("codes")).isEqualTo(codes);
      assertThat(source.readTile(weight, new RowRange(0, 1)).part("zero_point"))
          .containsExactly(-3);
    }
  }

  @Test
  void aDirectoryWithoutQuantizationIsNotOurs() throws IOException {
    Files.writeString(folder.resolve("config.json"), "{}");
    assertThat(format.probe(ModelInput.of(folder))).isEqualTo(Match.NONE);
    assertRefused(Reason.NOT_THIS_FORMAT, "quantization_config");
  }

  @Test
  void aLongConfigurationIsRecognisedByItsEnd() throws IOException {
    directory("\"format\": \"dense\"", "\"targets\":[]", "\"num_bits\":4", packed());
    String config = Files.readString(folder.resolve("config.json"));
    String labels = "{\"id2label\":\"" + "x".repeat(300_000) + "\"," + config.substring(1);
    Files.writeString(folder.resolve("config.json"), labels);
    assertThat(format.probe(ModelInput.of(folder))).isEqualTo(Match.CERTAIN);
  }

  private Map<String, PlainSafetensors.Entry> packed() {
    Sample sample = new Sample(7).quantize(weight("fc", 4, 0));
    Map<String, PlainSafetensors.Entry> tensors = new LinkedHashMap<>();
    sample.weights.forEach((w, parts) -> tensors.putAll(PlainPacking.pack(w, parts)));
    return tensors;
  }

  private void directory(
      String format, String targets, String weights, Map<String, PlainSafetensors.Entry> tensors)
      throws IOException {
    PlainSafetensors.write(folder.resolve("model.safetensors"), tensors);
    Files.writeString(
        folder.resolve("config.json"),
        "{\"quantization_config\":{\"quant_method\":\"compressed-tensors\","
            + format
            + ",\"config_groups\":{\"group_0\":{"
            + targets
            + ",\"weights\":{"
            + weights
            + "}}}}}");
  }

  private void assertRefused(Reason reason, String mention) {
    assertThatThrownBy(() -> format.open(ModelInput.of(folder), ReadLimits.DEFAULT).close())
        .isInstanceOfSatisfying(
            ModelFormatException.class,
            e -> {
              assertThat(e.reason()).as(e.getMessage()).isEqualTo(reason);
              assertThat(e.getMessage()).contains(mention).doesNotContain("\n").endsWith(".");
            });
  }
}
