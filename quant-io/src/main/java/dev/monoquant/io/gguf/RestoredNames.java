package dev.monoquant.io.gguf;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.GgufMapping;
import dev.monoquant.spi.GgufMapping.Rows;
import dev.monoquant.spi.GgufMapping.Run;
import dev.monoquant.spi.GgufMapping.Stored;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Gives the tensors of a GGUF model the names of transformers again: llama, qwen and bert. Stacked
 * experts become a matrix for each; rows of queries and keys of llama lose their pairs.
 */
final class RestoredNames {

  private static final Pattern BLOCK =
      Pattern.compile("blk\\.(\\d{1,6})\\.([^.]+)\\.(weight|bias)");

  private static final Map<String, String> DECODER = new HashMap<>();

  private static final Map<String, String> BERT = new HashMap<>();

  static {
    DECODER.put("token_embd", "model.embed_tokens");
    DECODER.put("output_norm", "model.norm");
    DECODER.put("output", "lm_head");
    DECODER.put("attn_norm", "input_layernorm");
    DECODER.put("attn_q", "self_attn.q_proj");
    DECODER.put("attn_k", "self_attn.k_proj");
    DECODER.put("attn_v", "self_attn.v_proj");
    DECODER.put("attn_output", "self_attn.o_proj");
    DECODER.put("attn_q_norm", "self_attn.q_norm");
    DECODER.put("attn_k_norm", "self_attn.k_norm");
    DECODER.put("ffn_norm", "post_attention_layernorm");
    DECODER.put("ffn_gate", "mlp.gate_proj");
    DECODER.put("ffn_up", "mlp.up_proj");
    DECODER.put("ffn_down", "mlp.down_proj");
    DECODER.put("ffn_gate_inp", "mlp.gate");
    DECODER.put("ffn_gate_inp_shexp", "mlp.shared_expert_gate");
    DECODER.put("ffn_gate_shexp", "mlp.shared_expert.gate_proj");
    DECODER.put("ffn_up_shexp", "mlp.shared_expert.up_proj");
    DECODER.put("ffn_down_shexp", "mlp.shared_expert.down_proj");
    BERT.put("token_embd", "embeddings.word_embeddings");
    BERT.put("position_embd", "embeddings.position_embeddings");
    BERT.put("token_types", "embeddings.token_type_embeddings");
    BERT.put("token_embd_norm", "embeddings.LayerNorm");
    BERT.put("attn_q", "attention.self.query");
    BERT.put("attn_k", "attention.self.key");
    BERT.put("attn_v", "attention.self.value");
    BERT.put("attn_output", "attention.output.dense");
    BERT.put("attn_output_norm", "attention.output.LayerNorm");
    BERT.put("ffn_up", "intermediate.dense");
    BERT.put("ffn_down", "output.dense");
    BERT.put("layer_output_norm", "output.LayerNorm");
  }

  private static final Map<String, String> EXPERTS =
      Map.of(
          "ffn_gate_exps", "mlp.experts.%d.gate_proj",
          "ffn_up_exps", "mlp.experts.%d.up_proj",
          "ffn_down_exps", "mlp.experts.%d.down_proj");

  private static final Map<String, String> MIXTRAL =
      Map.of(
          "ffn_gate_exps", "block_sparse_moe.experts.%d.w1",
          "ffn_up_exps", "block_sparse_moe.experts.%d.w3",
          "ffn_down_exps", "block_sparse_moe.experts.%d.w2");

  private final String file;
  private final RestoredConfig config;
  private final ExpertView.Limit limit;
  private final List<Stored> tensors = new ArrayList<>();
  private final Map<String, String> leftOut = new LinkedHashMap<>();

  private RestoredNames(String file, RestoredConfig config) {
    this.file = file;
    this.config = config;
    this.limit = new ExpertView.Limit(file);
  }

  /**
   * {@return the mapping}
   *
   * @param file the name of the model, for messages
   * @param all its tensors, decoded
   * @param config what its metadata says
   */
  static GgufMapping of(String file, List<TensorInfo> all, RestoredConfig config) {
    RestoredNames names = new RestoredNames(file, config);
    all.forEach(names::add);
    return new GgufMapping(
        config.architecture(), names.tensors, names.leftOut, Map.of(), List.of());
  }

  private void add(TensorInfo tensor) {
    if (tensor.name().equals("rope_freqs.weight")) {
      leftOut.put(tensor.name(), "config.json has the values that it is made of");
      return;
    }
    Map<String, String> table = config.isBert() ? BERT : DECODER;
    Matcher block = BLOCK.matcher(tensor.name());
    if (!block.matches()) {
      int dot = tensor.name().indexOf('.');
      String name = table.get(tensor.name().substring(0, Math.max(0, dot)));
      if (name != null) {
        rows(tensor, name + tensor.name().substring(dot), 0);
      }
      return;
    }
    String prefix = (config.isBert() ? "encoder.layer." : "model.layers.") + block.group(1) + ".";
    String local = block.group(2);
    String expert = (config.isMixtral() ? MIXTRAL : EXPERTS).get(local);
    if (expert != null && tensor.shape().rank() == 3) {
      experts(tensor, prefix + expert + "." + block.group(3));
      return;
    }
    String name =
        config.isMixtral() && local.equals("ffn_gate_inp")
            ? "block_sparse_moe.gate"
            : table.get(local);
    if (name != null) {
      rows(tensor, prefix + name + "." + block.group(3), rotary(tensor, local));
    }
  }

  private int rotary(TensorInfo tensor, String local) {
    if (!config.hasPairs() || !(local.equals("attn_q") || local.equals("attn_k"))) {
      return 0;
    }
    int heads = local.equals("attn_q") ? config.heads() : config.keyHeads();
    long rows = tensor.shape().rank() == 0 ? 0 : tensor.shape().dim(0);
    if (rows == 0 || rows % heads != 0 || rows / heads % 2 != 0) {
      throw new ModelFormatException(
          Reason.SHAPE,
          file,
          "tensor " + quote(tensor.name()),
          "has "
              + rows
              + " rows, which are not those of "
              + heads
              + " heads. The file is damaged; fetch it again.");
    }
    return Math.toIntExact(rows / heads);
  }

  private void rows(TensorInfo tensor, String name, int rotary) {
    long count =
        tensor.shape().rank() < 2
            ? tensor.shape().elements()
            : tensor.shape().elements() / Math.max(1, tensor.shape().dim(-1));
    if (count > 0) {
      Rows rows = new Rows(List.of(new Run(tensor, 0, count, rotary)), false, 0);
      tensors.add(new Stored(name, tensor.shape(), rows));
    }
  }

  private void experts(TensorInfo tensor, String name) {
    limit.add(tensor);
    long lines = tensor.shape().dim(1);
    TensorShape shape = TensorShape.of(lines, tensor.shape().dim(2));
    for (long e = 0; e < tensor.shape().dim(0); e++) {
      Rows rows = new Rows(List.of(new Run(tensor, e * lines, lines, 0)), false, 0);
      tensors.add(new Stored(String.format(Locale.ROOT, name, e), shape, rows));
    }
  }
}
