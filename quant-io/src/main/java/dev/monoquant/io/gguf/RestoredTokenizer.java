package dev.monoquant.io.gguf;

import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.json.JsonValue.Arr;
import dev.monoquant.files.json.JsonValue.Literal;
import dev.monoquant.files.json.JsonValue.Num;
import dev.monoquant.files.json.JsonValue.Obj;
import dev.monoquant.io.tokenizer.PreTokenizers;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The {@code tokenizer.json} and {@code tokenizer_config.json} of transformers, of the vocabulary
 * of a GGUF model: byte-level pairs, pairs by scores, and word pieces.
 */
final class RestoredTokenizer {

  private static final String GGML = "tokenizer.ggml.";
  private static final int CONTROL = 3;
  private static final int USER_DEFINED = 4;
  private static final int UNUSED = 5;
  private static final String SPACE = "\u2581";

  /** Pre-tokenizers for which llama.cpp adds the token of the beginning: Llama 3 and Tekken. */
  private static final Set<String> ADD_BOS = Set.of("llama-bpe", "tekken");

  /** The objects of a merge, with the wrappers of its two texts in JSON. */
  private static final int MERGE = 160;

  private final GgufValues values;
  private final List<String> tokens;
  private final int[] types;
  private final List<String> notes;

  private RestoredTokenizer(GgufValues values, List<String> notes) {
    this.values = values;
    this.tokens = values.texts(GGML + "tokens");
    this.types = values.integers(GGML + "token_type");
    this.notes = notes;
  }

  /**
   * {@return the files by name; empty if the vocabulary is of a kind that is not restored}
   *
   * @param values the metadata
   * @param notes receives what is not restored
   */
  static Map<String, JsonValue> files(GgufValues values, List<String> notes) {
    return new RestoredTokenizer(values, notes).files();
  }

  private Map<String, JsonValue> files() {
    String kind = values.text(GGML + "model").orElse("none");
    if (types.length != 0 && types.length != tokens.size()) {
      throw values.fault(GGML + "token_type", "has " + types.length + " items for the tokens");
    }
    Map<String, JsonValue> files = new LinkedHashMap<>();
    Optional<Map<String, JsonValue>> parts =
        switch (kind) {
          case "gpt2" -> byteLevel();
          case "llama" -> Optional.of(scored());
          case "bert" -> Optional.of(wordPieces());
          default -> Optional.empty();
        };
    if (parts.isEmpty()) {
      notes.add("the tokenizer is not restored: its vocabulary is of the kind " + kind);
    } else {
      Map<String, JsonValue> root = new LinkedHashMap<>();
      root.put("version", JsonValue.of("1.0"));
      root.put("added_tokens", added());
      root.putAll(parts.get());
      files.put("tokenizer.json", new Obj(root));
    }
    files.put("tokenizer_config.json", config(kind));
    return files;
  }

  private int type(int id) {
    return types.length == 0 ? 1 : types[id];
  }

  private boolean isAdded(int id) {
    return type(id) == CONTROL || type(id) == USER_DEFINED;
  }

  private Arr added() {
    List<JsonValue> added = new ArrayList<>();
    for (int id = 0; id < tokens.size(); id++) {
      if (isAdded(id)) {
        Map<String, JsonValue> token = new LinkedHashMap<>();
        token.put("id", Num.of(id));
        token.put("content", JsonValue.of(isBert() ? wordPiece(id) : tokens.get(id)));
        for (String flag : List.of("single_word", "lstrip", "rstrip", "normalized")) {
          token.put(flag, Literal.FALSE);
        }
        token.put("special", JsonValue.of(type(id) == CONTROL));
        added.add(new Obj(token));
      }
    }
    return new Arr(added);
  }

  /** The tokens by text, without those that only fill the embedding; the first of equal ones. */
  private Map<String, Integer> ids() {
    Map<String, Integer> ids = new LinkedHashMap<>();
    for (int id = 0; id < tokens.size(); id++) {
      if (type(id) != UNUSED) {
        ids.putIfAbsent(tokens.get(id), id);
      }
    }
    return ids;
  }

  private static Obj vocabulary(Map<String, Integer> ids) {
    Map<String, JsonValue> vocabulary = new LinkedHashMap<>();
    ids.forEach((text, id) -> vocabulary.put(text, Num.of(id)));
    return new Obj(vocabulary);
  }

