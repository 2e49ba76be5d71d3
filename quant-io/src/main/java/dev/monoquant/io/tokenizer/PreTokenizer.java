package dev.monoquant.io.tokenizer;

import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.json.JsonValue.Arr;
import dev.monoquant.files.json.JsonValue.Literal;
import dev.monoquant.files.json.JsonValue.Obj;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The name that ggml gives to the rules that split a text before byte pairs are merged ({@code
 * tokenizer.ggml.pre}), found by the rules in {@code tokenizer.json}.
 *
 * <p>Several names stand for the same rules in llama.cpp; the one whose other effects (whether
 * words that are tokens are split, how spaces are cleaned) fit is chosen. convert_hf_to_gguf.py of
 * llama.cpp recognises tokenizers by a hash of encoded text instead, which knows only published
 * vocabularies. Source of rules and names: {@code src/llama-vocab.cpp} of llama.cpp.
 */
final class PreTokenizer {

  /** What ggml does without a name that it knows; its rules fit no model. */
  static final String DEFAULT = "default";

  private static final String CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
  private static final String SPACES = "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  private static final String PUNCTUATION = " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" + SPACES;
  private static final String CASES =
      "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+%s"
          + "|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*%s"
          + "|\\p{N}%s| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|"
          + SPACES;

  /** Three digits at once: Llama 3 and others. */
  private static final String THREE_DIGITS =
      CONTRACTIONS + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|" + PUNCTUATION;

  /** The names of single rules before byte-level encoding. */
  private static final Map<String, String> SPLITS =
      Map.of(
          THREE_DIGITS,
          "llama-bpe",
          CONTRACTIONS + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|" + PUNCTUATION,
          "qwen2",
          CONTRACTIONS
              + "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|"
              + SPACES,
          "qwen35",
          String.format(CASES, "", "", ""),
          "tekken",
          String.format(CASES, CONTRACTIONS + "?", CONTRACTIONS + "?", "{1,3}"),
          "gpt-4o");

  /** The three rules of DeepSeek V3. */
  private static final List<String> DEEPSEEK_V3 =
      List.of(
          "\\p{N}{1,3}",
          "[一-龥぀-ゟ゠-ヿ]+",
          "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+"
              + "|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|"
              + SPACES);

  private PreTokenizer() {}

  /**
   * {@return the name; empty if ggml has none for the rules}
   *
   * @param tokenizer a tokenizer with byte pairs
   */
  static Optional<String> name(TokenizerJson tokenizer) {
    List<Obj> steps = new ArrayList<>();
    flatten(tokenizer.root().find("pre_tokenizer").orElse(Literal.NULL), steps, 0);
    if (steps.isEmpty() || !isType(steps.get(steps.size() - 1), "ByteLevel")) {
      return Optional.empty();
    }
    Obj bytes = steps.remove(steps.size() - 1);
    boolean splits = bytes.find("use_regex").orElse(Literal.TRUE) != Literal.FALSE;
    if (bytes.find("add_prefix_space").orElse(Literal.FALSE) == Literal.TRUE) {
      return Optional.empty();
    }
    if (splits) {
      return steps.isEmpty()
          ? Optional.of("gpt-2")
          : steps.size() == 1 && isSingleDigits(steps.get(0))
              ? Optional.of("starcoder")
              : Optional.empty();
    }
    List<String> rules = new ArrayList<>();
    for (Obj step : steps) {
      Optional<String> rule = rule(step);
      if (rule.isEmpty()) {
        return Optional.empty();
      }
      rules.add(rule.get());
    }
    if (rules.equals(DEEPSEEK_V3)) {
      return Optional.of("deepseek-v3");
    }
    Optional<String> name =
        rules.size() == 1 ? Optional.ofNullable(SPLITS.get(rules.get(0))) : Optional.empty();
    // The same rules, but words that are tokens are split.
    boolean merges = name.isPresent() && !tokenizer.ignoreMerges();
    return merges && name.get().equals("llama-bpe") ? Optional.of("smaug-bpe") : name;
  }

  /**
   * {@return the expressions of a name, before byte-level encoding without an expression; empty if
   * there are none}
   *
   * @param name a name
   */
  static List<String> splits(String name) {
    if (name.equals("deepseek-v3")) {
      return DEEPSEEK_V3;
    }
    String same = name.equals("smaug-bpe") ? "llama-bpe" : name;
    return SPLITS.entrySet().stream()
        .filter(entry -> entry.getValue().equals(same))
        .map(Map.Entry::getKey)
        .toList();
  }

  private static void flatten(JsonValue value, List<Obj> steps, int depth) {
    if (!(value instanceof Obj step) || depth > 8) {
      return;
    }
    if (!isType(step, "Sequence")) {
      steps.add(step);
    } else if (step.find("pretokenizers").orElse(Literal.NULL) instanceof Arr inner) {
      inner.items().forEach(item -> flatten(item, steps, depth + 1));
    }
  }

  private static boolean isType(Obj step, String type) {
    return step.text("type").filter(type::equals).isPresent();
  }

  private static boolean isSingleDigits(Obj step) {
    return isType(step, "Digits")
        && step.find("individual_digits").orElse(Literal.FALSE) == Literal.TRUE;
  }

  /** The expression of a step that keeps what it finds apart, with line ends escaped. */
  private static Optional<String> rule(Obj step) {
    boolean kept =
        isType(step, "Split")
            && step.text("behavior").filter("Isolated"::equals).isPresent()
            && step.find("invert").orElse(Literal.FALSE) == Literal.FALSE;
    return step.find("pattern")
        .filter(pattern -> kept && pattern instanceof Obj)
        .flatMap(pattern -> ((Obj) pattern).text("Regex"))
        .map(text -> text.replace("\r", "\\r").replace("\n", "\\n"));
  }
}
