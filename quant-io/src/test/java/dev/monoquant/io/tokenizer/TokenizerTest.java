package dev.monoquant.io.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.QuantException;
import dev.monoquant.files.gguf.GgufLayout.Value;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.json.JsonValue.Literal;
import dev.monoquant.files.json.JsonValue.Obj;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.SideFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;

/** Tokenizers of model directories: sound ones, and damaged ones, which are refused by name. */
class TokenizerTest {

  private static final String PAIRS =
      """
      {"added_tokens":[{"id":4,"content":"<|end|>","special":true},
                       {"id":5,"content":"<x>","special":false}],
       "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"use_regex":true},
       "model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2,"c":3},"merges":["a b"]}}
      """;

  private static Tokenizer read(Map<String, byte[]> files, long rows) throws IOException {
    return read(files, "llama", rows);
  }

  private static Tokenizer read(Map<String, byte[]> files, String architecture, long rows)
      throws IOException {
    Path folder = Files.createTempDirectory("tokenizer");
    List<SideFile> sides = new ArrayList<>();
    try {
      for (Map.Entry<String, byte[]> file : files.entrySet()) {
        Path path = Files.write(folder.resolve(file.getKey()), file.getValue());
        sides.add(new SideFile(file.getKey(), path));
      }
      return Tokenizer.of(sides, architecture, rows, List.of(), ReadLimits.DEFAULT);
    } finally {
      for (SideFile side : sides) {
        Files.delete(side.path());
      }
      Files.delete(folder);
    }
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static Tokenizer json(String text) throws IOException {
    return read(Map.of("tokenizer.json", utf8(text)), 8);
  }

  private static Value value(Tokenizer tokenizer, String key) {
    return tokenizer.metadata().stream()
        .filter(value -> value.key().equals("tokenizer." + key))
        .findFirst()
        .orElseThrow();
  }

  private static String text(Value value) {
    ByteBuffer bytes = value.bytes().duplicate();
    bytes.position(bytes.position() + Long.BYTES);
    return StandardCharsets.UTF_8.decode(bytes).toString();
  }

  private static List<Integer> types(Tokenizer tokenizer) {
    ByteBuffer bytes =
        value(tokenizer, "ggml.token_type").bytes().duplicate().order(ByteOrder.LITTLE_ENDIAN);
    bytes.position(bytes.position() + 12);
    List<Integer> types = new ArrayList<>();
    while (bytes.hasRemaining()) {
      types.add(bytes.getInt());
    }
    return types;
  }

  @Example
  void rowsWithoutATokenAreUnused() throws IOException {
    Tokenizer tokenizer = json(PAIRS);
    assertThat(text(value(tokenizer, "ggml.model"))).isEqualTo("gpt2");
    assertThat(text(value(tokenizer, "ggml.pre"))).isEqualTo("gpt-2");
    assertThat(types(tokenizer)).containsExactly(1, 1, 1, 1, 3, 4, 5, 5);
    assertThat(tokenizer.notes()).isEmpty();
  }

  @Example
  void unknownRulesAreTold() throws IOException {
    Tokenizer tokenizer =
        json(PAIRS.replace("\"add_prefix_space\":false", "\"add_prefix_space\":true"));
    assertThat(text(value(tokenizer, "ggml.pre"))).isEqualTo("default");
    assertThat(tokenizer.notes())
        .singleElement()
        .asString()
        .contains("Tokens of the two may differ");
  }

  @Example
  void aNameIsFoundForItsOwnRulesAlone() {
    for (String name :
        List.of(
            "gpt-2",
            "starcoder",
            "llama-bpe",
            "smaug-bpe",
            "qwen2",
            "qwen35",
            "tekken",
            "gpt-4o",
            "deepseek-v3")) {
      PreTokenizers.Rules rules = PreTokenizers.rules(name).orElseThrow();
      assertThat(PreTokenizer.name(tokenizer(rules.json(), rules.ignoreMerges())))
          .as(name)
          .contains(name);
    }
    assertThat(PreTokenizers.rules("default")).isEmpty();
    assertThat(PreTokenizer.name(tokenizer(Literal.NULL, false))).isEmpty();
  }

  private static TokenizerJson tokenizer(JsonValue pre, boolean ignoreMerges) {
    return new TokenizerJson(
        TokenizerJson.Algorithm.PAIRS,
        false,
        ignoreMerges,
        Map.of(),
        Map.of(),
        Optional.empty(),
        List.of(),
        List.of(),
        new Obj(Map.of("pre_tokenizer", pre)));
  }

  /** What is replaced in a sound tokenizer, and what the message says. */
  private static final List<List<String>> FAULTS =
      List.of(
          List.of("\"c\":3", "\"c\":2", "gives the id 2 to \"ab\" and to \"c\""),
          List.of("\"c\":3", "\"c\":3,\"c\":7", "\"c\""),
          List.of("\"c\":3", "\"c\":4000000000", "no integer from 0 to 2147483647"),
          List.of("\"c\":3", "\"c\":-1", "no integer from 0"),
          List.of("\"c\":3", "\"c\":\"3\"", "no integer from 0"),
          List.of("\"c\":3", "\"c\":8", "has the id 8, and the embedding has 8 rows"),
          List.of("\"id\":5", "\"id\":2147483647", "has the id 2147483647"),
          List.of("\"id\":5", "\"id\":4", "\"<|end|>\" and \"<x>\" have the id 4"),
          List.of("\"content\":\"<x>\"", "\"content\":7", "without a text \"content\""),
          List.of("\"special\":false", "\"special\":0", "not true or false"),
          List.of(",\"merges\":[\"a b\"]", "", "is no array, and byte pairs need it"),
          List.of("[\"a b\"]", "[\"a  b\"]", "no pair of texts"),
          List.of("[\"a b\"]", "[\"a\"]", "no pair of texts"),
          List.of("[\"a b\"]", "[[\"a\",\"b\",\"c\"]]", "no pair of texts"),
          List.of("[\"a b\"]", "[\"a c\"]", "which is no token of the vocabulary"),
          List.of("\"BPE\"", "\"WordLevel\"", "BPE, WordPiece and Unigram"),
          List.of("\"vocab\":{", "\"words\":{", "model.vocab"),
          List.of("\"model\":{", "\"other\":{", "model"));

  @Example
  void damagedTokenizersAreRefusedByName() {
    for (List<String> fault : FAULTS) {
      assertThat(PAIRS).contains(fault.get(0));
      assertThatThrownBy(() -> json(PAIRS.replace(fault.get(0), fault.get(1))))
          .as(fault.toString())
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining(fault.get(2));
    }
  }

  @Example
  void anEmbeddingOfTooManyRowsIsRefusedBeforeItIsAllocated() {
    assertThatThrownBy(() -> read(Map.of("tokenizer.json", utf8(PAIRS)), 1L << 40))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("maxParsedBytes");
  }

  @Example
  void wordsMarkTheirBeginning() throws IOException {
    Tokenizer tokenizer =
        read(Map.of("vocab.txt", utf8("[PAD]\n[UNK]\n[CLS]\n[SEP]\nthe\n##re\n")), 7);
    assertThat(text(value(tokenizer, "ggml.model"))).isEqualTo("bert");
    assertThat(types(tokenizer)).containsExactly(3, 3, 3, 3, 1, 1, 5);
    ByteBuffer tokens = value(tokenizer, "ggml.tokens").bytes().duplicate();
    assertThat(StandardCharsets.UTF_8.decode(tokens).toString())
        .contains("\u2581the")
        .contains("re")
        .doesNotContain("##");
  }

  /** llama.cpp makes all letters small without these values. */
  @Example
  void wordPiecesThatKnowCapitalLettersAndAccentsSaySo() throws IOException {
    String lower = "ggml.normalizer.lowercase";
    String strip = "ggml.normalizer.strip_accents";
    byte[] words = utf8("[UNK]\nThe\n");
    assertThat(flags(read(Map.of("vocab.txt", words), 2))).isEmpty();
    byte[] cased = utf8("{\"do_lower_case\":false}");
    byte[] kept = utf8("{\"strip_accents\":false}");
    assertThat(flags(read(Map.of("vocab.txt", words, "tokenizer_config.json", kept), 2)))
        .isEqualTo(Map.of(strip, false));
    assertThat(flags(read(Map.of("vocab.txt", words, "tokenizer_config.json", cased), 2)))
        .isEqualTo(Map.of(lower, false));
    String rest = ",\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"The\":0}}}";
    Map<String, Map<String, Boolean>> expected =
        Map.of(
            "null",
            Map.of(lower, false),
            "{\"type\":\"BertNormalizer\"}",
            Map.of(),
            "{\"type\":\"BertNormalizer\",\"lowercase\":false,\"strip_accents\":null}",
            Map.of(lower, false),
            "{\"type\":\"BertNormalizer\",\"lowercase\":true,\"strip_accents\":false}",
            Map.of(lower, true, strip, false),
            "{\"type\":\"BertNormalizer\",\"lowercase\":false,\"strip_accents\":true}",
            Map.of(lower, false, strip, true),
            "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFD\"},{\"type\":\"Lowercase\"},"
                + "{\"type\":\"StripAccents\"}]}",
            Map.of(lower, true, strip, true));
    for (Map.Entry<String, Map<String, Boolean>> each : expected.entrySet()) {
      assertThat(flags(json("{\"normalizer\":" + each.getKey() + rest)))
          .as(each.getKey())
          .isEqualTo(each.getValue());
    }
  }

  /** The values on letters. */
  private static Map<String, Boolean> flags(Tokenizer tokenizer) {
    Map<String, Boolean> flags = new HashMap<>();
    for (Value value : tokenizer.metadata()) {
      if (value.key().startsWith("tokenizer.ggml.normalizer.")) {
        flags.put(value.key().substring("tokenizer.".length()), value.bytes().get(0) == 1);
      }
    }
    return flags;
  }

  @Example
  void anEmptyLineOfWordsKeepsTheIdsOfThoseBehind() throws IOException {
    for (String end : List.of("", "\n", "\r\n\r\n\n\n\n")) {
      Tokenizer tokenizer = read(Map.of("vocab.txt", utf8("[PAD]\n[UNK]\n\r\n\nthe" + end)), 6);
      assertThat(types(tokenizer)).containsExactly(3, 3, 5, 5, 1, 5);
    }
  }

  /** A piece of a SentencePiece model. */
  private static byte[] piece(String text, float score, int type) {
    byte[] utf8 = utf8(text);
    ByteBuffer out = ByteBuffer.allocate(utf8.length + 11).order(ByteOrder.LITTLE_ENDIAN);
    out.put((byte) 0x0A).put((byte) (utf8.length + 9));
    out.put((byte) 0x0A).put((byte) utf8.length).put(utf8);
    out.put((byte) 0x15).putFloat(score).put((byte) 0x18).put((byte) type);
    return out.array();
  }

  private static byte[] model(int algorithm) {
    ByteBuffer out = ByteBuffer.allocate(64);
    out.put(piece("<unk>", 0, 2)).put(piece("<s>", 0, 3)).put(piece("\u2581a", -1, 1));
    out.put(new byte[] {0x12, 2, 0x18, (byte) algorithm});
    return Arrays.copyOf(out.array(), out.position());
  }

  @Example
  void sentencePieceModelsAreRead() throws IOException {
    Tokenizer pairs = read(Map.of("tokenizer.model", model(2)), 4);
    assertThat(text(value(pairs, "ggml.model"))).isEqualTo("llama");
    assertThat(types(pairs)).containsExactly(2, 3, 1, 5);
    Tokenizer unigrams = read(Map.of("tokenizer.model", model(1)), 4);
    assertThat(text(value(unigrams, "ggml.model"))).isEqualTo("t5");
    assertThatThrownBy(() -> read(Map.of("tokenizer.model", model(3)), 4))
        .hasMessageContaining("its algorithm has the number 3");
    assertThatThrownBy(() -> read(Map.of("tokenizer.model", model(2)), 2))
        .hasMessageContaining("the embedding has 2 rows");
  }

  /** Texts that stand for themselves and texts with the letter for a space, in all three files. */
  @Example
  void addedTokensAreTakenAsTheyStandForPhi3Alone() throws IOException {
    Map<String, byte[]> files =
        Map.of(
            "tokenizer.model",
            model(2),
            "added_tokens.json",
            utf8("{\"\u2581old\":3,\"\u2581both\":4}"),
            "tokenizer_config.json",
            utf8(
                """
                {"added_tokens_decoder":{"4":{"content":"\u2581both","special":true},
                                         "5":{"content":"<|user|>","special":false}}}
                """),
            "tokenizer.json",
            utf8(
                """
                {"added_tokens":[{"id":6,"content":"<json>","special":false}],
                 "model":{"type":"BPE","byte_fallback":true,"vocab":{"\u2581a":2},"merges":[]}}
                """));
    Tokenizer others = read(files, "llama", 8);
    assertThat(types(others)).containsExactly(2, 3, 1, 4, 3, 3, 5, 5);
    assertThat(text(value(others, "ggml.tokens")))
        .contains("\u2581old", "\u2581both", "[PAD6]")
        .doesNotContain(" old", "<json>");
    Tokenizer phi3 = read(files, "phi3", 8);
    assertThat(types(phi3)).containsExactly(2, 3, 1, 4, 3, 4, 4, 5);
    assertThat(text(value(phi3, "ggml.tokens")))
        .contains("\u2581old", "\u2581both", "<json>", "[PAD7]")
        .doesNotContain("[PAD6]");
  }

  /** A file with texts alone says nothing about their meaning, and tokenizer.json is not asked. */
  @Example
  void addedTokensWithoutDescriptionsAreTextsAsTheyStand() throws IOException {
    byte[] added = utf8("{\"<|end|>\":4,\"\u2581old\":5}");
    byte[] json =
        utf8(
            """
            {"added_tokens":[{"id":2,"content":"\u2581a","special":true},
                             {"id":4,"content":"<|end|>","special":true},
                             {"id":6,"content":"<json>","special":false}],
             "model":{"type":"BPE","byte_fallback":true,"vocab":{"\u2581a":2},"merges":[]}}
            """);
    Map<String, byte[]> files =
        Map.of("tokenizer.model", model(2), "added_tokens.json", added, "tokenizer.json", json);
    Tokenizer plain = read(files, "llama", 8);
    assertThat(types(plain)).containsExactly(2, 3, 1, 5, 4, 4, 5, 5);
    assertThat(text(value(plain, "ggml.tokens")))
        .contains("<|end|>", "\u2581old", "[PAD6]")
        .doesNotContain("<json>");
    Tokenizer described =
        read(Map.of("tokenizer.model", model(2), "tokenizer.json", json), "llama", 8);
    assertThat(types(described)).containsExactly(2, 3, 3, 5, 3, 5, 4, 5);
  }

  @Example
  void aCutModelIsRefusedOrHasFewerPieces() throws IOException {
    byte[] whole = model(2);
    for (int length = 0; length < whole.length; length++) {
      byte[] cut = Arrays.copyOf(whole, length);
      try {
        read(Map.of("tokenizer.model", cut), 4);
      } catch (ModelFormatException refused) {
        assertThat(refused).hasMessageContaining("it is no model of SentencePiece");
      }
    }
  }

  @Property(tries = 300)
  void anyBytesAreAModelOrRefused(@ForAll @Size(max = 40) byte[] bytes) {
    try {
      assertThat(SentencePiece.parse(ByteBuffer.wrap(bytes), "x", 1 << 20).pieces()).isNotEmpty();
    } catch (QuantException refused) {
      assertThat(refused).hasMessageContaining("x");
    }
  }
}
