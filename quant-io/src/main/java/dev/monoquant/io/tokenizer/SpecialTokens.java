package dev.monoquant.io.tokenizer;

import dev.monoquant.files.gguf.GgufLayout.Value;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.json.JsonValue.Arr;
import dev.monoquant.files.json.JsonValue.Literal;
import dev.monoquant.files.json.JsonValue.Num;
import dev.monoquant.files.json.JsonValue.Obj;
import dev.monoquant.files.json.JsonValue.Str;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The ids of tokens with a meaning, and whether a loader puts them around a text: of the template
 * in {@code tokenizer.json}, of {@code tokenizer_config.json} and of {@code config.json}. Source:
 * {@code SpecialVocab} of gguf 0.19, {@code gguf-py/gguf/vocab.py}.
 */
final class SpecialTokens {

  /** The meanings, each with its key in GGUF; a class token has none. */
  private static final Map<String, String> KEYS = new LinkedHashMap<>();

  static {
    KEYS.put("bos", "bos_token_id");
    KEYS.put("eos", "eos_token_id");
    KEYS.put("unk", "unknown_token_id");
    // The spelling is that of ggml.
    KEYS.put("sep", "seperator_token_id");
    KEYS.put("pad", "padding_token_id");
    KEYS.put("mask", "mask_token_id");
    KEYS.put("eot", "eot_token_id");
  }

  private static final List<String> ADDABLE = List.of("bos", "eos", "sep");

  private final Vocabulary vocabulary;
  private final Map<String, Integer> addedIds = new HashMap<>();
  private final Optional<TokenizerJson> json;
  private final Map<String, String> texts = new HashMap<>();
  private final Map<String, Boolean> adds = new LinkedHashMap<>();
  private final Map<String, Integer> ids = new LinkedHashMap<>();
  private final List<String> notes = new ArrayList<>();

  /**
   * @param vocabulary the tokens
   * @param json tokenizer.json, if there is one
   * @param config tokenizer_config.json, if there is one
   * @param model config.json, that of the language model first
   */
  SpecialTokens(
      Vocabulary vocabulary, Optional<TokenizerJson> json, Optional<Obj> config, List<Obj> model) {
    this.vocabulary = vocabulary;
    this.json = json;
    json.ifPresent(j -> j.added().forEach(t -> addedIds.putIfAbsent(t.text(), t.id())));
    config.ifPresent(this::configure);
    json.flatMap(j -> j.part("post_processor")).ifPresent(this::complete);
    config.ifPresent(this::flags);
    if (json.isPresent()) {
      byText();
    }
    byConfig(model);
    byText();
  }

  /** The texts that tokenizer_config.json names. */
  private void configure(Obj config) {
    for (String type : List.of("bos", "eos", "unk", "sep", "pad", "cls", "mask")) {
      JsonValue value = config.find(type + "_token").orElse(Literal.NULL);
      if (value instanceof Str text) {
        texts.put(type, text.value());
      } else if (value instanceof Obj token) {
        token.text("content").ifPresent(text -> texts.put(type, text));
      }
    }
    if (json.isPresent()) {
      Optional.ofNullable(texts.get("cls")).ifPresent(cls -> texts.putIfAbsent("bos", cls));
      Optional.ofNullable(texts.get("sep")).ifPresent(sep -> texts.putIfAbsent("eos", sep));
    }
  }

  /** What the post-processor puts around a text. */
  private void complete(Obj processor) {
    if (processor.find("processors").orElse(Literal.NULL) instanceof Arr all) {
      for (JsonValue item : all.items()) {
        if (item instanceof Obj one) {
          completeOnce(one);
        }
      }
    } else {
      completeOnce(processor);
    }
  }

  private void completeOnce(Obj processor) {
    switch (processor.text("type").orElse("")) {
      case "ByteLevel" -> {
        adds.putIfAbsent("bos", false);
        adds.putIfAbsent("eos", false);
      }
      case "RobertaProcessing", "BertProcessing" -> {
        ADDABLE.forEach(type -> adds.put(type, true));
        first(processor, "cls").ifPresent(cls -> texts.putIfAbsent("bos", cls));
        first(processor, "sep").ifPresent(sep -> texts.putIfAbsent("eos", sep));
      }
      case "TemplateProcessing" -> template(items(processor, "single"), items(processor, "pair"));
      default -> {
        // It adds nothing.
      }
    }
  }

