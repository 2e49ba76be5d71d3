package dev.monoquant.io.compressedtensors;

import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.model.ModelConfig;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.ModelInfo;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Decides which tables of embeddings loaders take as codes: those of words, if no other weight of
 * the model is the same tensor. compressed-tensors replaces the lookup of a table by one with a
 * single argument; positions and the like are looked up in classes with other arguments.
 */
final class WordTables {

  /** Several modules of an encoder and a decoder are this table. */
  private static final String SHARED = "shared";

  /** The ends of the names of classes without a head for words. */
  private static final List<String> WITHOUT_HEAD =
      List.of(
          "Model",
          "ForSequenceClassification",
          "ForTokenClassification",
          "ForQuestionAnswering",
          "ForMultipleChoice");

  private static final Set<String> HEADS =
      Set.of("LMHeadModel", "DoubleHeadsModel", "WithLMHeadModel", "EncoderDecoderModel");

  private WordTables() {}

  /**
   * {@return why a table stays in float; empty if it may be quantized, or is none}
   *
   * @param weight a weight
   * @param config config.json
   * @param info the model
   * @param tied the tables that are the weight of a head in the file
   */
  static Optional<String> refusal(
      WeightMatrix weight, ModelConfig config, ModelInfo info, Collection<TensorInfo> tied) {
    if (!weight.kind().equals(LayerKind.EMBEDDING)) {
      return Optional.empty();
    }
    if (!HeldHeads.isTable(weight.layer()) || weight.layer().endsWith(SHARED)) {
      return Optional.of(
          "loaders take codes for tables of words of one module alone (embed_tokens,"
              + " word_embeddings, wte)");
    }
    boolean head = tied.contains(weight.tensor());
    boolean free =
        config.tiesWords().equals(Optional.of(false))
            || isWithoutHead(config)
            || (config.tiesWords().isEmpty() && hasHead(weight, info));
    return head || !free
        ? Optional.of(
            "the table is the weight of the head, too (tie_word_embeddings), which loaders do not"
                + " take as codes")
        : Optional.empty();
  }

  /** Whether the file has a head of its own, which is not the table. */
  private static boolean hasHead(WeightMatrix table, ModelInfo info) {
    return info.tensors().stream()
        .filter(t -> t.shape().equals(table.tensor().shape()))
        .anyMatch(t -> MatrixModule.of(t).filter(TiedHeads::isHead).isPresent());
  }

  private static boolean isWithoutHead(ModelConfig config) {
    return config.find("architectures").orElse(null) instanceof JsonValue.Arr names
        && !names.items().isEmpty()
        && names.items().stream()
            .allMatch(
                item ->
                    item instanceof JsonValue.Str name
                        && WITHOUT_HEAD.stream().anyMatch(name.value()::endsWith)
                        && HEADS.stream().noneMatch(name.value()::endsWith));
  }
}
