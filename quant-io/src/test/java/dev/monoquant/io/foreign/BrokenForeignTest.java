package dev.monoquant.io.foreign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.QuantException;
import dev.monoquant.files.testing.Folders;
import dev.monoquant.model.RowRange;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.TileDecoder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tensors that do not belong together: each kind is refused by name, and nothing else happens. */
class BrokenForeignTest {

  private static final String GPTQ =
      "fc.qweight I32 8x32 + fc.qzeros I32 2x4 + fc.scales F16 2x32 + fc.g_idx I32 64";
  private static final String AWQ = "fc.qweight I32 64x4 + fc.qzeros I32 2x4 + fc.scales F16 2x32";
  private static final String FP8 = "fc.weight F8_E4M3 256x256 + fc.weight_scale_inv F32 2x2";
  private static final String PAIRS = "fc.weight I8 8x32 + fc.scale U8 8x2";
  private static final String NVFP4 =
      "fc.weight U8 8x16 + fc.weight_scale F8_E4M3 8x2 + fc.weight_scale_2 F32";
  private static final String BYTES = "fc.weight I8 4x8 + fc.SCB F32 4";
  private static final String NF4 =
      "fc.weight U8 256x1 + fc.weight.absmax F32 8 + fc.weight.quant_map F32 16";
  private static final String MXFP4 = "e.up_blocks U8 2x4x1x16 + e.up_scales U8 2x4x1";
  private static final String MLX = "fc.weight U32 4x8 + fc.scales BF16 4x2 + fc.biases BF16 4x2";
  private static final String QUANTO = "fc.weight._data I8 4x8 + fc.weight._scale F16 4x1";

  private static final String STATE = "{'quant_type':'nf4','blocksize':64,'shape':[8,64]}";

  private static final Map<String, String> CONFIGS =
      Map.of(
          GPTQ, "{'quant_method':'gptq','bits':4,'group_size':32}",
          AWQ, "{'quant_method':'awq','bits':4,'group_size':32,'version':'gemm'}",
          FP8, "{'quant_method':'fp8','weight_block_size':[128,128]}",
          PAIRS, "{'quant_method':'fp8'}",
          NVFP4, "{'quant_method':'modelopt'}",
          BYTES, "{'quant_method':'bitsandbytes'}",
          NF4, "{'quant_method':'bitsandbytes'}",
          MXFP4, "{'quant_method':'mxfp4'}",
          MLX, "{'group_size':32,'bits':4}",
          QUANTO, "{}");

  private static Path write(Path folder, String tensors, String config, String state)
      throws IOException {
    ForeignDirectory made = new ForeignDirectory(folder).zeros(tensors);
    if (tensors.contains("quant_map")) {
      byte[] json = state.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
      made.add("fc.weight.quant_state.bitsandbytes__nf4", "U8", json, json.length);
    }
    return made.shards("{'torch_dtype':'bfloat16','quantization_config':" + config + "}");
  }

