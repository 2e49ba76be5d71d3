package dev.monoquant.files.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonParser;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Nothing but JSON is read, and what is read is what stood there. */
class StrictJsonTest {

  private static JsonValue parse(String text) {
    return parse(text.getBytes(StandardCharsets.UTF_8), false);
  }

  private static JsonValue parse(byte[] bytes, boolean python) {
    return StrictJson.parse(
        ByteBuffer.wrap(bytes),
        new JsonDialect(
            "file", "the text", Reason.HEADER_JSON, Reason.HEADER_ENCODING, 64, python, 1 << 20));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "{",
        "}",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "{1:1}",
        "nul",
        "nulL",
        "True",
        "01",
        "-",
        "+1",
        ".5",
        "1.",
        "1e",
        "1e+",
        "0x1",
        "NaN",
        "Infinity",
        "-Infinity",
        "\"",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\ud800\"",
        "\"\\ud800x\"",
        "\"\\ud800\\n\"",
        "\"\\udc00\"",
        "\"\\ud800\\ud800\"",
        "\"\u0001\"",
        "\"\n\"",
        "1 2",
        "[] []",
        "//c\n1",
        "/*c*/1",
        "\ufeff1",
        "1\u0000",
        "\u00a01",
        "{\"a\":1 \"b\":2}",
        "[1 2]",
        "\"\\u\u0661\u0661\u0661\u0661\""
      })
  void otherTextIsRefused(String text) {
    assertThatThrownBy(() -> parse(text))
        .isInstanceOfSatisfying(
            ModelFormatException.class, e -> assertThat(e.reason()).isEqualTo(Reason.HEADER_JSON))
        .hasMessageContaining("the text is no strict JSON: at character ");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "[]",
        "0",
        "-0",
        "1.50",
        "-1e-05",
        "1E+5",
        "\"\"",
        "true",
        "false",
        "null",
        " \t\r\n[ 1 , {\"a\" : [ ] } ]\n",
        "\"\\u00e9\\ud83d\\ude42\\/\\b\\f\\n\\r\\t\\\\\\\"\"",
        "123456789012345678901234567890",
        "\"\u007f\u2028\ud83d\ude42\""
      })
  void jsonIsReadAsAnotherReaderDoes(String text) {
    assertThat(JsonParser.parseString(JsonText.compact(parse(text))))
        .isEqualTo(JsonParser.parseString(text));
  }

  @Example
  void numbersKeepTheirDigits() {
    assertThat(parse("[1.50,-0,1E+5,99999999999999999999]"))
        .isEqualTo(
            new JsonValue.Arr(
                List.of(
                    new JsonValue.Num("1.50"),
                    new JsonValue.Num("-0"),
                    new JsonValue.Num("1E+5"),
                    new JsonValue.Num("99999999999999999999"))));
    assertThat(new JsonValue.Num("9223372036854775807").count()).contains(Long.MAX_VALUE);
    for (String none : List.of("9223372036854775808", "-1", "1.0", "1e3", "99999999999999999999")) {
      assertThat(new JsonValue.Num(none).count()).as(none).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"{\"a\":1,\"a\":1}", "[{\"a\":1,\"\\u0061\":2}]", "{\"x\":{\"a\":1,\"a\":2}}"})
  void aKeyThatStandsTwiceIsRefused(String text) {
    assertThatThrownBy(() -> parse(text))
        .isInstanceOfSatisfying(
            ModelFormatException.class, e -> assertThat(e.reason()).isEqualTo(Reason.DUPLICATE_KEY))
        .hasMessageContaining("\"a\"");
  }

  @Example
  void nestingIsLimitedWithoutTheStack() {
    parse("[".repeat(64) + "]".repeat(64));
    assertThatThrownBy(() -> parse("[".repeat(66) + "]".repeat(66)))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("maxDepth");
    assertThatThrownBy(() -> parse("{\"a\":".repeat(1_000_000)))
        .isInstanceOf(ModelFormatException.class);
  }

  @Example
  void bytesThatAreNoUtf8AreRefused() {
    byte[][] wrong = {
      {'"', (byte) 0xff, '"'},
      {'"', (byte) 0xc0, (byte) 0x80, '"'},
      {'"', (byte) 0xed, (byte) 0xa0, (byte) 0x80, '"'},
      {'"', (byte) 0xe2, (byte) 0x82}
    };
    for (byte[] bytes : wrong) {
      assertThatThrownBy(() -> parse(bytes, false))
          .isInstanceOfSatisfying(
              ModelFormatException.class,
              e -> assertThat(e.reason()).isEqualTo(Reason.HEADER_ENCODING))
          .hasMessageContaining("byte 1");
    }
  }

  @Example
  void pythonsNumbersPassWhereTheyMay() {
    String text = "[NaN,Infinity,-Infinity]";
    JsonValue value = parse(text.getBytes(StandardCharsets.UTF_8), true);
    assertThat(JsonText.compact(value)).isEqualTo(text);
  }

  /** Bytes are read 8,192 at a time: nothing depends on where that ends. */
  @Property(tries = 200)
  void longTextsAreReadWhole(
      @ForAll @IntRange(min = 8_150, max = 8_200) int letters,
      @ForAll("values") JsonValue value,
      @ForAll boolean escaped) {
    JsonValue all =
        new JsonValue.Arr(
            List.of(JsonValue.of("u".repeat(letters)), value, JsonValue.of("\n".repeat(letters))));
    assertThat(parse(escaped ? JsonText.pretty(all) : JsonText.compact(all))).isEqualTo(all);
  }

  @Example
  void aFaultFarFromTheStartIsNamedByItsPlace() {
    byte[] bytes = ("[\"" + "a".repeat(20_000) + "x\"]").getBytes(StandardCharsets.UTF_8);
    bytes[20_002] = (byte) 0xFF;
    assertThatThrownBy(() -> parse(bytes, false)).hasMessageContaining("at its byte 20002");
    bytes[20_002] = '\t';
    assertThatThrownBy(() -> parse(bytes, false)).hasMessageContaining("at character 20002");
  }

  @Property(tries = 300)
  void whatIsWrittenIsReadBack(@ForAll("values") JsonValue value) {
    assertThat(parse(JsonText.compact(value))).isEqualTo(value);
    JsonValue pretty = parse(JsonText.pretty(value));
    assertThat(JsonParser.parseString(JsonText.compact(pretty)))
        .isEqualTo(JsonParser.parseString(JsonText.compact(value)));
    assertThat(JsonText.pretty(value).chars()).allMatch(c -> c < 127);
  }

  @Property(tries = 2000)
  void nothingElseEscapes(@ForAll("noise") String text) {
    try {
      parse(text);
    } catch (ModelFormatException refused) {
      assertThat(refused.getMessage()).doesNotContain("\n");
    }
  }

  @Provide
  Arbitrary<String> noise() {
    return Arbitraries.strings()
        .withChars("{}[],:\"\\u0123456789abcdefE+-.trnl \n\u00e9\ud83d\ude42\u0000")
        .ofMaxLength(30);
  }

  @Provide
  Arbitrary<JsonValue> values() {
    return values(3);
  }

  private static Arbitrary<JsonValue> values(int depth) {
    Arbitrary<String> text =
        Arbitraries.strings()
            .withChars("a\"\\\n\t\b\u0001\u00e9\u2028\uffff")
            .ofMaxLength(5)
            .map(s -> s.length() % 2 == 0 ? s : s + "\ud83d\ude42");
    Arbitrary<JsonValue> leaf =
        Arbitraries.oneOf(
            Arbitraries.of(JsonValue.Literal.values()),
            text.map(JsonValue::of),
            Arbitraries.longs().map(JsonValue.Num::of));
    if (depth == 0) {
      return leaf;
    }
    Arbitrary<JsonValue> below = values(depth - 1);
    Arbitrary<JsonValue> array =
        below.list().ofMaxSize(4).map(items -> new JsonValue.Arr(new ArrayList<>(items)));
    Arbitrary<JsonValue> object =
        Arbitraries.maps(text, below)
            .ofMaxSize(4)
            .map((Map<String, JsonValue> m) -> new JsonValue.Obj(new LinkedHashMap<>(m)));
    return Arbitraries.oneOf(leaf, array, object);
  }
}
