package dev.monoquant.core.recipe;

import dev.monoquant.ConfigurationException;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.json.JsonDialect;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.json.StrictJson;
import dev.monoquant.spi.ReadLimits;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A recipe in JSON: its tree, and the line of each key. */
final class RecipeJson {

  private static final int MAX_DEPTH = 64;

  /** The lines of all keys in the order of the text. */
  private final List<Integer> ahead;

  private final IdentityHashMap<Map<?, ?>, Map<String, Integer>> lines = new IdentityHashMap<>();
  private int at;

  private RecipeJson(List<Integer> ahead) {
    this.ahead = ahead;
  }

  static RunRecipe parse(String json, String name, Consumer<String> schemes) {
    JsonValue value;
    try {
      value =
          StrictJson.parse(
              ByteBuffer.wrap(json.getBytes(StandardCharsets.UTF_8)),
              new JsonDialect(
                  name,
                  "the recipe",
                  Reason.HEADER_JSON,
                  Reason.HEADER_JSON,
                  MAX_DEPTH,
                  true,
                  ReadLimits.DEFAULT.maxParsedBytes()));
    } catch (ModelFormatException e) {
      throw new ConfigurationException("recipe " + e.getMessage(), e);
    }
    if (!(value instanceof JsonValue.Obj object)) {
      throw new ConfigurationException(
          "recipe "
              + name
              + " is no map of settings. Example: {\"scheme\": \"int8\", \"ignore\": [\"lm_head\"]}");
    }
    RecipeJson tree = new RecipeJson(lines(json));
    return RecipeParser.parse(tree.map(object), name, tree::line, schemes);
  }

  private OptionalInt line(Map<?, ?> map, String key) {
    Integer line = lines.getOrDefault(map, Map.of()).get(key);
    return line == null ? OptionalInt.empty() : OptionalInt.of(line);
  }

  /**
   * {@return the line of each key of a JSON text, in its order}
   *
   * @param json strict JSON, already checked: a string before a colon is a key
   */
  private static List<Integer> lines(String json) {
    List<Integer> keys = new ArrayList<>();
    int line = 1;
    int text = 1;
    boolean inside = false;
    for (int i = 0; i < json.length(); i++) {
      char c = json.charAt(i);
      if (c == '\\') {
        i++;
      } else if (c == '"') {
        inside = !inside;
        text = line;
      } else if (c == '\n') {
        line++;
      } else if (c == ':' && !inside) {
        keys.add(text);
      }
    }
    return keys;
  }

  /** Depth is bounded by {@link #MAX_DEPTH}. */
  private Map<String, @Nullable Object> map(JsonValue.Obj object) {
    Map<String, @Nullable Object> map = new LinkedHashMap<>();
    Map<String, Integer> own = new LinkedHashMap<>();
    lines.put(map, own);
    object
        .members()
        .forEach(
            (key, value) -> {
              own.put(key, ahead.get(at++));
              map.put(key, plain(value));
            });
    return map;
  }

  private @Nullable Object plain(JsonValue value) {
    if (value instanceof JsonValue.Obj object) {
      return map(object);
    }
    if (value instanceof JsonValue.Arr array) {
      List<@Nullable Object> list = new ArrayList<>();
      array.items().forEach(item -> list.add(plain(item)));
      return list;
    }
    if (value instanceof JsonValue.Str text) {
      return text.value();
    }
    if (value instanceof JsonValue.Num number) {
      Optional<Long> count = number.count();
      return count.isPresent() ? (Object) count.get() : (Object) Double.valueOf(number.text());
    }
    return value == JsonValue.Literal.NULL ? null : (Object) (value == JsonValue.Literal.TRUE);
  }
}
