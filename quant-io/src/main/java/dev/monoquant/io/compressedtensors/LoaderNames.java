package dev.monoquant.io.compressedtensors;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.files.model.ModelConfig;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.OutputContents;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The module names in transformers 5.24 and vLLM 0.33 that differ from the names in the file:
 * {@code vit.encoder.layer.0.intermediate.dense} in a file is the module {@code
 * vit.layers.0.mlp.fc1}. {@code ignore} and {@code targets} are matched against module names, so
 * they need these names too.
 *
 * <pre>
 * name in the file                         parts that are replaced, in this order
 * vit.encoder.layer.0.intermediate.dense   encoder.layer -> layers
 * vit.layers.0.intermediate.dense          intermediate.dense -> mlp.fc1
 * vit.layers.0.mlp.fc1                     name of the module
 * </pre>
 *
 * <p>What this does not do: it does not support the rarer architectures, or those whose matrices
 * are split or merged during loading; a run warns of them by name. {@link ModulePatterns} handles
 * prefixes.
 */
final class LoaderNames {

  /** Stands for any number, which is copied. */
  private static final String NUMBER = "#";

  /** Consecutive parts of a name, and their replacement in the loader. */
  private record Rule(List<String> from, List<String> to) {

    static Rule of(String text) {
      String[] sides = text.split(" -> ", -1);
      List<String> to = sides[1].isEmpty() ? List.of() : List.of(sides[1].split("\\.", -1));
      return new Rule(List.of(sides[0].split("\\.", -1)), to);
    }

    List<String> apply(List<String> name) {
      List<String> renamed = new ArrayList<>(name.size());
      int at = 0;
      while (at < name.size()) {
        if (!fits(name, at)) {
          renamed.add(name.get(at++));
          continue;
        }
        String number = from.contains(NUMBER) ? name.get(at + from.indexOf(NUMBER)) : "";
        to.forEach(part -> renamed.add(part.equals(NUMBER) ? number : part));
        at += from.size();
      }
      return renamed;
    }

    private boolean fits(List<String> name, int at) {
      if (at + from.size() > name.size()) {
        return false;
      }
      for (int i = 0; i < from.size(); i++) {
        String part = name.get(at + i);
        String wanted = from.get(i);
        if (!(wanted.equals(NUMBER) ? Layer.isNumber(part) : wanted.equals(part))) {
          return false;
        }
      }
      return true;
    }
  }

  /** Rules by {@code model_type}. */
  private static final Map<String, List<Rule>> TRANSFORMERS = new HashMap<>();

  private static final Map<String, List<Rule>> VLLM = new HashMap<>();

  private static void rules(String types, String... rules) {
    add(TRANSFORMERS, types, rules);
  }

  private static void vllm(String types, String... rules) {
    add(VLLM, types, rules);
  }

  private static void add(Map<String, List<Rule>> table, String types, String... rules) {
    List<Rule> parsed = List.of(rules).stream().map(Rule::of).toList();
    for (String type : types.split(" ", -1)) {
      table.put(type, parsed);
    }
  }