  private static void decodeAll(Path model) throws IOException {
    try (ModelSource source = ForeignDirectory.open(model)) {
      for (EncodedWeight weight : source.info().quantized()) {
        int rows = (int) Math.min(weight.matrix().rowCount(), weight.encoding().rowAlignment());
        float[] out = new float[Math.toIntExact(rows * weight.matrix().columnCount())];
        TileDecoder.ofFormula(weight).decode(source.readTile(weight, new RowRange(0, rows)), out);
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        GPTQ + " | I32 2x4 | I32 2x5 | | fc.qzeros\": is of shape [2, 5] beside 32 outputs",
        GPTQ + " | I32 2x4 | I32 3x4 | | fc.qzeros\": is I32 [3, 4]; the tensors beside it need",
        GPTQ + " | F16 2x32 | U8 2x32 | | fc.scales\": is U8, and scales are floats",
        GPTQ + " | I32 64 | I32 63 | | fc.g_idx\": is I32 [63]",
        GPTQ + " | I32 64 | I64 64 | | fc.g_idx\": is I64 [64]",
        GPTQ + " | | | 'bits':8 | has codes of 4 bits, and the configuration says 8",
        AWQ + " | I32 2x4 | I32 3x4 | | fc.qzeros\": is I32 [3, 4]",
        AWQ + " | F16 2x32 | F16 3x32 | | fc.qzeros\": is I32 [2, 4]; the tensors beside it need",
        FP8 + " | + fc.weight_scale_inv F32 2x2 | | | by the method fp8, and has no scale",
        FP8 + " | F8_E4M3 256x256 | F8_E4M3 256x0 | | stands for a weight of 256 x 0 numbers",
        FP8 + " | F32 2x2 | F32 3x2 | | has 3 scales along an axis of 256 numbers",
        FP8 + " | F32 2x2 | F32 2x2x1 | | is of shape [2, 2, 1] beside codes of 256 x 256",
        PAIRS + " | U8 8x2 | U8 8x3 | | has 3 scales along an axis of 64 numbers",
        NVFP4 + " | F8_E4M3 8x2 | F8_E4M3 7x2 | | fc.weight_scale\": is F8_E4M3 [7, 2]",
        NVFP4 + " | F8_E4M3 8x2 | F8_E4M3 8x3 | | fc.weight_scale\": has 3 groups for 32 inputs",
        NVFP4 + " | _scale_2 F32 | _scale_2 BF16 | | fc.weight_scale_2\": is BF16 [], not F32",
        BYTES + " | F32 4 | F32 5 | | fc.SCB\": is F32 [5]; the tensors beside it need F32 [4]",
        BYTES + " | F32 4 | F16 4 | | fc.SCB\": is F16 [4]",
        NF4 + " | F32 8 | F32 9 | | fc.weight.absmax\": is F32 [9]",
        NF4 + " | F32 16 | F32 15 | | fc.weight.quant_map\": is F32 [15]",
        NF4 + " | U8 256x1 | U8 128x2 | | fc.weight\": is U8 [128, 2]",
        NF4 + " | fc.weight.absmax F32 8 + | | | has no tensor \"fc.weight.absmax\"",
        QUANTO + " | F16 4x1 | F16 1x4 | | fc.weight._scale\": is F16 [1, 4]",
      })
  void contradictionsAreRefusedByName(
      String tensors, String from, String to, String more, String message) throws IOException {
    String damaged = from == null ? tensors : tensors.replace(from, to == null ? "" : to).strip();
    String config = CONFIGS.getOrDefault(tensors, "{}");
    String changed = more == null ? config : config.replaceAll("'bits':\\d", more);
    assertThat(damaged + changed).isNotEqualTo(tensors + config);
    Path folder = Folders.make();
    try {
      Path model = write(folder, damaged, changed, STATE);
      assertThatThrownBy(() -> ForeignDirectory.open(model).close())
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining(message)
          .hasMessageContaining("fetch them again.");
    } finally {
      Folders.delete(folder);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "[] | holds an array, not an object",
        "{'blocksize':64} | states no shape of two dimensions",
        "{'blocksize':64,'shape':[512]} | states no shape of two dimensions",
        "{'blocksize':64,'shape':[8,63]} | cross rows of 63",
        "{'blocksize':0,'shape':[8,64]} | its blocks of 0 cross rows of 64",
        "{'blocksize':64,'shape':[16,64]} | is U8 [256, 1]; the tensors beside it need U8 [512, 1]",
        "{'blocksize':64,'shape':[4294967296,4294967296]} | 4294967296 x 4294967296 numbers",
      })
  void statesThatContradictTheTensorsAreToldByName(String state, String message)
      throws IOException {
    Path folder = Folders.make();
    try {
      Path model = write(folder, NF4, "{}", state);
      String said;
      try (ModelSource source = ForeignDirectory.open(model)) {
        assertThat(source.info().quantized()).isEmpty();
        said = source.info().notes().toString();
      } catch (ModelFormatException refused) {
        said = String.valueOf(refused.getMessage());
      }
      assertThat(said).contains(message);
    } finally {
      Folders.delete(folder);
    }
  }

  /** Without them the decoded weights would be those of another model. */
  @Test
  void factorsOfInputsAreNotLeftOut() throws IOException {
    Path folder = Folders.make();
    try {
      Path model = write(folder, NVFP4 + " + fc.pre_quant_scale BF16 32", "{}", STATE);
      try (ModelSource source = ForeignDirectory.open(model)) {
        assertThat(source.info().quantized()).isEmpty();
        assertThat(source.info().notes().toString())
            .contains("no weight is decoded", "its inputs are multiplied by pre_quant_scale");
      }
    } finally {
      Folders.delete(folder);
    }
  }

  /** Whatever happens to types, shapes and names: a model, or a refusal with a message. */
  @Property(tries = 400)
  void anyDamageIsReadOrRefused(@ForAll long seed) throws IOException {
    Random random = new Random(seed);
    List<String> kinds = CONFIGS.keySet().stream().sorted().toList();
    String kind = kinds.get(random.nextInt(kinds.size()));
    List<String> tensors = new ArrayList<>(List.of(kind.split(" \\+ ", -1)));
    for (int i = random.nextInt(3); i >= 0; i--) {
      int at = random.nextInt(tensors.size());
      tensors.set(at, damaged(tensors.get(at), random));
    }
    Path folder = Folders.make();
    try {
      String config = CONFIGS.getOrDefault(kind, "{}");
      ForeignDirectory made = new ForeignDirectory(folder).zeros(String.join(" + ", tensors));
      made.tensors().values().forEach(entry -> random.nextBytes(entry.bytes()));
      if (kind.equals(NF4)) {
        byte[] json = STATE.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
        made.add("fc.weight.quant_state.bitsandbytes__nf4", "U8", json, json.length);
      }
      String file = "{'quantization_config':" + config + "}";
      decodeAll(made.write(kind.equals(MLX) ? file.replace("_config", "") : file));
    } catch (QuantException refused) {
      assertThat(refused.getMessage()).isNotBlank();
    } finally {
      Folders.delete(folder);
    }
  }

  private static String damaged(String tensor, Random random) {
    String[] parts = tensor.split(" ", -1);
    List<String> types =
        List.of("U8", "I8", "I32", "U32", "I64", "F16", "BF16", "F32", "F8_E4M3", "F8_E5M2");
    List<String> dims =
        new ArrayList<>(parts.length < 3 ? List.of() : List.of(parts[2].split("x", -1)));
    switch (random.nextInt(5)) {
      case 0 -> parts[1] = types.get(random.nextInt(types.size()));
      case 1 -> parts[0] = parts[0].replace(".", random.nextBoolean() ? "_" : "..");
      case 2 -> dims.add(random.nextInt(dims.size() + 1), "" + (1 + random.nextInt(3)));
      default -> {
        if (!dims.isEmpty()) {
          int at = random.nextInt(dims.size());
          int dim = Integer.parseInt(dims.get(at));
          int[] others = {0, 1, dim - 1, dim + 1, dim / 2, 2 * dim};
          dims.set(at, "" + Math.max(0, others[random.nextInt(others.length)]));
        }
      }
    }
    return parts[0] + " " + parts[1] + (dims.isEmpty() ? "" : " " + String.join("x", dims));
  }
}
