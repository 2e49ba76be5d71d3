package dev.monoquant.files.json;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Writes JSON: compact, as in headers, or indented by two spaces, as by Python's {@code
 * json.dumps(..., indent=2)}. Numbers keep the digits that they were read with.
 */
public final class JsonText {

  /** The order of UTF-8 bytes, which is the order of code points, of Rust and of Python. */
  public static final Comparator<String> BY_CODE_POINT = JsonText::compareCodePoints;

  private final StringBuilder out = new StringBuilder();
  private final Consumer<CharSequence> pieces;
  private final boolean pretty;

  private JsonText(boolean pretty, Consumer<CharSequence> pieces) {
    this.pretty = pretty;
    this.pieces = pieces;
  }

  /**
   * {@return the text without white space; only control characters, quotes and backslashes are
   * escaped, and keys keep their order}
   *
   * @param value any value
   */
  public static String compact(JsonValue value) {
    return text(value, false).toString();
  }

  /**
   * {@return the text with keys sorted, two spaces per level, all characters outside ASCII escaped,
   * and a final newline}
   *
   * @param value any value
   */
  public static String pretty(JsonValue value) {
    return text(value, true).append('\n').toString();
  }

  private static StringBuilder text(JsonValue value, boolean pretty) {
    JsonText text = new JsonText(pretty, piece -> {});
    text.write(value, 0);
    return text.out;
  }

  /**
   * {@return the text of an object like that of {@link #compact}, of which a piece at a time is in
   * memory}
   *
   * @param members writes the members; called each time the text is needed
   */
  public static TextPieces compactObject(Consumer<Members> members) {
    return pieces -> new JsonText(false, pieces).stream(members);
  }

  /**
   * {@return the text of an object like that of {@link #pretty}, of which a piece at a time is in
   * memory}
   *
   * @param members writes the members with sorted keys; called each time the text is needed
   */
  public static TextPieces prettyObject(Consumer<Members> members) {
    return pieces -> {
      new JsonText(true, pieces).stream(members);
      pieces.accept("\n");
    };
  }

  private void stream(Consumer<Members> members) {
    out.append('{');
    Members all = new Members(0);
    members.accept(all);
    all.end();
    pass();
  }

  /** Passes on what is written so far. */
  private void pass() {
    pieces.accept(out);
    out.setLength(0);
  }

  /** The members of an object, written one after another. Keys must differ. Not thread-safe. */
  public final class Members {

    private final int level;
    private boolean empty = true;

    private Members(int level) {
      this.level = level;
    }

    /**
     * Writes a member.
     *
     * @param key its key
     * @param value its value
     */
    public void value(String key, JsonValue value) {
      key(key);
      write(value, level + 1);
    }

    /**
     * Writes a member whose value is a text.
     *
     * @param key its key
     * @param text its value
     */
    public void text(String key, String text) {
      key(key);
      quoted(out, text, pretty);
    }

    /**
     * Writes a member whose value is an object.
     *
     * @param key its key
     * @param members writes its members
     */
    public void object(String key, Consumer<Members> members) {
      key(key);
      out.append('{');
      Members all = new Members(level + 1);
      members.accept(all);
      all.end();
    }

    private void key(String key) {
      if (out.length() > TextPieces.LONG) {
        pass();
      }
      out.append(empty ? "" : ",");
      newline(level + 1);
      quoted(out, key, pretty);
      out.append(pretty ? ": " : ":");
      empty = false;
    }

    private void end() {
      close(empty, level, '}');
    }
  }

  /**
   * Appends a text in double quotes.
   *
   * @param out the buffer to append to
   * @param text any text
   * @param ascii whether to escape characters outside ASCII too
   */
  public static void quoted(StringBuilder out, String text, boolean ascii) {
    out.append('"');
    escaped(out, text, ascii);
    out.append('"');
  }

  /**
   * Appends a text with the escapes that it needs between double quotes.
   *
   * @param out the buffer to append to
   * @param text any text
   * @param ascii whether to escape characters outside ASCII too
   */
  public static void escaped(StringBuilder out, CharSequence text, boolean ascii) {
    int plain = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c >= ' ' && c != '"' && c != '\\' && (!ascii || c <= '~')) {
        continue;
      }
      out.append(text, plain, i);
      plain = i + 1;
      int known = "\"\\\b\f\n\r\t".indexOf(c);
      if (known >= 0) {
        out.append('\\').append("\"\\bfnrt".charAt(known));
      } else {
        out.append(String.format("\\u%04x", (int) c));
      }
    }
    // A whole String is copied at once, a range of characters one by one.
    if (plain == 0) {
      out.append(text);
    } else {
      out.append(text, plain, text.length());
    }
  }

  private void write(JsonValue value, int level) {
    if (value instanceof JsonValue.Obj object) {
      writeObject(object, level);
    } else if (value instanceof JsonValue.Arr array) {
      out.append('[');
      for (Iterator<JsonValue> items = array.items().iterator(); items.hasNext(); ) {
        newline(level + 1);
        write(items.next(), level + 1);
        out.append(items.hasNext() ? "," : "");
      }
      close(array.items().isEmpty(), level, ']');
    } else if (value instanceof JsonValue.Str string) {
      quoted(out, string.value(), pretty);
    } else if (value instanceof JsonValue.Num number) {
      out.append(number.text());
    } else {
      out.append(((JsonValue.Literal) value).word());
    }
  }

  private void writeObject(JsonValue.Obj object, int level) {
    List<Map.Entry<String, JsonValue>> members = new ArrayList<>(object.members().entrySet());
    if (pretty) {
      members.sort(Map.Entry.comparingByKey(BY_CODE_POINT));
    }
    out.append('{');
    for (int i = 0; i < members.size(); i++) {
      newline(level + 1);
      quoted(out, members.get(i).getKey(), pretty);
      out.append(pretty ? ": " : ":");
      write(members.get(i).getValue(), level + 1);
      out.append(i + 1 < members.size() ? "," : "");
    }
    close(members.isEmpty(), level, '}');
  }

  private void close(boolean empty, int level, char bracket) {
    if (!empty) {
      newline(level);
    }
    out.append(bracket);
  }

  private void newline(int level) {
    if (pretty) {
      out.append('\n');
      for (int i = 0; i < level; i++) {
        out.append("  ");
      }
    }
  }

  private static int compareCodePoints(String a, String b) {
    int n = Math.min(a.length(), b.length());
    for (int i = 0; i < n; i++) {
      char x = a.charAt(i);
      char y = b.charAt(i);
      if (x != y) {
        // A surrogate stands for a code point above all other characters.
        boolean surrogateX = Character.isSurrogate(x);
        boolean surrogateY = Character.isSurrogate(y);
        return surrogateX == surrogateY ? Character.compare(x, y) : surrogateX ? 1 : -1;
      }
    }
    return Integer.compare(a.length(), b.length());
  }
}
