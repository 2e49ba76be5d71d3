package dev.monoquant.files.json;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;

/** Long texts are written and read piece by piece. */
class TextPiecesTest {

  private static final String LETTERS = "a\u00e4\u20ac\ud83d\ude00\"\\\n\u0001";

  private static String joined(TextPieces pieces) {
    StringBuilder all = new StringBuilder();
    pieces.forEach(
        piece -> {
          assertThat(Character.isHighSurrogate(piece.charAt(piece.length() - 1))).isFalse();
          all.append(piece);
        });
    return all.toString();
  }

  /** About three pieces of letters of one to four bytes, some escaped. */
  private static String longText(int shift) {
    return LETTERS.substring(0, shift % 3) + LETTERS.repeat(20_000);
  }

  @Property(tries = 6)
  void aTextIsItsPieces(@ForAll @IntRange(max = 5) int shift) {
    String text = longText(shift);
    TextPieces pieces = TextPieces.of(text);
    assertThat(joined(pieces)).isEqualTo(text);
    assertThat(pieces.utf8Length()).isEqualTo(text.getBytes(StandardCharsets.UTF_8).length);
  }

  /** A pair of surrogates is cut where texts are looked at piece by piece. */
  @Property(tries = 12)
  void theBytesOfATextAreItsUtf8(@ForAll @IntRange(max = 3) int shift) {
    for (String letter : new String[] {"a", "\u00e4", "\ud83d\ude00"}) {
      String text = "a".repeat(TextPieces.LONG - shift) + letter;
      assertThat(TextPieces.isAscii(text)).isEqualTo(letter.equals("a"));
      JsonBytes bytes = JsonBytes.of(text);
      byte[] all = new byte[bytes.length()];
      bytes.get(0, all, all.length);
      assertThat(all).isEqualTo(text.getBytes(StandardCharsets.UTF_8));
    }
  }

  @Property(tries = 6)
  void aLongTextIsReadAsItWasWritten(@ForAll @IntRange(max = 5) int shift) {
    StringBuilder json = new StringBuilder();
    JsonText.quoted(json, longText(shift), false);
    assertThat(parse(json.toString())).isEqualTo(JsonValue.of(longText(shift)));
  }

  @Property(tries = 200)
  void anObjectWrittenByMembersIsTheObject(
      @ForAll @Size(max = 5) Map<String, Integer> keys, @ForAll boolean nested) {
    Map<String, JsonValue> members = new TreeMap<>(JsonText.BY_CODE_POINT);
    keys.forEach((key, i) -> members.put(key.replaceAll("\\p{Cs}", ""), JsonValue.of("v" + i)));
    JsonValue.Obj object = new JsonValue.Obj(members);
    Map<String, JsonValue> outer = new LinkedHashMap<>();
    outer.put("a", object);
    outer.put("b", JsonValue.of(true));
    JsonValue.Obj whole = nested ? new JsonValue.Obj(outer) : object;
    assertThat(joined(JsonText.compactObject(json -> write(json, whole))))
        .isEqualTo(JsonText.compact(whole));
    assertThat(joined(JsonText.prettyObject(json -> write(json, whole))))
        .isEqualTo(JsonText.pretty(whole));
  }

  private static void write(JsonText.Members json, JsonValue.Obj object) {
    object
        .members()
        .forEach(
            (key, value) -> {
              if (value instanceof JsonValue.Obj inner) {
                json.object(key, members -> write(members, inner));
              } else if (value instanceof JsonValue.Str text) {
                json.text(key, text.value());
              } else {
                json.value(key, value);
              }
            });
  }

  /** 2,000 members of 2 kB each: all of them need ten times the limit, a single one does not. */
  @Test
  void onlyWhatIsKeptOfAMemberCounts() {
    String json = object(2_000);
    long[] seen = {0};
    read(json, 400_000, (key, value) -> seen[0]++ * 0);
    assertThat(seen[0]).isEqualTo(2_000);
    Assertions.assertThatThrownBy(() -> read(json, 400_000, (key, value) -> 1_000))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("limit maxParsedBytes");
  }

  @Test
  void membersAreStrictJson() {
    Assertions.assertThatThrownBy(() -> read("{\"a\":1,\"a\":2}", 1 << 20, (k, v) -> 0))
        .hasMessageContaining("stands twice");
    Assertions.assertThatThrownBy(() -> read("{\"a\":1} x", 1 << 20, (k, v) -> 0))
        .hasMessageContaining("followed by");
    Assertions.assertThatThrownBy(() -> read("[1]", 1 << 20, (k, v) -> 0))
        .hasMessageContaining("where an object must stand");
  }

  private static String object(int members) {
    StringBuilder json = new StringBuilder("{");
    for (int i = 0; i < members; i++) {
      json.append(i == 0 ? "" : ",").append("\"k").append(i).append("\":\"");
      json.append("x".repeat(2_000)).append('"');
    }
    return json.append('}').toString();
  }

  private static JsonDialect dialect(long most) {
    return new JsonDialect("file", "the text", Reason.METADATA, Reason.METADATA, 64, false, most);
  }

  private static void read(String json, long most, StrictJson.Members members) {
    StrictJson.parse(
        ByteBuffer.wrap(json.getBytes(StandardCharsets.UTF_8)), dialect(most), members);
  }

  private static JsonValue parse(String json) {
    return StrictJson.parse(
        ByteBuffer.wrap(json.getBytes(StandardCharsets.UTF_8)), dialect(1L << 30));
  }
}
