package dev.monoquant.io.compressedtensors;

import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Names the output heads whose weight is that of the embedding. Files do not hold such a weight
 * twice, so the head is not a layer of the file. It is a Linear of the loader's model, which would
 * treat it as quantized.
 *
 * <p>If a head has a bias, one number for each token, the file holds the bias: {@code
 * vocab_projector.bias} alone is the head {@code vocab_projector}; {@code cls.predictions.bias}
 * beside {@code cls.predictions.transform} is {@code cls.predictions.decoder}. A head without a
 * bias is not in the file; it is {@code lm_head} in all but a few of the surveyed architectures of
 * transformers 5.18.
 */
final class TiedHeads {

  private static final String USUAL = "lm_head";

  /** {@code final_logits_bias} of BART is added to logits and belongs to no head. */
  private static final String BIAS = ".bias";

  /** The model type of Bark's fine model. */
  private static final String BOOKS = "fine_acoustics";

  /** By the {@code model_type} of config.json. */
  private static final Map<String, String> UNUSUAL =
      Map.of(
          "whisper", "proj_out",
          "moonshine", "proj_out",
          "biogpt", "output_projection",
          "trocr", "output_projection",
          "gpt_neox_japanese", "embed_out",
          "t5gemma", "lm_head.out_proj",
          "t5gemma2", "lm_head.out_proj",
          "kosmos-2", "text_model.lm_head");

  /** Names of the heads of language models, without numbers: some have one for each codebook. */
  private static final Set<String> HEADS =
      Set.of("lm_head", "lm_heads", "embed_out", "output_projection");

  private TiedHeads() {}

  /**
   * {@return whether a layer is the head of a language model, by its name}
   *
   * @param layer such as {@code lm_head}, {@code language_model.lm_head}, {@code lm_heads.0}
   */
  static boolean isHead(String layer) {
    int dot = layer.lastIndexOf('.');
    String last = layer.substring(dot + 1);
    boolean isNumber = last.chars().allMatch(c -> c >= '0' && c <= '9');
    return HEADS.contains(
        isNumber && dot >= 0 ? layer.substring(layer.lastIndexOf('.', dot - 1) + 1, dot) : last);
  }

  /**
   * {@return the heads without a weight in the files}
   *
   * @param layers the layers of the files
   * @param modelType the type in config.json; empty if absent
   */
  static Set<String> of(List<Layer> layers, String modelType) {
    Set<Long> vocabularies =
        layers.stream()
            .filter(l -> l.kind().equals(LayerKind.EMBEDDING))
            .flatMap(l -> l.tensor("weight").stream())
            .map(t -> t.shape().dim(0))
            .collect(Collectors.toSet());
    Set<String> heads = new TreeSet<>();
    if (vocabularies.isEmpty()) {
      return heads;
    }
    for (Layer layer : layers) {
      boolean isBiasOfTokens =
          layer.tensors().size() == 1
              && layer.tensor("bias").stream()
                  .anyMatch(
                      b ->
                          b.name().endsWith(BIAS)
                              && b.shape().rank() == 1
                              && vocabularies.contains(b.shape().elements()));
      if (isBiasOfTokens) {
        String inside = layer.name() + ".";
        boolean holdsMore = layers.stream().anyMatch(l -> l.name().startsWith(inside));
        heads.add(holdsMore ? inside + "decoder" : layer.name());
      }
    }
    if (heads.isEmpty() && modelType.equals(BOOKS)) {
      // A head for each codebook except the first, each tied to the table of the next codebook.
      layers.stream()
          .filter(l -> l.kind().equals(LayerKind.EMBEDDING) && l.name().contains("_layers."))
          .forEach(l -> heads.add("lm_heads." + heads.size()));
    } else if (heads.isEmpty()) {
      heads.add(UNUSUAL.getOrDefault(modelType, USUAL));
    }
    layers.stream()
        .filter(l -> l.tensor("weight").isPresent())
        .map(Layer::name)
        .forEach(heads::remove);
    return heads;
  }
}