  private static Obj object(Object... keysAndValues) {
    Map<String, JsonValue> members = new LinkedHashMap<>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      Object value = keysAndValues[i + 1];
      members.put(
          (String) keysAndValues[i],
          value instanceof JsonValue json
              ? json
              : value instanceof Boolean flag ? JsonValue.of(flag) : JsonValue.of((String) value));
    }
    return new Obj(members);
  }

  private Optional<Map<String, JsonValue>> byteLevel() {
    String pre = values.text(GGML + "pre").orElse("default");
    Optional<PreTokenizers.Rules> rules = PreTokenizers.rules(pre);
    if (rules.isEmpty()) {
      notes.add(
          "the tokenizer is not restored: its pre-tokenizer "
              + pre
              + " is none whose rules are known");
      return Optional.empty();
    }
    List<JsonValue> merges = new ArrayList<>();
    for (String merge : values.texts(GGML + "merges")) {
      merges.add(JsonValue.of(merge));
    }
    Map<String, JsonValue> parts = new LinkedHashMap<>();
    parts.put("normalizer", Literal.NULL);
    parts.put("pre_tokenizer", rules.get().json());
    parts.put("post_processor", template().orElse(Literal.NULL));
    parts.put(
        "decoder",
        object(
            "type",
            "ByteLevel",
            "add_prefix_space",
            true,
            "trim_offsets",
            true,
            "use_regex",
            true));
    parts.put("model", pairs(Literal.NULL, false, rules.get().ignoreMerges(), ids(), merges));
    return Optional.of(parts);
  }

  /** Pairs by scores: every way to make a token of two others, the best score first. */
  private Map<String, JsonValue> scored() {
    float[] scores = values.floats(GGML + "scores");
    if (scores.length != tokens.size()) {
      throw values.fault(GGML + "scores", "has " + scores.length + " items for the tokens");
    }
    Map<String, Integer> ids = ids();
    record Merge(float score, int left, int right) {}
    List<Merge> merges = new ArrayList<>();
    BitSet lengths = new BitSet();
    ids.keySet().forEach(text -> lengths.set(text.length()));
    for (int id = 0; id < tokens.size(); id++) {
      String text = tokens.get(id);
      if (type(id) != 1) {
        continue;
      }
      for (int at = text.offsetByCodePoints(0, text.isEmpty() ? 0 : 1);
          at < text.length();
          at = text.offsetByCodePoints(at, 1)) {
        // Only where both parts are as long as some token: else a long one is copied at each place.
        if (!lengths.get(at) || !lengths.get(text.length() - at)) {
          continue;
        }
        Integer left = ids.get(text.substring(0, at));
        Integer right = ids.get(text.substring(at));
        if (left != null && right != null && type(left) == 1 && type(right) == 1) {
          values.charge(MERGE + 2L * text.length());
          merges.add(new Merge(scores[id], left, right));
        }
      }
    }
    merges.sort(
        Comparator.comparing(Merge::score, Comparator.reverseOrder())
            .thenComparing(Merge::left)
            .thenComparing(Merge::right));
    List<JsonValue> pairs = new ArrayList<>();
    for (Merge merge : merges) {
      pairs.add(
          new Arr(
              List.of(
                  JsonValue.of(tokens.get(merge.left())),
                  JsonValue.of(tokens.get(merge.right())))));
    }
    boolean prefix = values.flag(GGML + "add_space_prefix").orElse(true);
    List<JsonValue> steps = new ArrayList<>();
    List<JsonValue> back = new ArrayList<>();
    back.add(replace(SPACE, " "));
    back.add(object("type", "ByteFallback"));
    back.add(object("type", "Fuse"));
    if (prefix) {
      steps.add(object("type", "Prepend", "prepend", SPACE));
      back.add(object("type", "Strip", "content", " ", "start", Num.of(1), "stop", Num.of(0)));
    }
    steps.add(replace(" ", SPACE));
    Map<String, JsonValue> parts = new LinkedHashMap<>();
    parts.put("normalizer", object("type", "Sequence", "normalizers", new Arr(steps)));
    parts.put("pre_tokenizer", Literal.NULL);
    parts.put("post_processor", template().orElse(Literal.NULL));
    parts.put("decoder", object("type", "Sequence", "decoders", new Arr(back)));
    JsonValue unknown = token("unknown").map(JsonValue::of).orElse(Literal.NULL);
    parts.put("model", pairs(unknown, true, false, ids, pairs));
    return parts;
  }

  /** A model of pairs; {@code bytes} is for one whose tokens are texts, with bytes for the rest. */
  private Obj pairs(
      JsonValue unknown,
      boolean bytes,
      boolean ignoreMerges,
      Map<String, Integer> ids,
      List<JsonValue> merges) {
    return object(
        "type",
        "BPE",
        "dropout",
        Literal.NULL,
        "unk_token",
        unknown,
        "continuing_subword_prefix",
        Literal.NULL,
        "end_of_word_suffix",
        Literal.NULL,
        "fuse_unk",
        bytes,
        "byte_fallback",
        bytes,
        "ignore_merges",
        ignoreMerges,
        "vocab",
        vocabulary(ids),
        "merges",
        new Arr(merges));
  }

  private static Obj replace(String from, String to) {
    return object("type", "Replace", "pattern", object("String", from), "content", to);
  }

  private boolean isBert() {
    return values.text(GGML + "model").filter("bert"::equals).isPresent();
  }

  /** A token as WordPiece has it: what continues a word is marked, not what begins one. */
  private String wordPiece(int id) {
    String text = tokens.get(id);
    if (type(id) == CONTROL) {
      return text;
    }
    return text.startsWith(SPACE) ? text.substring(SPACE.length()) : "##" + text;
  }

  private Map<String, JsonValue> wordPieces() {
    Map<String, Integer> ids = new LinkedHashMap<>();
    for (int id = 0; id < tokens.size(); id++) {
      if (type(id) != UNUSED) {
        ids.putIfAbsent(wordPiece(id), id);
      }
    }
    boolean lower = values.flag(GGML + "normalizer.lowercase").orElse(true);
    Map<String, JsonValue> parts = new LinkedHashMap<>();
    parts.put(
        "normalizer",
        object(
            "type",
            "BertNormalizer",
            "clean_text",
            true,
            "handle_chinese_chars",
            true,
            "strip_accents",
            values.flag(GGML + "normalizer.strip_accents").map(JsonValue::of).orElse(Literal.NULL),
            "lowercase",
            lower));
    parts.put("pre_tokenizer", object("type", "BertPreTokenizer"));
    parts.put("post_processor", template().orElse(Literal.NULL));
    parts.put("decoder", object("type", "WordPiece", "prefix", "##", "cleanup", true));
    parts.put(
        "model",
        object(
            "type", "WordPiece",
            "unk_token", token("unknown").orElse("[UNK]"),
            "continuing_subword_prefix", "##",
            "max_input_chars_per_word", Num.of(100),
            "vocab", vocabulary(ids)));
    return parts;
  }

  private Optional<String> token(String meaning) {
    return values
        .count(GGML + meaning + "_token_id")
        .filter(id -> id < tokens.size())
        .map(tokens::get);
  }

  /** Whether llama.cpp adds the token of the beginning if the metadata does not say it. */
  private boolean addsBos() {
    boolean pairs = values.text(GGML + "model").filter("gpt2"::equals).isPresent();
    return !pairs || values.text(GGML + "pre").filter(ADD_BOS::contains).isPresent();
  }

  /** What is put around texts: the tokens of beginning and end that the metadata adds. */
  private Optional<JsonValue> template() {
    boolean bert = isBert();
    Optional<String> first =
        token("bos").filter(t -> values.flag(GGML + "add_bos_token").orElseGet(this::addsBos));
    Optional<String> last =
        token(bert ? "seperator" : "eos")
            .or(() -> token("eos"))
            .filter(t -> values.flag(GGML + "add_eos_token").orElse(bert));
    if (first.isEmpty() && last.isEmpty()) {
      return Optional.empty();
    }
    List<JsonValue> single = new ArrayList<>();
    List<JsonValue> pair = new ArrayList<>();
    Map<String, JsonValue> special = new HashMap<>();
    for (String text : List.of("A", "B")) {
      boolean second = text.equals("B");
      if (first.isPresent() && !(bert && second)) {
        item(first.get(), second, single, pair, special);
      }
      Obj sequence = object("Sequence", object("id", text, "type_id", Num.of(second ? 1 : 0)));
      pair.add(sequence);
      if (!second) {
        single.add(sequence);
      }
      if (last.isPresent()) {
        item(last.get(), second, single, pair, special);
      }
    }
    return Optional.of(
        object(
            "type", "TemplateProcessing",
            "single", new Arr(single),
            "pair", new Arr(pair),
            "special_tokens", new Obj(special)));
  }

  private void item(
      String token,
      boolean second,
      List<JsonValue> single,
      List<JsonValue> pair,
      Map<String, JsonValue> special) {
    Obj item = object("SpecialToken", object("id", token, "type_id", Num.of(second ? 1 : 0)));
    pair.add(item);
    if (!second) {
      single.add(item);
    }
    special.put(
        token,
        object(
            "id", token,
            "ids", new Arr(List.of(Num.of(tokens.indexOf(token)))),
            "tokens", new Arr(List.of(JsonValue.of(token)))));
  }

  private Obj config(String kind) {
    Map<String, JsonValue> config = new LinkedHashMap<>();
    config.put(
        "tokenizer_class",
        JsonValue.of(kind.equals("bert") ? "BertTokenizer" : "PreTrainedTokenizerFast"));
    config.put("clean_up_tokenization_spaces", Literal.FALSE);
    Map<String, String> meanings = new LinkedHashMap<>();
    meanings.put("bos", "bos_token");
    meanings.put("eos", "eos_token");
    meanings.put("unknown", "unk_token");
    meanings.put("padding", "pad_token");
    meanings.put("mask", "mask_token");
    if (kind.equals("bert")) {
      meanings.put("bos", "cls_token");
      meanings.put("eos", "sep_token");
    }
    meanings.forEach(
        (meaning, key) -> token(meaning).ifPresent(text -> config.put(key, JsonValue.of(text))));
    values
        .text("tokenizer.chat_template")
        .ifPresent(text -> config.put("chat_template", JsonValue.of(text)));
    return new Obj(config);
  }
}
