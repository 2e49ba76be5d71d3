package dev.monoquant.io.gguf;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ConfigurationException;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.json.JsonValue.Arr;
import dev.monoquant.files.json.JsonValue.Num;
import dev.monoquant.files.json.JsonValue.Obj;
import dev.monoquant.io.architecture.Rotary;
import dev.monoquant.spi.Hyperparameters;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The {@code config.json} of transformers, of the metadata of a GGUF model. */
final class RestoredConfig {

  /** The class of transformers and its model type, by the architecture of llama.cpp. */
  private record Model(String name, String type) {}

  private static final Map<String, Model> MODELS = new LinkedHashMap<>();

  static {
    MODELS.put("bert", new Model("BertModel", "bert"));
    MODELS.put("llama", new Model("LlamaForCausalLM", "llama"));
    MODELS.put("qwen2", new Model("Qwen2ForCausalLM", "qwen2"));
    MODELS.put("qwen2moe", new Model("Qwen2MoeForCausalLM", "qwen2_moe"));
    MODELS.put("qwen3", new Model("Qwen3ForCausalLM", "qwen3"));
    MODELS.put("qwen3moe", new Model("Qwen3MoeForCausalLM", "qwen3_moe"));
  }

  private static final Model MIXTRAL = new Model("MixtralForCausalLM", "mixtral");

  /** What Llama 3 uses besides factor and context. */
  private static final Map<String, Object> LLAMA3 =
      Map.of(
          "rope_type", "llama3",
          "low_freq_factor", 1.0,
          "high_freq_factor", 4.0);

  /** The values of yarn in transformers by those of llama.cpp; {@link Rotary} writes them. */
  private static final Map<String, String> YARN = new LinkedHashMap<>();

  static {
    YARN.put("yarn_ext_factor", "extrapolation_factor");
    YARN.put("yarn_attn_factor", "attention_factor");
    YARN.put("yarn_beta_fast", "beta_fast");
    YARN.put("yarn_beta_slow", "beta_slow");
  }

  private static final long SHORTEST = 16;
  private static final long LONGEST = 1 << 20;

  private final GgufValues values;
  private final String architecture;
  private final Model model;
  private final Map<String, JsonValue> json = new LinkedHashMap<>();

  private RestoredConfig(GgufValues values, String architecture, Model model) {
    this.values = values;
    this.architecture = architecture;
    this.model = model;
  }

  /**
   * {@return the configuration; empty if the architecture is not one of {@link #known}}
   *
   * @param values the metadata
   */
  static Optional<RestoredConfig> of(GgufValues values) {
    String architecture = values.text("general.architecture").orElse("");
    boolean mixture = values.count(architecture + ".expert_count").orElse(0) > 0;
    Model model = architecture.equals("llama") && mixture ? MIXTRAL : MODELS.get(architecture);
    return model == null
        ? Optional.empty()
        : Optional.of(new RestoredConfig(values, architecture, model));
  }

  /** {@return the architectures of llama.cpp that are restored, for messages} */
  static String known() {
    return String.join(", ", MODELS.keySet());
  }

  String architecture() {
    return architecture;
  }

  boolean isBert() {
    return architecture.equals("bert");
  }

  boolean isMixtral() {
    return model.equals(MIXTRAL);
  }

  /** {@return whether rows of queries and keys are in pairs} */
  boolean hasPairs() {
    return architecture.equals("llama");
  }

  int heads() {
    return values.require(architecture + ".attention.head_count");
  }

  int keyHeads() {
    return values
        .count(architecture + ".attention.head_count_kv")
        .filter(n -> n > 0)
        .orElseGet(this::heads);
  }

  /**
   * {@return the object of config.json}
   *
   * @param vocabulary the rows of the embedding
   * @param tied whether there is no head
   * @param biases whether queries have a bias
   * @param mlpBiases whether the layers behind attention have biases
   * @param dtype the type of most matrices, as transformers names it
   * @param factors the tensor {@code rope_freqs.weight}; empty if there is none
   * @throws ConfigurationException if the scaling of rotary embeddings cannot be told from it
   */
  Obj json(
      long vocabulary,
      boolean tied,
      boolean biases,
      boolean mlpBiases,
      String dtype,
      List<Float> factors) {
    json.put("architectures", new Arr(List.of(JsonValue.of(model.name()))));
    json.put("model_type", JsonValue.of(model.type()));
    json.put("dtype", JsonValue.of(dtype));
    json.put("vocab_size", Num.of(vocabulary));
    required("hidden_size", "embedding_length");
    required("num_hidden_layers", "block_count");
    required("num_attention_heads", "attention.head_count");
    required("intermediate_size", "feed_forward_length");
    required("max_position_embeddings", "context_length");
    if (isBert()) {
      number("layer_norm_eps", "attention.layer_norm_epsilon");
      values
          .count("tokenizer.ggml.token_type_count")
          .ifPresent(count -> json.put("type_vocab_size", Num.of(count)));
    } else {
      json.put("num_key_value_heads", Num.of(keyHeads()));
      number("rms_norm_eps", "attention.layer_norm_rms_epsilon");
      json.put("hidden_act", JsonValue.of("silu"));
      json.put("tie_word_embeddings", JsonValue.of(tied));
      count("head_dim", "attention.key_length");
      rotary(factors);
      if (architecture.equals("llama") || architecture.startsWith("qwen3")) {
        json.put("attention_bias", JsonValue.of(biases));
      }
      if (mlpBiases) {
        json.put("mlp_bias", JsonValue.of(true));
      }
      mixture();
    }
    ids();
    return new Obj(json);
  }

