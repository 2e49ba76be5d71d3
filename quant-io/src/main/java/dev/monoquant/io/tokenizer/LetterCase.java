package dev.monoquant.io.tokenizer;

import dev.monoquant.files.gguf.GgufLayout.Value;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.json.JsonValue.Literal;
import dev.monoquant.files.json.JsonValue.Obj;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What is not said of the letters of word pieces. Without metadata llama.cpp makes them small and
 * removes their accents, which is wrong for a model that tells {@code Bert} from {@code bert}.
 *
 * <p>Source: {@code BertTokenizer} of transformers; {@code tokenizer.ggml.normalizer} in {@code
 * src/llama-vocab.cpp} of llama.cpp.
 */
final class LetterCase {

  private static final String LOWER = "tokenizer.ggml.normalizer.lowercase";
  private static final String STRIP = "strip_accents";

  /** Steps whose values are stored as they are. */
  private static final Set<String> SAID = Set.of("BertNormalizer", "Lowercase");

  private LetterCase() {}

  /** {@return metadata for a normalizer of {@code tokenizer.json} that keeps letters} */
  static List<Value> of(TokenizerJson tokenizer) {
    boolean said =
        tokenizer.normalizers().stream()
            .anyMatch(step -> step.text("type").filter(SAID::contains).isPresent());
    return said ? List.of() : List.of(Value.of(LOWER, false));
  }

  /** {@return metadata for what {@code tokenizer_config.json} says beside {@code vocab.txt}} */
  static List<Value> of(Optional<Obj> config) {
    List<Value> rules = new ArrayList<>();
    config
        .flatMap(c -> flag(c, "do_lower_case"))
        .filter(lower -> !lower)
        .ifPresent(lower -> rules.add(Value.of(LOWER, false)));
    config
        .flatMap(c -> flag(c, STRIP))
        .ifPresent(strip -> rules.add(Value.of("tokenizer.ggml.normalizer." + STRIP, strip)));
    return rules;
  }

  private static Optional<Boolean> flag(Obj object, String key) {
    JsonValue value = object.find(key).orElse(Literal.NULL);
    return value == Literal.NULL ? Optional.empty() : Optional.of(value == Literal.TRUE);
  }
}
