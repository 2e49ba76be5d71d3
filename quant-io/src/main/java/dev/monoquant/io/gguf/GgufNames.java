package dev.monoquant.io.gguf;

import dev.monoquant.files.model.ModuleNames;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The kinds of layers by the names of tensors in GGUF files, such as {@code blk.0.attn_q.weight}.
 *
 * <p>Source: {@code gguf-py/gguf/constants.py} of gguf 0.19, the names of {@code MODEL_TENSOR}.
 */
final class GgufNames {

  private static final Map<String, LayerKind> KINDS =
      Map.ofEntries(
          Map.entry("token_embd", LayerKind.EMBEDDING),
          Map.entry("position_embd", LayerKind.EMBEDDING),
          Map.entry("token_types", LayerKind.EMBEDDING),
          Map.entry("per_layer_token_embd", LayerKind.EMBEDDING),
          Map.entry("output", LayerKind.LINEAR),
          Map.entry("cls", LayerKind.LINEAR),
          Map.entry("attn_q", LayerKind.LINEAR),
          Map.entry("attn_k", LayerKind.LINEAR),
          Map.entry("attn_v", LayerKind.LINEAR),
          Map.entry("attn_qkv", LayerKind.LINEAR),
          Map.entry("attn_output", LayerKind.LINEAR),
          Map.entry("attn_q_a", LayerKind.LINEAR),
          Map.entry("attn_q_b", LayerKind.LINEAR),
          Map.entry("attn_kv_a_mqa", LayerKind.LINEAR),
          Map.entry("attn_kv_b", LayerKind.LINEAR),
          Map.entry("attn_k_b", LayerKind.LINEAR),
          Map.entry("attn_v_b", LayerKind.LINEAR),
          Map.entry("attn_gate", LayerKind.LINEAR),
          Map.entry("ffn_gate", LayerKind.LINEAR),
          Map.entry("ffn_up", LayerKind.LINEAR),
          Map.entry("ffn_down", LayerKind.LINEAR),
          Map.entry("ffn_gate_exps", LayerKind.LINEAR),
          Map.entry("ffn_up_exps", LayerKind.LINEAR),
          Map.entry("ffn_down_exps", LayerKind.LINEAR),
          Map.entry("ffn_gate_up_exps", LayerKind.LINEAR),
          Map.entry("ffn_gate_shexp", LayerKind.LINEAR),
          Map.entry("ffn_up_shexp", LayerKind.LINEAR),
          Map.entry("ffn_down_shexp", LayerKind.LINEAR),
          Map.entry("ffn_gate_inp", LayerKind.ROUTER),
          Map.entry("ffn_gate_inp_shexp", LayerKind.ROUTER),
          Map.entry("ssm_in", LayerKind.LINEAR),
          Map.entry("ssm_out", LayerKind.LINEAR));

  private GgufNames() {}

  /**
   * {@return the layers whose kind the names determine}
   *
   * @param tensors all tensors, quantized or not
   */
  static List<Layer> layers(List<TensorInfo> tensors) {
    List<Layer> declared = new ArrayList<>();
    ModuleNames.byModule(tensors)
        .forEach(
            (layer, own) ->
                kind(layer)
                    .ifPresent(
                        kind ->
                            declared.add(new Layer(layer, kind, Layer.Evidence.DECLARED, own))));
    return declared;
  }

  /**
   * {@return the kind, or empty if the name does not determine it}
   *
   * @param layer the name of a tensor without {@code .weight} or {@code .bias}
   */
  static Optional<LayerKind> kind(String layer) {
    String last = layer.substring(layer.lastIndexOf('.') + 1);
    return last.endsWith("norm")
        ? Optional.of(LayerKind.NORM)
        : Optional.ofNullable(KINDS.get(last));
  }

  /**
   * {@return whether a table is added to embeddings as it is: positions and token types}
   *
   * @param layer the name of a tensor without {@code .weight}
   */
  static boolean isAdded(String layer) {
    return layer.equals("position_embd") || layer.equals("token_types");
  }
}
