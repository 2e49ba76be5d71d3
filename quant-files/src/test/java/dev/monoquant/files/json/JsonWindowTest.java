package dev.monoquant.files.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** Reading in blocks and reusing repeated values change no result and no message. */
class JsonWindowTest {

  private static final String ALL =
      "{\"a\":[1,-2.5e+3,true,null],\"\\u00e4\\ud83d\\ude00\":\"x\\n\\\\u\\\"\",\"\u00e4\u20ac\ud83d\ude00\":"
          + "{\"options\":{\"bits\":8},\"list\":[\"codes\",\"codes\"]},\"plain\":\"a\\tb\"}";

  private static JsonDialect dialect(long most) {
    return new JsonDialect("file", "the text", Reason.METADATA, Reason.METADATA, 64, false, most);
  }

  private static Map<String, JsonValue> members(JsonBytes text, long most) {
    Map<String, JsonValue> all = new LinkedHashMap<>();
    StrictJson.parse(
        text,
        dialect(most),
        (key, value) -> {
          all.put(key, value);
          return 0;
        });
    return all;
  }

  private static Map<String, JsonValue> members(String text) {
    return members(JsonBytes.of(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8))), 1 << 20);
  }

  @Property(tries = 300)
  void aBorderOfBlocksChangesNothing(@ForAll @IntRange(max = 160) int before) {
    String shifted = " ".repeat(2 * JsonWindow.BLOCK - before) + ALL;
    assertThat(members(shifted)).isEqualTo(members(ALL));
    assertThat(members(JsonBytes.of(shifted), 1 << 20)).isEqualTo(members(ALL));
  }

  @Property(tries = 100)
  void aFaultIsFoundAtItsPlace(@ForAll @IntRange(max = 20) int before) {
    String blanks = " ".repeat(JsonWindow.BLOCK - before);
    assertThatThrownBy(() -> members(blanks + "{\"\u20ac\":\"a\\x\"}"))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("at character " + (blanks.length() + 8) + " it");
    byte[] wrong = (blanks + "{\"\u20ac\":\"").getBytes(StandardCharsets.UTF_8);
    wrong[wrong.length - 4] = 'a';
    assertThatThrownBy(
            () -> StrictJson.parse(JsonBytes.of(ByteBuffer.wrap(wrong)), dialect(9), (k, v) -> 0))
        .hasMessageContaining("is not UTF-8, first at its byte " + (wrong.length - 6));
  }

  /** A text of 100 MB is never in memory beside what is read from it. */
  @Test
  void aTextIsReadInBlocksAFewTimes() {
    String text =
        "{\"a\":\"" + "x\\\"".repeat(100_000) + "\",\"b\":\"" + "y".repeat(100_000) + "\"}";
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    long[] read = {0};
    JsonBytes counted =
        new JsonBytes() {
          @Override
          public int length() {
            return bytes.length;
          }

          @Override
          public void get(int from, byte[] into, int count) {
            read[0] += count;
            assertThat(into.length == count || count <= JsonWindow.BLOCK || count == 100_000)
                .isTrue();
            System.arraycopy(bytes, from, into, 0, count);
          }
        };
    assertThat(members(counted, 1 << 22)).hasSize(2);
    assertThat(read[0]).isLessThan(4L * bytes.length);
  }

  private static String weights(int bits) {
    StringBuilder json = new StringBuilder("{");
    for (int i = 0; i < 100; i++) {
      json.append(i == 0 ? "" : ",").append("\"w").append(i);
      json.append("\":{\"options\":{\"bits\":").append(i % 2 == 0 ? 8 : bits);
      json.append(",\"list\":[1,[2]]},\"shape\":[4,4]}");
    }
    return json.append('}').toString();
  }

  @Test
  void whatRepeatsIsOneValue() {
    Map<String, JsonValue> all = members(weights(8));
    JsonValue.Obj first = (JsonValue.Obj) all.get("w0");
    JsonValue.Obj last = (JsonValue.Obj) all.get("w99");
    assertThat(last).isEqualTo(first).isNotSameAs(first);
    assertThat(last.members().get("options")).isSameAs(first.members().get("options"));
    assertThat(last.members().get("shape")).isSameAs(first.members().get("shape"));
    assertThat(members(weights(4)).get("w99"))
        .isEqualTo(
            members("{\"w99\":{\"options\":{\"bits\":4,\"list\":[1,[2]]},\"shape\":[4,4]}}")
                .get("w99"));
  }

  /** Else a limit that is enough for a model depended on how its weights are alike. */
  @Property(tries = 60)
  void whatRepeatsCountsLikeWhatDiffers(@ForAll @IntRange(min = 100, max = 4000) int most) {
    String text = "{\"k\":" + weights(8) + "}";
    String other = "{\"k\":" + weights(4) + "}";
    assertThat(fits(text, most * 20L)).isEqualTo(fits(other, most * 20L));
  }

  private static boolean fits(String text, long most) {
    try {
      members(JsonBytes.of(text), most);
      return true;
    } catch (ModelFormatException e) {
      assertThat(e.reason()).isEqualTo(Reason.LIMIT);
      return false;
    }
  }

  @Test
  void theSameTextElsewhereIsNoOtherDepth() {
    String deep = "[".repeat(63) + "]".repeat(63);
    String text = "{\"a\":{\"k\":" + deep + "},\"b\":{\"x\":{\"k\":" + deep + "}}}";
    assertThatThrownBy(() -> members(text)).hasMessageContaining("limit maxDepth");
  }
}
