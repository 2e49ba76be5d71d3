package dev.monoquant.core.plan;

import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.model.ModelConfig;
import dev.monoquant.model.Layer;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * Guesses whether a matrix without a bias is a lookup table rather than the weight of a Linear. In
 * doubt it is a table: code that looks up tables does not accept quantized ones, and a Linear
 * mistaken for a table is only left unquantized.
 *
 * <p>A table is recognised by the last part of its name, or the part before if the last is a number
 * ({@code embed_tokens.0}); by the list that contains it ({@code embeddings.age}); or by a row
 * count equal to a vocabulary size in config.json. A common name of Linears ({@code q_proj}) always
 * means a Linear. Takes time linear in the length of the name.
 */
final class TableGuess {

  /** The least row count of a vocabulary; tables of classes and token types have fewer rows. */
  private static final long LEAST = 16;

  private static final List<String> LINEAR_PARTS = List.of("proj", "linear", "dense", "lora");

  private static final Set<String> LINEARS =
      Set.of(
          "fc",
          "ff",
          "ffn",
          "lin",
          "mlp",
          "wi",
          "wo",
          "q",
          "k",
          "v",
          "o",
          "r",
          "query",
          "key",
          "value",
          "qkv",
          "kv",
          "wq",
          "wk",
          "wv",
          "wqkv",
          "gate",
          "up",
          "down",
          "attn",
          "to_q",
          "to_k",
          "to_v",
          "to_kv",
          "to_qkv",
          "to_out",
          "head",
          "heads",
          "lm_head",
          "lm_heads",
          "classifier",
          "score",
          "embed_out",
          "lm_loss",
          "router",
          "conv");

  private static final Set<String> TABLES =
      Set.of(
          "emb",
          "embs",
          "wte",
          "wpe",
          "shared",
          "pe",
          "pe_k",
          "pe_v",
          "token",
          "tokens",
          "table",
          "tables",
          "codebook",
          "codebooks",
          "lookup",
          "lut",
          "vocab",
          "vocabulary",
          "position",
          "positions",
          "relative_attention_bias",
          "queries",
          "latents",
          "prototypes",
          "buckets");

  private static final List<String> TABLE_ENDS =
      List.of("_emb", "_embs", "_token", "_tokens", "_table", "_tables", "_queries", "_positions");

  private final Set<Long> vocabularies;

  private TableGuess(Set<Long> vocabularies) {
    this.vocabularies = Set.copyOf(vocabularies);
  }

  /**
   * {@return a guess for the tables of a model, with the vocabulary sizes of its config.json}
   *
   * @param info the model
   * @throws UncheckedIOException if config.json cannot be read
   * @throws dev.monoquant.ModelFormatException if it is not strict JSON or over a limit
   */
  static TableGuess of(ModelInfo info) {
    Set<Long> sizes = new HashSet<>();
    try {
      ModelConfig config = ModelConfig.of(info.sideFiles(), ReadLimits.DEFAULT);
      collect(config.root(), false, sizes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new TableGuess(sizes);
  }

  /** Collects the numbers under a key that names a vocabulary, at any depth. */
  private static void collect(JsonValue value, boolean vocabulary, Set<Long> sizes) {
    if (value instanceof JsonValue.Obj object) {
      object
          .members()
          .forEach(
              (key, inner) ->
                  collect(inner, key.contains("vocab") && !key.contains("type"), sizes));
    } else if (value instanceof JsonValue.Arr array) {
      array.items().forEach(item -> collect(item, vocabulary, sizes));
    } else if (vocabulary && value instanceof JsonValue.Num number) {
      number.count().filter(count -> count >= LEAST).ifPresent(sizes::add);
    }
  }

  /**
   * {@return why a layer is a table, as text; empty if it is guessed to be a Linear}
   *
   * @param layer its name
   * @param weight its matrix
   * @param bias whether it has a bias, which no table has
   */
  Optional<String> why(String layer, TensorInfo weight, boolean bias) {
    if (bias || weight.shape().rank() != 2) {
      return Optional.empty();
    }
    String[] parts = layer.toLowerCase(Locale.ROOT).split("\\.", -1);
    int last = parts.length - 1;
    boolean listed = last > 0 && Layer.isNumber(parts[last]);
    String name = withoutNumber(parts[listed ? last - 1 : last]);
    int around = (listed ? last - 1 : last) - 1;
    if (LINEARS.contains(name) || LINEAR_PARTS.stream().anyMatch(name::contains)) {
      return Optional.empty();
    }
    if (isTable(name)) {
      return Optional.of("its name");
    }
    if (around >= 0 && isTable(withoutNumber(parts[around])) && parts[around].endsWith("s")) {
      return Optional.of("the name of what it is in");
    }
    long rows = weight.shape().dim(0);
    return vocabularies.contains(rows)
        ? Optional.of("its " + rows + " rows, a vocabulary size in " + ModelConfig.FILE)
        : Optional.empty();
  }

  private static boolean isTable(String name) {
    return name.contains("embed")
        || TABLES.contains(name)
        || TABLE_ENDS.stream().anyMatch(name::endsWith);
  }

  /** {@code token_type_embeddings_0} without its number. */
  private static String withoutNumber(String part) {
    int end = part.length();
    while (end > 0 && part.charAt(end - 1) >= '0' && part.charAt(end - 1) <= '9') {
      end--;
    }
    if (end > 0 && end < part.length() && part.charAt(end - 1) == '_') {
      end--;
    }
    return part.substring(0, end);
  }
}