  private static Optional<String> first(Obj processor, String key) {
    return processor.find(key).orElse(Literal.NULL) instanceof Arr pair
            && !pair.items().isEmpty()
            && pair.items().get(0) instanceof Str text
        ? Optional.of(text.value())
        : Optional.empty();
  }

  private static List<Obj> items(Obj processor, String key) {
    List<Obj> items = new ArrayList<>();
    if (processor.find(key).orElse(Literal.NULL) instanceof Arr array) {
      array.items().stream().filter(Obj.class::isInstance).forEach(item -> items.add((Obj) item));
    }
    return items;
  }

  /** The token that an item of a template stands for; empty if it stands for the text. */
  private static Optional<String> special(Obj item) {
    return item.find("SpecialToken")
        .filter(Obj.class::isInstance)
        .flatMap(token -> ((Obj) token).text("id"));
  }

  private void template(List<Obj> single, List<Obj> pair) {
    Optional<String> first = Optional.empty();
    Optional<String> last = Optional.empty();
    if (single.size() > 1) {
      first = special(single.get(0));
      last = special(single.get(single.size() - 1));
    }
    if (first.isPresent()) {
      texts.putIfAbsent("bos", first.get());
      adds.put("bos", first.get().equals(texts.get("bos")) || first.get().equals(texts.get("cls")));
    }
    if (last.isPresent()) {
      String eos = texts.get("eos");
      if (eos != null && !eos.equals(last.get())) {
        texts.putIfAbsent("eot", eos);
      }
      texts.put("eos", last.get());
      adds.put("eos", true);
    }
    separator(pair, first, last);
  }

  /** Whether a separator is between the two texts of a pair. */
  private void separator(List<Obj> pair, Optional<String> first, Optional<String> last) {
    int from = !pair.isEmpty() && first.isPresent() && special(pair.get(0)).equals(first) ? 1 : 0;
    int to = pair.size();
    if (to > from && last.isPresent() && special(pair.get(to - 1)).equals(last)) {
      to--;
    }
    if (to - from < 3) {
      return;
    }
    List<Obj> between = pair.subList(from + 1, to - 1);
    boolean separates = isSeparator(between.get(0)) && last.isEmpty();
    if (between.size() == 2) {
      separates |= isSeparator(between.get(1));
    }
    adds.put("sep", separates);
  }

  private boolean isSeparator(Obj item) {
    Optional<String> text = special(item);
    return text.isPresent()
        && (text.get().equals(texts.get("sep")) || text.get().equals(texts.get("eos")));
  }

  private void flags(Obj config) {
    for (String type : ADDABLE) {
      JsonValue value = config.find("add_" + type + "_token").orElse(Literal.NULL);
      if (value == Literal.TRUE || value == Literal.FALSE) {
        adds.putIfAbsent(type, value == Literal.TRUE);
      }
    }
  }

  /** Finds ids by texts: among added tokens, and if there are none, among all. */
  private void byText() {
    if (addedIds.isEmpty()) {
      List<Token> tokens = vocabulary.tokens();
      for (int id = 0; id < tokens.size(); id++) {
        if (tokens.get(id).type() != Token.Type.NORMAL) {
          addedIds.putIfAbsent(tokens.get(id).text(), id);
        }
      }
    }
    for (String type : KEYS.keySet()) {
      Integer id = addedIds.get(texts.get(type));
      if (id != null) {
        ids.putIfAbsent(type, id);
      }
    }
  }

  private void byConfig(List<Obj> model) {
    for (Obj part : model) {
      for (String type : KEYS.keySet()) {
        if (!(part.find(type + "_token_id").orElse(Literal.NULL) instanceof Num number)
            || number.count().isEmpty()) {
          continue;
        }
        long id = number.count().get();
        if (id < vocabulary.tokens().size()) {
          ids.putIfAbsent(type, (int) id);
        } else if (!ids.containsKey(type)) {
          notes.add(
              type
                  + "_token_id in config.json is "
                  + id
                  + ", and there are "
                  + vocabulary.tokens().size()
                  + " tokens: it is left out");
        }
      }
    }
  }

  /** {@return the metadata of a GGUF file} */
  List<Value> metadata() {
    List<Value> values = new ArrayList<>();
    ids.forEach((type, id) -> values.add(Value.of("tokenizer.ggml." + KEYS.get(type), id)));
    adds.forEach(
        (type, flag) -> values.add(Value.of("tokenizer.ggml.add_" + type + "_token", flag)));
    return values;
  }

  /** {@return what the user should know} */
  List<String> notes() {
    return notes;
  }
}
