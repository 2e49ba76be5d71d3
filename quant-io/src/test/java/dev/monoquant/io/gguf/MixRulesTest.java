package dev.monoquant.io.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.files.gguf.GgmlType;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.SchemeMix;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The types that llama.cpp's quantizer (release v0.5.0) gave to the tensors of twelve models in
 * every mix: {@code MODEL MIX plain|calibrated TYPES}, the types in the order of the file, {@code
 * TYPE*N} for N tensors. What a calibration does not change has no line of its own. Three more
 * models, whose rows have no whole blocks of 256 numbers, were only run without a calibration.
 */
class MixRulesTest {

  /** Dimensions of a model. */
  private record Model(
      String architecture,
      int blocks,
      int width,
      int inner,
      int heads,
      int keyHeads,
      int experts,
      boolean output) {

    MixRules.Facts facts() {
      return new MixRules.Facts(architecture, blocks, experts, heads, keyHeads);
    }

    List<TensorInfo> tensors() {
      List<TensorInfo> all = new ArrayList<>();
      add(all, "token_embd", 32, width);
      if (architecture.equals("bert")) {
        add(all, "position_embd", 8, width);
        add(all, "token_types", 2, width);
        add(all, "token_embd_norm", width);
      } else {
        add(all, "output_norm", width);
      }
      if (output) {
        add(all, "output", 32, width);
      }
      for (int i = 0; i < blocks; i++) {
        block(all, "blk." + i + ".");
      }
      all.sort(Comparator.comparingInt(MixRulesTest::block).thenComparing(TensorInfo::name));
      return all;
    }

    private void block(List<TensorInfo> all, String block) {
      long keys = (long) width * keyHeads / heads;
      add(all, block + "attn_norm", width);
      if (architecture.equals("phi3") || architecture.equals("falcon")) {
        add(all, block + "attn_qkv", width + 2 * keys, width);
      } else {
        add(all, block + "attn_q", width, width);
        add(all, block + "attn_k", keys, width);
        add(all, block + "attn_v", keys, width);
      }
      add(all, block + "attn_output", width, width);
      if (experts > 0) {
        all.add(tensor(block + "ffn_gate_inp", ElementType.FLOAT32, experts, width));
        add(all, block + "ffn_gate_exps", experts, inner, width);
        add(all, block + "ffn_up_exps", experts, inner, width);
        add(all, block + "ffn_down_exps", experts, width, inner);
      } else {
        add(all, block + "ffn_gate", inner, width);
        add(all, block + "ffn_up", inner, width);
        add(all, block + "ffn_down", width, inner);
      }
    }

    private static void add(List<TensorInfo> all, String layer, long... dims) {
      all.add(tensor(layer, dims.length == 1 ? ElementType.FLOAT32 : ElementType.BFLOAT16, dims));
    }

    private static TensorInfo tensor(String layer, ElementType type, long... dims) {
      return new TensorInfo(layer + ".weight", type, TensorShape.of(dims), "");
    }
  }

  private static final Map<String, Model> MODELS =
      Map.ofEntries(
          Map.entry("dense", new Model("llama", 8, 256, 256, 4, 4, 0, true)),
          Map.entry("shared", new Model("llama", 32, 256, 256, 8, 2, 0, true)),
          Map.entry("tied", new Model("llama", 9, 256, 256, 4, 4, 0, false)),
          Map.entry("odd", new Model("llama", 8, 160, 288, 4, 4, 0, true)),
          Map.entry("gemma", new Model("gemma", 10, 256, 256, 4, 1, 0, false)),
          Map.entry("bert", new Model("bert", 6, 256, 256, 4, 4, 0, false)),
          Map.entry("eight", new Model("llama", 8, 256, 256, 4, 4, 8, true)),
          Map.entry("four", new Model("llama", 8, 256, 256, 8, 2, 4, true)),
          Map.entry("joined", new Model("phi3", 8, 256, 256, 4, 4, 0, true)),
          Map.entry("falcon", new Model("falcon", 20, 256, 256, 4, 1, 0, true)),
          Map.entry("large", new Model("llama", 80, 256, 256, 8, 1, 0, true)),
          Map.entry("qwen", new Model("qwen2", 80, 256, 256, 8, 8, 0, true)));

