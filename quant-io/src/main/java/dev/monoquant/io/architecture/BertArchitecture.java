package dev.monoquant.io.architecture;

import com.google.auto.service.AutoService;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.GgufArchitecture;
import dev.monoquant.spi.GgufMapping;
import dev.monoquant.spi.Hyperparameters;
import dev.monoquant.spi.ModelInfo;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * BERT for embeddings: the pooler and the heads of training are left out. Source: {@code
 * conversion/bert.py} of llama.cpp.
 */
@AutoService(GgufArchitecture.class)
public final class BertArchitecture implements GgufArchitecture {

  private static final Map<String, String> ROOT =
      Map.of(
          "embeddings.word_embeddings", "token_embd",
          "embeddings.position_embeddings", "position_embd",
          "embeddings.token_type_embeddings", "token_types",
          "embeddings.LayerNorm", "token_embd_norm");

  private static final Map<String, String> BLOCK =
      Map.of(
          "attention.self.query", "attn_q",
          "attention.self.key", "attn_k",
          "attention.self.value", "attn_v",
          "attention.output.dense", "attn_output",
          "attention.output.LayerNorm", "attn_output_norm",
          "intermediate.dense", "ffn_up",
          "output.dense", "ffn_down",
          "output.LayerNorm", "layer_output_norm");

  private static final String BERT = "bert.";

  private static final String LAYERS = "encoder.layer.";

  /** Names of early releases. */
  private static final Map<String, String> LOCAL =
      Map.of("weight", "weight", "bias", "bias", "gamma", "weight", "beta", "bias");

  /** Made by the service loader. */
  public BertArchitecture() {}

  @Override
  public String id() {
    return "bert";
  }

  @Override
  public Set<String> models() {
    return Set.of("BertModel", "BertForMaskedLM", "BertForPreTraining");
  }

  @Override
  public GgufMapping map(String modelClass, ModelInfo model, Hyperparameters config) {
    MappingBuilder to = new MappingBuilder("bert", model);
    int blocks = to.blocks(config, LAYERS, BertArchitecture::own);
    to.put("block_count", blocks);
    to.put("context_length", config.require("max_position_embeddings"));
    to.put("embedding_length", config.require("hidden_size"));
    to.put("feed_forward_length", config.require("intermediate_size"));
    to.put("attention.head_count", config.require("num_attention_heads"));
    to.put(
        "attention.layer_norm_epsilon", config.number("layer_norm_eps").orElse(1e-12).floatValue());
    to.activation(config, "hidden_act", "gelu");
    to.put("attention.causal", false);
    to.putWhole("tokenizer.ggml.token_type_count", config.count("type_vocab_size").orElse(2));
    for (TensorInfo tensor : model.tensors()) {
      String name = own(tensor.name());
      if (name.equals("embeddings.position_ids")) {
        to.leaveOut(tensor, "loaders compute it");
      } else if (name.startsWith("pooler.") || name.startsWith("cls.")) {
        to.leaveOut(tensor, "embeddings do not need it");
      } else {
        name(name, blocks).ifPresent(own -> to.rename(tensor, own));
      }
    }
    return to.build();
  }

  /** The name without the step of classes with a head. */
  private static String own(String name) {
    return name.startsWith(BERT) ? name.substring(BERT.length()) : name;
  }

  private static Optional<String> name(String name, int blocks) {
    int dot = name.lastIndexOf('.');
    String module = name.substring(0, Math.max(0, dot));
    String local = LOCAL.get(name.substring(dot + 1));
    if (local == null) {
      return Optional.empty();
    }
    if (ROOT.containsKey(module)) {
      return Optional.of(ROOT.get(module) + "." + local);
    }
    return Block.of(name, LAYERS)
        .filter(block -> block.number() < blocks)
        .flatMap(
            block -> {
              int end = Math.max(0, block.rest().lastIndexOf('.'));
              return Optional.ofNullable(BLOCK.get(block.rest().substring(0, end)))
                  .map(own -> "blk." + block.number() + "." + own + "." + local);
            });
  }
}
