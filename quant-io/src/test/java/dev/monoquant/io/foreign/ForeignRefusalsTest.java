package dev.monoquant.io.foreign;

import static dev.monoquant.io.foreign.ForeignWeightsTest.directory;
import static dev.monoquant.io.foreign.ForeignWeightsTest.floats;
import static dev.monoquant.io.foreign.ForeignWeightsTest.halves;
import static dev.monoquant.io.foreign.ForeignWeightsTest.index;
import static dev.monoquant.io.foreign.ForeignWeightsTest.open;
import static dev.monoquant.io.foreign.ForeignWeightsTest.random;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.files.testing.PlainSafetensors.Entry;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ModelSource;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is left as it is stored, and tensors that contradict each other. */
class ForeignRefusalsTest {

  @TempDir Path folder;

  @Test
  void leavesVariantsThatItDoesNotDecode() throws IOException {
    Random random = new Random(1);
    Map<String, Entry> tensors = new LinkedHashMap<>();
    random(tensors, random, "m.fc.qweight", "I32", 8, 32);
    random(tensors, random, "m.fc.qzeros", "I32", 2, 4);
    halves(tensors, random, "m.fc.scales", 2, 32);
    assertLeft(tensors, "{'checkpoint_format':'marlin'}", "GPTQ format marlin is not decoded");
    assertLeft(
        tensors,
        "{'quant_method':'auto-round','packing_format':'auto_round:hpu'}",
        "its packing_format \"auto_round:hpu\" of AutoRound is not decoded; auto_round,"
            + " auto_round:auto_gptq, auto_round:gptq, auto_round:gptqmodel are");
  }

  private void assertLeft(Map<String, Entry> tensors, String config, String note)
      throws IOException {
    try (ModelSource source = open(directory(folder, tensors, config))) {
      assertThat(source.info().quantized()).isEmpty();
      assertThat(source.info().tensors()).hasSize(tensors.size());
      assertThat(source.info().notes().toString()).contains("no weight is decoded", note);
    }
  }

  @Test
  void refusesTensorsThatContradictEachOther() throws IOException {
    Random random = new Random(1);
    Map<String, Entry> gptq = new LinkedHashMap<>();
    random(gptq, random, "m.fc.qweight", "I32", 8, 32);
    random(gptq, random, "m.fc.qzeros", "I32", 2, 4);
    halves(gptq, random, "m.fc.scales", 2, 32);
    index(gptq, 64, k -> k == 9 ? 2 : k / 32);
    assertRefused(gptq, "{}", "m.fc.g_idx\": names group 2 of 2");
    gptq.remove("m.fc.g_idx");
    assertRefused(gptq, "{'bits':8}", "has codes of 4 bits, and the configuration says 8");
    random(gptq, random, "m.fc.qzeros", "I32", 3, 4);
    assertRefused(
        gptq, "{}", "m.fc.qzeros\": is I32 [3, 4]; the tensors beside it need I32 [2, 4]");
    halves(gptq, random, "m.fc.scales", 3, 32);
    assertRefused(gptq, "{}", "m.fc.scales\": has 3 groups for 64 inputs");
    halves(gptq, random, "m.fc.weight", 32, 64);
    random(gptq, random, "m.fc.qzeros", "I32", 2, 4);
    halves(gptq, random, "m.fc.scales", 2, 32);
    assertRefused(gptq, "{}", "stands beside \"m.fc.weight\"");

    Map<String, Entry> fp8 = new LinkedHashMap<>();
    random(fp8, random, "m.fc.weight", "F8_E4M3", 300, 40);
    assertRefused(fp8, "{'quant_method':'fp8'}", "by the method fp8, and has no scale");
    floats(fp8, random, "m.fc.weight_scale_inv", 7, 1);
    assertRefused(fp8, "{}", "has 7 scales along an axis of 300 numbers");

    Map<String, Entry> eight = new LinkedHashMap<>();
    random(eight, random, "m.fc.weight", "I8", 4, 8);
    floats(eight, random, "m.fc.SCB", 5);
    assertRefused(eight, "{}", "m.fc.SCB\": is F32 [5]");
    floats(eight, random, "m.fc.SCB", 4);
    eight.put("m.fc.weight_format", new Entry("U8", "[]", new byte[] {2}));
    assertLeft(eight, "{}", "its weight_format is 2; only 0 is decoded");
  }

