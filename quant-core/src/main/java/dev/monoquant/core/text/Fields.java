package dev.monoquant.core.text;

import com.google.gson.stream.JsonWriter;
import java.io.BufferedWriter;
import java.io.FilterWriter;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/**
 * The fields of a JSON object, in the order in which they are written. All reports, plans,
 * inspections, comparisons and verifications are written as JSON with this class; only the text is
 * held in memory. Not thread-safe.
 */
public final class Fields {

  /** The version of the JSON forms; increases when a field changes its meaning or is removed. */
  static final int SCHEMA_VERSION = 1;

  private final JsonWriter json;

  private Fields(JsonWriter json) {
    this.json = json;
  }

  /** An object with {@code schema} and {@code kind} first, ended by {@code \n}. */
  public static String document(String kind, Consumer<Fields> body) {
    StringWriter text = new StringWriter();
    document(text, kind, body);
    return text.toString();
  }

  /**
   * Writes what {@link #document(String, Consumer)} returns, a piece at a time.
   *
   * @throws UncheckedIOException if the writer throws
   */
  public static void document(Writer out, String kind, Consumer<Fields> body) {
    Writer text = new BufferedWriter(new NoCommands(out));
    JsonWriter json = new JsonWriter(text);
    json.setIndent("  ");
    json.setHtmlSafe(false);
    Fields fields = new Fields(json);
    fields.object(all -> body.accept(all.integer("schema", SCHEMA_VERSION).text("kind", kind)));
    fields.write(
        () -> {
          text.write('\n');
          text.flush();
        });
  }

  /**
   * Escapes the third character of {@code ##[}, which only names and messages have. The runner of
   * GitHub Actions takes them, at any place in a line, for the start of a command; escaped, the
   * text means the same.
   */
  private static final class NoCommands extends FilterWriter {

    /** How many of the last characters were this sign in a row, at most two. */
    private int signs;

    NoCommands(Writer out) {
      super(out);
    }

    @Override
    public void write(int c) throws IOException {
      if (c == '[' && signs == 2) {
        out.write("\\u005b");
      } else {
        out.write(c);
      }
      signs = c == '#' ? Math.min(2, signs + 1) : 0;
    }

    @Override
    public void write(char[] text, int from, int length) throws IOException {
      write(new String(text, from, length), 0, length);
    }

    @Override
    public void write(String text, int from, int length) throws IOException {
      int sign = text.indexOf('#', from);
      if (signs == 0 && (sign < 0 || sign >= from + length)) {
        out.write(text, from, length);
        return;
      }
      for (int i = from; i < from + length; i++) {
        write(text.charAt(i));
      }
    }
  }

  public Fields text(String name, String value) {
    return write(() -> json.name(name).value(value));
  }

  public Fields flag(String name, boolean value) {
    return write(() -> json.name(name).value(value));
  }

  public Fields integer(String name, long value) {
    return write(() -> json.name(name).value(value));
  }

  /** An integer; null if there is none. */
  public Fields integer(String name, OptionalLong value) {
    return value.isPresent() ? integer(name, value.getAsLong()) : nothing(name);
  }

  /** A number; null if it is not finite. */
  public Fields number(String name, double value) {
    return Double.isFinite(value) ? write(() -> json.name(name).value(value)) : nothing(name);
  }

  /** The value null. */
  public Fields nothing(String name) {
    return write(() -> json.name(name).nullValue());
  }

  public Fields texts(String name, Iterable<String> values) {
    return array(name, () -> values.forEach(value -> write(() -> json.value(value))));
  }

  public Fields integers(String name, long... values) {
    return array(
        name,
        () -> {
          for (long value : values) {
            write(() -> json.value(value));
          }
        });
  }

  public Fields map(String name, Map<String, String> map) {
    return object(name, fields -> map.forEach(fields::text));
  }

  public Fields object(String name, Consumer<Fields> body) {
    return write(() -> json.name(name)).object(body);
  }

  /** Any tree of maps, lists, texts, numbers and booleans. */
  public Fields tree(String name, Object tree) {
    return write(
        () -> {
          json.name(name);
          tree(tree);
        });
  }

  private void tree(Object tree) throws IOException {
    if (tree instanceof Map<?, ?> map) {
      json.beginObject();
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        json.name(String.valueOf(entry.getKey()));
        tree(entry.getValue());
      }
      json.endObject();
    } else if (tree instanceof List<?> list) {
      json.beginArray();
      for (Object item : list) {
        tree(item);
      }
      json.endArray();
    } else if (tree instanceof Number number) {
      json.value(number);
    } else if (tree instanceof Boolean flag) {
      json.value(flag);
    } else {
      json.value(tree.toString());
    }
  }

  /** An array of objects, one for each item. */
  public <T> Fields objects(String name, List<T> items, BiConsumer<Fields, T> body) {
    return array(name, () -> items.forEach(item -> object(fields -> body.accept(fields, item))));
  }

  private Fields object(Consumer<Fields> body) {
    write(json::beginObject);
    body.accept(this);
    return write(json::endObject);
  }

  private Fields array(String name, Runnable body) {
    write(() -> json.name(name).beginArray());
    body.run();
    return write(json::endArray);
  }

  private interface Writing {
    void run() throws IOException;
  }

  private Fields write(Writing writing) {
    try {
      writing.run();
      return this;
    } catch (IOException e) {
      throw new UncheckedIOException("writing JSON failed", e);
    }
  }
}