  private static final Map<String, Model> ODD =
      Map.of(
          "oddEight", new Model("llama", 6, 192, 320, 8, 2, 8, false),
          "oddTied", new Model("llama", 9, 320, 544, 16, 4, 0, false),
          "eightShared", new Model("llama", 6, 256, 320, 8, 1, 8, false));

  private static int block(TensorInfo tensor) {
    String name = tensor.name();
    return name.startsWith("blk.") ? Integer.parseInt(name.split("\\.", -1)[1]) : -1;
  }

  static Stream<String> lines() {
    return lines("mixes.txt");
  }

  static Stream<String> oddLines() {
    return lines("mixes-odd.txt");
  }

  private static Stream<String> lines(String file) {
    try (InputStream in = MixRulesTest.class.getResourceAsStream("/gguf/" + file)) {
      return new String(in.readAllBytes(), StandardCharsets.US_ASCII)
          .lines()
          .filter(line -> !line.endsWith(" refused"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @ParameterizedTest
  @MethodSource("lines")
  void everyTensorHasTheTypeThatLlamaCppGivesIt(String line) {
    String[] words = line.split(" ", 4);
    boolean calibrated = words[2].equals("calibrated");
    assertThat(types(MODELS.get(words[0]), words[1], calibrated)).isEqualTo(words[3]);
    if (!calibrated
        && lines().noneMatch(l -> l.startsWith(words[0] + " " + words[1] + " calibrated"))) {
      assertThat(types(MODELS.get(words[0]), words[1], true)).isEqualTo(words[3]);
    }
  }

  @ParameterizedTest
  @MethodSource("oddLines")
  void rowsWithoutWholeBlocksOfAMixtureAndOfSharedKeysHaveItsTypesToo(String line) {
    String[] words = line.split(" ", 4);
    assertThat(types(ODD.get(words[0]), words[1], false)).isEqualTo(words[3]);
  }

  /** Every mix but one is there for every model. */
  @Test
  void allMixesAreThere() {
    assertThat(lines().map(line -> line.split(" ", 3)[0] + line.split(" ", 3)[1]).distinct())
        .hasSize(MODELS.size() * TypeMix.values().length);
  }

  /** Every name that is listed, the short ones too, finds a mix. */
  @Test
  void allListedNamesAreFound() {
    assertThat(new GgufOutput().mixes())
        .contains("Q4_K", "Q4_K_M", "MXFP4_MOE")
        .doesNotHaveDuplicates()
        .hasSizeGreaterThan(TypeMix.values().length)
        .allMatch(name -> TypeMix.find(name).isPresent());
  }

  private static String types(Model model, String mix, boolean calibrated) {
    List<TensorInfo> tensors = model.tensors();
    SchemeMix rules =
        new MixRules(
            TypeMix.find(mix.toLowerCase(Locale.ROOT)).orElseThrow(),
            model.facts(),
            calibrated,
            source(tensors));
    StringBuilder runs = new StringBuilder();
    String last = "";
    int count = 0;
    for (TensorInfo tensor : tensors) {
      String type = type(rules, tensor);
      if (!type.equals(last)) {
        append(runs, last, count);
        last = type;
        count = 0;
      }
      count++;
    }
    append(runs, last, count);
    return runs.toString();
  }

  private static String type(SchemeMix rules, TensorInfo tensor) {
    return rules
        .choose(tensor)
        .scheme()
        .map(
            scheme ->
                scheme.equals("float16")
                    ? GgmlType.F16.name()
                    : scheme.substring("ggml/".length()).replace('-', '_').toUpperCase(Locale.ROOT))
        .orElse(tensor.type().wire());
  }

  private static void append(StringBuilder runs, String type, int count) {
    if (count > 0) {
      runs.append(runs.length() > 0 ? " " : "").append(type);
      runs.append(count > 1 ? "*" + count : "");
    }
  }

  private static ModelSource source(List<TensorInfo> tensors) {
    return new ModelSource() {
      @Override
      public ModelInfo info() {
        return ModelInfo.of("model", tensors);
      }

      @Override
      public ByteBuffer read(TensorInfo tensor, long offset, int length) {
        throw new UnsupportedOperationException();
      }

      @Override
      public void close() {
        // Nothing is open.
      }
    };
  }
}