  /** The marker of ComfyUI says that weights have scales, which decoded ones have not. */
  @Test
  void decodedWeightsHaveNoMarkerOfScaledOnes() throws IOException {
    Random random = new Random(1);
    Map<String, Entry> tensors = new LinkedHashMap<>();
    random(tensors, random, "model.scaled_fp8", "F8_E4M3", 2);
    random(tensors, random, "m.fc.weight", "F8_E4M3", 8, 8);
    floats(tensors, random, "m.fc.scale_weight");
    floats(tensors, random, "m.fc.scale_input");
    halves(tensors, random, "m.norm.weight", 8);
    try (ModelSource source = open(directory(folder, tensors, "{}"))) {
      assertThat(source.info().quantized()).hasSize(1);
      assertThat(source.info().tensors())
          .extracting(TensorInfo::name)
          .containsExactly("m.norm.weight");
      assertThat(source.info().notes())
          .containsExactly(
              "left out: 1 scale of activations, which floats need not",
              "left out: \"model.scaled_fp8\", which says that weights have scales");
    }
    tensors.remove("m.fc.scale_weight");
    try (ModelSource source = open(directory(folder, tensors, "{}"))) {
      assertThat(source.info().tensors()).hasSize(4);
    }
  }

  /** vLLM looks for the scales of keys and values beside the projections. */
  @Test
  void decodedAttentionsHaveNoScalesOfKeysAndValues() throws IOException {
    Random random = new Random(1);
    Map<String, Entry> tensors = new LinkedHashMap<>();
    random(tensors, random, "m.attn.k_proj.weight", "F8_E4M3", 8, 8);
    floats(tensors, random, "m.attn.k_proj.weight_scale");
    floats(tensors, random, "m.attn.k_scale");
    floats(tensors, random, "m.attn.attn.v_scale", 1);
    floats(tensors, random, "m.other.k_scale", 1);
    floats(tensors, random, "m.attn.q_scale", 8);
    try (ModelSource source = open(directory(folder, tensors, "{}"))) {
      assertThat(source.info().quantized()).hasSize(1);
      assertThat(source.info().tensors())
          .extracting(TensorInfo::name)
          .as("those of attentions in float, and a vector, are weights of the model")
          .containsExactlyInAnyOrder("m.other.k_scale", "m.attn.q_scale");
      assertThat(source.info().notes())
          .containsExactly("left out: 2 scales of activations, which floats need not");
    }
  }

  /** transformers takes the blocks from the scales, since a model may have several sizes. */
  @Test
  void otherBlocksThanDeclaredAreToldAndOnesThatNothingTellsAreNotDecoded() throws IOException {
    Random random = new Random(1);
    Map<String, Entry> tensors = new LinkedHashMap<>();
    random(tensors, random, "m.fc.weight", "F8_E4M3", 256, 256);
    floats(tensors, random, "m.fc.weight_scale_inv", 2, 2);
    random(tensors, random, "m.row.weight", "F8_E4M3", 256, 256);
    floats(tensors, random, "m.row.weight_scale", 256, 1);
    String declared = "{'quant_method':'fp8','weight_block_size':[%s]}";
    try (ModelSource source = open(directory(folder, tensors, declared.formatted("64,64")))) {
      assertThat(source.info().quantized()).hasSize(2);
      assertThat(source.info().notes())
          .containsExactly(
              "weight_block_size is 64x64, and the scales of 1 weight, such as \"m.fc.weight\","
                  + " are for other blocks, by which they are decoded");
    }
    try (ModelSource source = open(directory(folder, tensors, declared.formatted("128,128")))) {
      assertThat(source.info().notes()).isEmpty();
    }
    random(tensors, random, "m.fc.weight", "F8_E4M3", 96, 256);
    assertLeft(tensors, "{}", "its blocks have 64 or 48 numbers along an axis");
    try (ModelSource source = open(directory(folder, tensors, declared.formatted("64,128")))) {
      assertThat(source.info().quantized()).hasSize(2);
    }
  }

  private void assertRefused(Map<String, Entry> tensors, String config, String message)
      throws IOException {
    Path model = directory(folder, tensors, config);
    assertThatThrownBy(() -> open(model).close())
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining(message);
  }

  @Test
  void keepsPlainModelsAsTheyAre() throws IOException {
    Map<String, Entry> tensors = new LinkedHashMap<>();
    Random random = new Random(1);
    random(tensors, random, "m.fc.weight", "F8_E4M3", 8, 8);
    random(tensors, random, "m.ids", "I32", 8);
    Path model = directory(folder, tensors, "{}");
    try (ModelSource source = open(model)) {
      assertThat(source.info().quantized()).isEmpty();
      assertThat(source.info().tensors()).hasSize(2);
      assertThat(source.info().notes()).isEmpty();
    }
  }
}
