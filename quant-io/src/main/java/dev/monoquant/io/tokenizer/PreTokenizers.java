package dev.monoquant.io.tokenizer;

import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.json.JsonValue.Arr;
import dev.monoquant.files.json.JsonValue.Literal;
import dev.monoquant.files.json.JsonValue.Obj;
import dev.monoquant.files.json.JsonValue.Str;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The rules of pre-tokenizers by their names in ggml, as {@code tokenizer.json} has them. */
public final class PreTokenizers {

  /**
   * The rules of one name.
   *
   * @param json the value of {@code pre_tokenizer}
   * @param ignoreMerges whether a word that is a token is not split
   */
  public record Rules(JsonValue json, boolean ignoreMerges) {}

  private PreTokenizers() {}

  /**
   * {@return the rules; empty if they are not known}
   *
   * @param name such as {@code qwen2}
   */
  public static Optional<Rules> rules(String name) {
    if (name.equals("gpt-2")) {
      return Optional.of(new Rules(bytes(true), false));
    }
    if (name.equals("starcoder")) {
      Obj digits = object("type", "Digits", "individual_digits", "true");
      return Optional.of(new Rules(sequence(List.of(digits, bytes(true))), false));
    }
    List<String> splits = PreTokenizer.splits(name);
    if (splits.isEmpty()) {
      return Optional.empty();
    }
    List<JsonValue> steps = new ArrayList<>();
    for (String split : splits) {
      Map<String, JsonValue> step = new LinkedHashMap<>();
      step.put("type", new Str("Split"));
      step.put("pattern", object("Regex", split));
      step.put("behavior", new Str("Isolated"));
      step.put("invert", Literal.FALSE);
      steps.add(new Obj(step));
    }
    steps.add(bytes(false));
    boolean whole = name.equals("llama-bpe") || name.equals("tekken");
    return Optional.of(new Rules(sequence(steps), whole));
  }

  private static Obj bytes(boolean splits) {
    return object(
        "type", "ByteLevel",
        "add_prefix_space", "false",
        "trim_offsets", "true",
        "use_regex", String.valueOf(splits));
  }

  private static Obj sequence(List<JsonValue> steps) {
    Map<String, JsonValue> sequence = new LinkedHashMap<>();
    sequence.put("type", new Str("Sequence"));
    sequence.put("pretokenizers", new Arr(steps));
    return new Obj(sequence);
  }

  /** An object of texts; {@code true} and {@code false} are literals. */
  private static Obj object(String... keysAndValues) {
    Map<String, JsonValue> members = new LinkedHashMap<>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      String value = keysAndValues[i + 1];
      members.put(
          keysAndValues[i],
          value.equals("true")
              ? Literal.TRUE
              : value.equals("false") ? Literal.FALSE : new Str(value));
    }
    return new Obj(members);
  }
}
