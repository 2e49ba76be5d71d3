package dev.monoquant.io.compressedtensors;

import dev.monoquant.files.model.ModelConfig;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Finds output heads that a file holds although {@code config.json} ties them to the embedding
 * ({@code tie_word_embeddings}); some trainers and merge tools write them. Loaders use the
 * embedding as the weight of such a head, so it cannot be packed.
 *
 * <p>A head is a matrix with the shape of the embedding and one of the usual names of heads. If the
 * configuration does not say whether they are tied, equal bytes mean that they are.
 */
final class HeldHeads {

  private static final String WEIGHT = ".weight";

  /** The last parts of the names of heads, and of embeddings. */
  private static final Set<String> HEADS =
      Set.of(
          "lm_head",
          "embed_out",
          "proj_out",
          "output_projection",
          "out_proj",
          "decoder",
          "vocab_projector",
          "generator_lm_head",
          "output",
          "head");

  private static final List<String> EMBEDDINGS =
      List.of("embed_tokens", "tok_embeddings", "word_embeddings", "wte", "embed_in", "shared");

  private static final int PIECE = 1 << 20;

  private HeldHeads() {}

  /**
   * {@return the heads that are tied, and the embedding of each, by the names of their weights}
   *
   * @param source the model; read only if it has a separate head and the configuration does not say
   */
  static Map<String, TensorInfo> of(ModelSource source, ModelConfig config) throws IOException {
    Map<String, TensorInfo> tied = new LinkedHashMap<>();
    if (config.tiesWords().equals(Optional.of(false))) {
      return tied;
    }
    List<TensorInfo> embeddings = embeddings(source.info());
    for (TensorInfo head : source.info().tensors()) {
      Optional<TensorInfo> embedding = embedding(embeddings, head);
      if (embedding.isPresent()
          && (config.tiesWords().isPresent() || same(source, head, embedding.get()))) {
        tied.put(head.name(), embedding.get());
      }
    }
    return tied;
  }

  /** {@return whether a module has a usual name of a word embedding} */
  static boolean isTable(String module) {
    return EMBEDDINGS.contains(module.substring(module.lastIndexOf('.') + 1));
  }

  /** The possible embeddings, the likeliest names first; a model has few. */
  private static List<TensorInfo> embeddings(ModelInfo info) {
    Map<String, List<TensorInfo>> byName = new HashMap<>();
    for (TensorInfo tensor : info.tensors()) {
      module(tensor.name())
          .ifPresent(name -> byName.computeIfAbsent(name, n -> new ArrayList<>()).add(tensor));
    }
    return EMBEDDINGS.stream()
        .flatMap(name -> byName.getOrDefault(name, List.of()).stream())
        .toList();
  }

  /** The embedding for which a tensor could be the head. */
  private static Optional<TensorInfo> embedding(List<TensorInfo> embeddings, TensorInfo head) {
    if (head.shape().rank() != 2
        || !head.type().isQuantizable()
        || !module(head.name()).filter(HEADS::contains).isPresent()) {
      return Optional.empty();
    }
    return embeddings.stream().filter(t -> t.shape().equals(head.shape())).findFirst();
  }

  private static Optional<String> module(String tensor) {
    if (!tensor.endsWith(WEIGHT)) {
      return Optional.empty();
    }
    String layer = tensor.substring(0, tensor.length() - WEIGHT.length());
    return Optional.of(layer.substring(layer.lastIndexOf('.') + 1));
  }

  /**
   * {@return whether two tensors have the same bytes; reads both, some hundred MB of a large model,
   * up to the first difference}
   */
  static boolean same(ModelSource source, TensorInfo a, TensorInfo b) throws IOException {
    if (a.type() != b.type() || !a.shape().equals(b.shape())) {
      return false;
    }
    for (long at = 0; at < a.bytes(); at += PIECE) {
      int length = (int) Math.min(PIECE, a.bytes() - at);
      ByteBuffer first = source.read(a, at, length);
      if (!first.equals(source.read(b, at, length))) {
        return false;
      }
    }
    return true;
  }
}
