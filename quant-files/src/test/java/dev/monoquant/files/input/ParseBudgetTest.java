package dev.monoquant.files.input;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.json.JsonDialect;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.json.StrictJson;
import dev.monoquant.files.pickle.PickleDict;
import dev.monoquant.files.pickle.PickleReader;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.spi.ReadLimits;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Nothing that is parsed takes more memory in all than the budget, whatever it is made of. */
class ParseBudgetTest {

  private static final long MOST = 1 << 20;
  private static final int MANY = 40_000;
  private static final ReadLimits LIMITS = ReadLimits.DEFAULT.withMaxParsedBytes(MOST);

  private static JsonValue json(String text) {
    ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    return StrictJson.parse(
        bytes,
        new JsonDialect(
            "file", "the text", Reason.HEADER_JSON, Reason.HEADER_ENCODING, 64, false, MOST));
  }

  private static PickleValue pickle(byte[] bytes) {
    return PickleReader.readAll(ByteBuffer.wrap(bytes), "file", "data.pkl", LIMITS, g -> true);
  }

  private static void requireRefused(Runnable read, String what) {
    assertThatThrownBy(read::run)
        .as(what)
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("file: what it holds besides numbers would take more than 1048576")
        .hasMessageContaining("limit maxParsedBytes")
        .extracting(e -> ((ModelFormatException) e).reason())
        .isEqualTo(Reason.LIMIT);
  }

  @Test
  void jsonOfAnyFormIsBounded() {
    for (String item : List.of("1", "[]", "{}", "\"a\"", "[[1]]", "{\"a\":1}", "\"\\u0041\"")) {
      requireRefused(() -> json("[" + (item + ",").repeat(MANY) + "0]"), item);
    }
    requireRefused(() -> json("\"" + "a".repeat(600_000) + "\""), "a long text");
    requireRefused(() -> json("\"" + "\\n".repeat(600_000) + "\""), "a long text of escapes");
    requireRefused(() -> json("1".repeat(1_100_000)), "a long number");
    StringBuilder object = new StringBuilder("{");
    for (int i = 0; i < MANY; i++) {
      object.append("\"").append(i).append("\":null,");
    }
    requireRefused(() -> json(object + "\"end\":null}"), "keys");
  }

  /** White space is passed over where it lies. */
  @Test
  void blanksCostNothing() {
    String blanks = " \n".repeat(2 << 20);
    assertThat(json(blanks + "[1," + blanks + "2]" + blanks))
        .isEqualTo(new JsonValue.Arr(List.of(JsonValue.Num.of(1), JsonValue.Num.of(2))));
  }

  private static byte[] list(String item, int count) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(latin("\u0080\2]("));
    for (int i = 0; i < count; i++) {
      out.writeBytes(latin(item));
    }
    out.writeBytes(latin("e."));
    return out.toByteArray();
  }

  private static byte[] latin(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  @Test
  void picklesOfAnyValuesAreBounded() {
    for (String item :
        List.of(
            "N",
            "\u0088",
            "K\1",
            "]",
            "}",
            ")",
            "K\1\u0085",
            "C\1a",
            "X\1\0\0\0a",
            "(t",
            "2",
            "Gabcdefgh",
            "\u008a\11aaaaaaaaa",
            "ca\nb\n",
            "Nr\0\0\0\0",
            "}K\1Ns")) {
      byte[] bytes = item.equals("2") ? list("N2", MANY) : list(item, MANY);
      requireRefused(() -> pickle(bytes), item);
    }
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    text.writeBytes(latin("\u0080\2X\0\0\20\0"));
    text.writeBytes(new byte[1 << 20]);
    text.writeBytes(latin("."));
    requireRefused(() -> pickle(text.toByteArray()), "a long text");
  }

  private static byte[] dict(IntConsumer key, ByteArrayOutputStream out) {
    out.writeBytes(latin("\u0080\2}("));
    for (int i = 0; i < 1 << 16; i++) {
      key.accept(i);
      out.write('N');
    }
    out.writeBytes(latin("u."));
    return out.toByteArray();
  }

  private static int size(byte[] bytes) {
    PickleValue root =
        PickleReader.readAll(
            ByteBuffer.wrap(bytes), "file", "data.pkl", ReadLimits.DEFAULT, g -> true);
    return ((PickleDict) root).size();
  }

  /** Without an order of keys, each of these takes minutes. */
  @Test
  @Timeout(60)
  void keysOfOneHashAreFoundFast() {
    ByteArrayOutputStream texts = new ByteArrayOutputStream();
    byte[] ofTexts =
        dict(
            i -> {
              StringBuilder name = new StringBuilder();
              for (int bit = 0; bit < 16; bit++) {
                // These two have the same hash, and so have texts made of them.
                name.append((i >> bit & 1) == 0 ? "Aa" : "BB");
              }
              texts.writeBytes(latin("X" + (char) name.length() + "\0\0\0" + name));
            },
            texts);
    assertThat(size(ofTexts)).isEqualTo(1 << 16);
    ByteArrayOutputStream numbers = new ByteArrayOutputStream();
    byte[] ofNumbers =
        dict(
            i -> {
              // The hash of a long is its halves against each other.
              long key = (long) i << 32 | i;
              byte[] bytes = ByteBuffer.allocate(8).putLong(Long.reverseBytes(key)).array();
              numbers.write(0x8A);
              numbers.write(8);
              numbers.writeBytes(bytes);
            },
            numbers);
    assertThat(size(ofNumbers)).isEqualTo(1 << 16);
    ByteArrayOutputStream reals = new ByteArrayOutputStream();
    byte[] ofReals =
        dict(
            i -> {
              long bits = 0x3FF0000000000000L ^ ((long) i << 32 | i);
              reals.write('G');
              reals.writeBytes(ByteBuffer.allocate(8).putLong(bits).array());
            },
            reals);
    assertThat(size(ofReals)).isEqualTo(1 << 16);
  }

  /** As in Python. */
  @Test
  void equalKeysStayOneKey() {
    for (String other : List.of("\u0088", "G?\u00f0\0\0\0\0\0\0", "\u008a\1\1")) {
      assertThatThrownBy(() -> size(latin("\u0080\2}(K\1N" + other + "Nu.")))
          .hasMessageContaining("is there twice");
    }
    assertThat(size(latin("\u0080\2}(K\1NX\1\0\0\0001NG?\u00f8\0\0\0\0\0\0Nu."))).isEqualTo(3);
  }
}