  static {
    rules(
        "vit audio-spectrogram-transformer deit ijepa pixio vit_mae vit_msn vivit beit",
        "encoder.layer -> layers",
        "decoder_encoder.layer -> decoder_layers",
        "attention.attention.query -> attention.q_proj",
        "attention.attention.key -> attention.k_proj",
        "attention.attention.value -> attention.v_proj",
        "attention.output.dense -> attention.o_proj",
        "intermediate.dense -> mlp.fc1",
        "output.dense -> mlp.fc2");
    rules(
        "dinov2 dinov2_with_registers",
        "attention.attention.query -> attention.q_proj",
        "attention.attention.key -> attention.k_proj",
        "attention.attention.value -> attention.v_proj",
        "attention.output.dense -> attention.o_proj",
        "mlp.weights_out -> mlp.down_proj");
    rules(
        "lw_detr",
        "attention.attention.query -> attention.q_proj",
        "attention.attention.key -> attention.k_proj",
        "attention.attention.value -> attention.v_proj",
        "attention.output -> attention.o_proj");
    rules(
        "swin",
        "attention.self.query -> attention.q_proj",
        "attention.self.key -> attention.k_proj",
        "attention.self.value -> attention.v_proj",
        "attention.output.dense -> attention.o_proj",
        "intermediate.dense -> mlp.fc1",
        "output.dense -> mlp.fc2");
    rules(
        "segformer",
        "encoder.block.# -> stages.#.blocks",
        "attention.self.query -> attention.q_proj",
        "attention.self.key -> attention.k_proj",
        "attention.self.value -> attention.v_proj",
        "attention.output.dense -> attention.o_proj",
        "mlp.dense1 -> mlp.fc1",
        "mlp.dense2 -> mlp.fc2",
        "decode_head.linear_c -> decode_head.linear_projections");
    rules(
        "detr deformable_detr maskformer rt_detr rt_detr_v2",
        "out_proj -> o_proj",
        "layers.#.fc1 -> layers.#.mlp.fc1",
        "layers.#.fc2 -> layers.#.mlp.fc2",
        "encoder.encoder.#.layers -> encoder.aifi.#.layers");
    rules(
        "d_fine",
        "out_proj -> o_proj",
        "layers.#.fc1 -> layers.#.mlp.layers.0",
        "layers.#.fc2 -> layers.#.mlp.layers.1",
        "encoder.encoder.#.layers -> encoder.aifi.#.layers");
    rules(
        "exaone",
        "attn.attention -> self_attn",
        "self_attn.out_proj -> self_attn.o_proj",
        "mlp.c_fc_0 -> mlp.gate_proj",
        "mlp.c_fc_1 -> mlp.up_proj",
        "mlp.c_proj -> mlp.down_proj");
    rules("gpt_neox", "embed_out -> lm_head");
    rules("mixtral minimax minimax_m2", "block_sparse_moe -> mlp");
    rules("phimoe", "block_sparse_moe.gate -> mlp.router", "block_sparse_moe -> mlp");
    rules(
        "kimi_linear",
        "self_attn.f_a_proj -> self_attn.forget_gate.f_a_proj",
        "self_attn.f_b_proj -> self_attn.forget_gate.f_b_proj",
        "block_sparse_moe -> mlp");
    rules("hy_v3", "mlp.shared_mlp -> mlp.shared_experts");
    rules("laguna", "mlp.shared_expert -> mlp.shared_experts");
    rules("altclip", "layer -> layers");
    rules("hunyuan_vl", "mlp.dense_h_to_4h -> mlp.fc1", "mlp.dense_4h_to_h -> mlp.fc2");
    rules("timesfm2_5", "ff0 -> fc1", "ff1 -> fc2");
    rules("lfm3", "self_attn.gate_proj -> self_attn.g_proj");
    rules(
        "gemma4_unified",
        "embed_vision.embedding_projection ->"
            + " embed_vision.multimodal_embedder.embedding_projection");
    vllm("whisper", "fc1 -> mlp.fc1", "fc2 -> mlp.fc2");
    vllm(
        "zamba2",
        "gate_up_proj_adapter_list.#.0 -> gate_up_proj_adapter_list.#.A",
        "gate_up_proj_adapter_list.#.1 -> gate_up_proj_adapter_list.#.B",
        "linear_q_adapter_list.#.0 -> linear_q_adapter_list.#.A",
        "linear_q_adapter_list.#.1 -> linear_q_adapter_list.#.B",
        "linear_k_adapter_list.#.0 -> linear_k_adapter_list.#.A",
        "linear_k_adapter_list.#.1 -> linear_k_adapter_list.#.B",
        "linear_v_adapter_list.#.0 -> linear_v_adapter_list.#.A",
        "linear_v_adapter_list.#.1 -> linear_v_adapter_list.#.B");
    vllm("jamba", "self_attn -> ");
    vllm("falcon_h1", "mamba -> mamba.mamba");
    vllm("lfm2 lfm2_moe", "conv -> short_conv");
    vllm("gpt_oss", "self_attn -> attn");
    vllm("step3p5", "share_expert -> moe.share_expert");
    vllm("afmoe", "router.gate -> gate");
    vllm("bert", "cls.predictions.transform.dense -> mlm_head.dense");
    vllm("dots_ocr", "attn.qkv_proj -> attn.qkv", "attn.out_proj -> attn.proj");
    vllm(
        "molmo",
        "att_proj -> self_attn.qkv_proj",
        "attn_out -> self_attn.o_proj",
        "image_projector.w1 -> image_projector.gate_proj",
        "image_projector.w2 -> image_projector.down_proj",
        "image_projector.w3 -> image_projector.up_proj",
        "ff_proj -> mlp.gate_up_proj",
        "ff_out -> mlp.down_proj");
  }

  /** Unsupported model types whose module names differ from the file. */
  private static final Set<String> NOT_FOLLOWED =
      Set.of(
          "axk2",
          "bailing_hybrid",
          "cohere_asr",
          "conditional_detr",
          "cosmos3_edge",
          "cosmos3_omni",
          "deepseek_ocr2",
          "deepseek_v4",
          "dory",
          "dots3_note_audio_encoder",
          "dots3_note_vision_encoder",
          "ernie4_5_vl_moe",
          "glm5_next",
          "glm5_next_text",
          "gte",
          "hy_v4",
          "hy_v4_vl",
          "hy_v4_vl_text",
          "inkling2",
          "inkling2_text",
          "inkling_mm_model",
          "jina_embeddings_v3",
          "kimi_k25",
          "minimax_m3_vl",
          "mistral_large4",
          "mistral_large4_text",
          "molmo2",
          "molmo2_text",
          "nemo_speechlm",
          "nomic_bert",
          "pi0",
          "pp_doclayout_v2",
          "pp_doclayout_v3",
          "pp_doclayout_v4",
          "qianfan_ocr",
          "radio",
          "rf_detr",
          "sapiens2",
          "sarvam_moe",
          "step3p5_vision",
          "step3p7",
          "tipsv2",
          "tipsv2_dpt",
          "tipsv2_text_model",
          "tipsv2_vision_model",
          "unlimited_ocr");