  private void mixture() {
    if (values.count(architecture + ".expert_count").orElse(0) == 0) {
      return;
    }
    count(isMixtral() ? "num_local_experts" : "num_experts", "expert_count");
    count("num_experts_per_tok", "expert_used_count");
    count("moe_intermediate_size", "expert_feed_forward_length");
    count("shared_expert_intermediate_size", "expert_shared_feed_forward_length");
    if (architecture.equals("qwen3moe")) {
      json.put("norm_topk_prob", JsonValue.of(true));
    }
  }

  private void rotary(List<Float> factors) {
    double theta = values.number(architecture + ".rope.freq_base").orElse(10000f);
    String type = values.text(architecture + ".rope.scaling.type").orElse("none");
    Map<String, JsonValue> rope = new LinkedHashMap<>();
    rope.put("rope_theta", new Num(Double.toString(theta)));
    if (!factors.isEmpty()) {
      llama3(factors, theta, rope);
    } else if (type.equals("linear") || type.equals("yarn")) {
      rope.put("rope_type", JsonValue.of(type));
      values
          .number(architecture + ".rope.scaling.factor")
          .ifPresent(factor -> rope.put("factor", new Num(Float.toString(factor))));
      if (type.equals("yarn")) {
        YARN.forEach(
            (from, key) ->
                values
                    .number(architecture + ".rope.scaling." + from)
                    .ifPresent(number -> rope.put(key, new Num(Float.toString(number)))));
      }
      values
          .count(architecture + ".rope.scaling.original_context_length")
          .ifPresent(n -> rope.put("original_max_position_embeddings", Num.of(n)));
    } else if (type.equals("none")) {
      rope.put("rope_type", JsonValue.of("default"));
    } else {
      throw new ConfigurationException(
          "rotary embeddings of type "
              + quote(type)
              + " are not restored; none, linear and yarn are. Choose another output");
    }
    json.put("rope_parameters", new Obj(rope));
  }

  /** The factors are those of Llama 3 with some factor and context, or they cannot be told. */
  private void llama3(List<Float> factors, double theta, Map<String, JsonValue> rope) {
    float factor = factors.stream().max(Float::compare).orElseThrow();
    for (long context = SHORTEST; context <= LONGEST; context *= 2) {
      if (isLlama3(factors, factor, theta, context)) {
        rope.put("factor", new Num(Float.toString(factor)));
        rope.put("rope_type", JsonValue.of("llama3"));
        rope.put("low_freq_factor", new Num("1.0"));
        rope.put("high_freq_factor", new Num("4.0"));
        rope.put("original_max_position_embeddings", Num.of(context));
        return;
      }
    }
    throw new ConfigurationException(
        "the factors in \"rope_freqs.weight\" are not those of Llama 3 (factors 1 and 4, a context"
            + " that is a power of two), so config.json cannot say them. Choose another output");
  }

  private static boolean isLlama3(List<Float> factors, float factor, double theta, long context) {
    Map<String, Object> scaling = new LinkedHashMap<>(LLAMA3);
    scaling.put("factor", (double) factor);
    scaling.put("rope_theta", theta);
    scaling.put("original_max_position_embeddings", context);
    Hyperparameters values =
        new Hyperparameters("rope_freqs.weight", Map.of("rope_parameters", scaling));
    List<Float> expected = Rotary.of(values, theta).llama3Factors(2 * factors.size());
    for (int i = 0; i < factors.size(); i++) {
      if (Math.abs(expected.get(i) - factors.get(i)) > 1e-4f * factor) {
        return false;
      }
    }
    return true;
  }

  private void ids() {
    for (String id : List.of("bos", "eos", "padding")) {
      String name = id.equals("padding") ? "pad" : id;
      values
          .count("tokenizer.ggml." + id + "_token_id")
          .ifPresent(number -> json.put(name + "_token_id", Num.of(number)));
    }
  }

  private void required(String key, String from) {
    json.put(key, Num.of(values.require(architecture + "." + from)));
  }

  private void count(String key, String from) {
    values.count(architecture + "." + from).ifPresent(n -> json.put(key, Num.of(n)));
  }

  private void number(String key, String from) {
    values
        .number(architecture + "." + from)
        .ifPresent(n -> json.put(key, new Num(Float.toString(n))));
  }
}