  /** Model types for which loaders split or merge matrices. */
  private static final Set<String> SPLIT =
      Set.of(
          "dinov2",
          "dinov2_with_registers",
          "gradium_phonon_tts",
          "gte",
          "hrm_text",
          "inkling2_text",
          "inkling_mm_model",
          "jina_embeddings_v3",
          "kimi_k25",
          "lara_mini",
          "minimax_m3_vl",
          "mistral_large4",
          "molmo2",
          "molmo2_text",
          "nemo_speechlm",
          "nomic_bert",
          "qianfan_ocr",
          "radio",
          "sapiens2",
          "sarvam_moe",
          "step3p5_vision",
          "tipsv2",
          "tipsv2_text_model",
          "tipsv2_vision_model",
          "unlimited_ocr");

  /** The rules of each loader. */
  private final List<List<Rule>> loaders;

  private LoaderNames(List<String> modelTypes) {
    loaders =
        Stream.of(TRANSFORMERS, VLLM)
            .map(
                table ->
                    modelTypes.stream()
                        .distinct()
                        .flatMap(type -> table.getOrDefault(type, List.of()).stream())
                        .toList())
            .filter(rules -> !rules.isEmpty())
            .toList();
  }

  static LoaderNames of(ModelConfig config) {
    return new LoaderNames(config.modelTypes());
  }

  /** {@return the names of a module in loaders; empty if all equal the name in the file} */
  Set<String> of(String module) {
    Set<String> names = new LinkedHashSet<>();
    for (List<Rule> rules : loaders) {
      List<String> name = List.of(module.split("\\.", -1));
      for (Rule rule : rules) {
        name = rule.apply(name);
      }
      names.add(String.join(".", name));
    }
    names.remove(module);
    return names;
  }

  /**
   * {@return the result of {@link ModulePatterns#selecting} for the names in the file and in
   * loaders}
   *
   * @param modules the modules to select, by their names in the file
   * @param others the modules that must not be selected, by their names in the file
   */
  List<String> selecting(Collection<String> modules, Collection<String> others) {
    if (loaders.isEmpty()) {
      return ModulePatterns.selecting(modules, others);
    }
    Set<String> excluded = new LinkedHashSet<>(others);
    others.forEach(module -> excluded.addAll(of(module)));
    excluded.removeAll(modules);
    Set<String> renamed = new LinkedHashSet<>();
    modules.forEach(module -> renamed.addAll(of(module)));
    renamed.removeAll(excluded);
    Set<String> entries = new LinkedHashSet<>(ModulePatterns.selecting(modules, excluded));
    entries.addAll(ModulePatterns.selecting(renamed, excluded));
    return List.copyOf(entries);
  }

  /**
   * {@return notes on architectures whose module names are not supported, in sentences}
   *
   * @param config config.json
   * @param contents the contents of the output
   * @param ways in how many ways its weights are quantized
   */
  static List<String> notes(ModelConfig config, OutputContents contents, long ways) {
    List<String> notes = new ArrayList<>();
    if (ways == 0) {
      return notes;
    }
    first(config, SPLIT)
        .ifPresent(
            type ->
                notes.add(
                    "transformers 5.24 splits or merges matrices of "
                        + quote(type)
                        + " when it loads them, which fails where they are packed: exclude those"
                        + " layers, or write a .safetensors output, which can be decoded"));
    boolean named = ways > 1 || hasLinearInFloat(contents);
    if (named) {
      first(config, NOT_FOLLOWED)
          .ifPresent(
              type ->
                  notes.add(
                      "transformers 5.24 gives layers of "
                          + quote(type)
                          + " other names than the file when it loads them, so it may not find the"
                          + " layers that are in float or of another scheme. If it reports missing"
                          + " weights, quantize all layers in one way, or load with"
                          + " CompressedTensorsConfig(dequantize=True)"));
    }
    return notes;
  }

  private static Optional<String> first(ModelConfig config, Set<String> types) {
    return config.modelTypes().stream().filter(types::contains).findFirst();
  }

  private static boolean hasLinearInFloat(OutputContents contents) {
    Map<String, LayerKind> kinds = new LinkedHashMap<>();
    for (Layer layer : contents.layers()) {
      kinds.put(layer.name(), layer.kind());
    }
    return contents.kept().stream()
        .flatMap((TensorInfo tensor) -> MatrixModule.of(tensor).stream())
        .anyMatch(module -> LayerKind.LINEAR.equals(kinds.get(module)));
  }
}
