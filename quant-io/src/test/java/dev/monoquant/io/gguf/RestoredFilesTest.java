package dev.monoquant.io.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.gguf.GgufLayout.Value;
import dev.monoquant.files.gguf.GgufValue;
import dev.monoquant.files.json.JsonText;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is made of the metadata and tensors of a GGUF model, and what bounds it. */
class RestoredFilesTest {

  private static final String MARK = "\u2581";
  private static final String ESCAPED = "\\u2581";
  private static final long MILLIONS = 33_554_432;

  /** A GGUF model whose tensors are zeros. */
  private record Zeros(ModelInfo info, List<Value> metadata) implements ModelSource, GgufModel {

    static Zeros of(List<Value> metadata, TensorInfo... tensors) {
      return new Zeros(ModelInfo.of("m.gguf", List.of(tensors)), metadata);
    }

    @Override
    public ByteBuffer read(TensorInfo tensor, long offset, int length) {
      return ByteBuffer.allocate(length);
    }

    @Override
    public long alignment() {
      return 32;
    }

    @Override
    public <C> Optional<C> find(Class<C> capability) {
      return capability.isInstance(this) ? Optional.of(capability.cast(this)) : Optional.empty();
    }

    @Override
    public void close() {
      // Nothing is open.
    }
  }

  private static TensorInfo tensor(String name, long... dims) {
    return new TensorInfo(name, ElementType.FLOAT16, TensorShape.of(dims));
  }

  private static Value integers(String key, int... numbers) {
    ByteBuffer bytes = ByteBuffer.allocate(12 + 4 * numbers.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(5).putLong(numbers.length);
    for (int number : numbers) {
      bytes.putInt(number);
    }
    return new Value(key, GgufValue.Type.ARRAY, bytes.flip());
  }

  private static Value floats(String key, int count) {
    ByteBuffer bytes = ByteBuffer.allocate(12 + 4 * count).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(6).putLong(count);
    return new Value(key, GgufValue.Type.ARRAY, bytes.rewind());
  }

  private static List<Value> llama(Value... more) {
    List<Value> values = new ArrayList<>();
    values.add(Value.of("general.architecture", "llama"));
    for (String key :
        List.of(
            "embedding_length",
            "block_count",
            "attention.head_count",
            "feed_forward_length",
            "context_length")) {
      values.add(Value.of("llama." + key, 2));
    }
    values.addAll(List.of(more));
    return values;
  }

  private static String config(Zeros model) throws IOException {
    RestoredModel restored = RestoredModel.view(model).find(RestoredModel.class).orElseThrow();
    return new String(restored.files().get("config.json"), StandardCharsets.UTF_8);
  }

  private static String tokenizer(Value... values) {
    Map<String, JsonValue> files =
        RestoredTokenizer.files(new GgufValues("m.gguf", List.of(values)), new ArrayList<>());
    return JsonText.pretty(files.get("tokenizer.json"));
  }

  @Test
  void biasesBehindAttentionAreInTheConfiguration() throws IOException {
    TensorInfo embedding = tensor("token_embd.weight", 4, 2);
    assertThat(config(Zeros.of(llama(), embedding))).doesNotContain("mlp_bias");
    assertThat(
            config(
                Zeros.of(
                    llama(),
                    embedding,
                    tensor("blk.0.ffn_up.weight", 2, 2),
                    tensor("blk.0.ffn_up.bias", 2))))
        .contains("\"mlp_bias\": true");
  }

  @Test
  void theValuesOfYarnAreInTheConfiguration() throws IOException {
    String scaling = "llama.rope.scaling.";
    assertThat(
            config(
                Zeros.of(
                    llama(
                        Value.of(scaling + "type", "yarn"),
                        Value.of(scaling + "factor", 4f),
                        Value.of(scaling + "yarn_ext_factor", 0.5f),
                        Value.of(scaling + "yarn_attn_factor", 1.25f),
                        Value.of(scaling + "yarn_beta_fast", 24f),
                        Value.of(scaling + "yarn_beta_slow", 2f)),
                    tensor("token_embd.weight", 4, 2))))
        .contains("\"extrapolation_factor\": 0.5")
        .contains("\"attention_factor\": 1.25")
        .contains("\"beta_fast\": 24.0")
        .contains("\"beta_slow\": 2.0");
  }

  @ParameterizedTest
  @CsvSource({"NaN", "Infinity", "-Infinity"})
  void aNumberThatJsonDoesNotHaveIsRefused(float number) {
    String key = "llama.rope.freq_base";
    assertThatThrownBy(
            () -> config(Zeros.of(llama(Value.of(key, number)), tensor("token_embd.weight", 4, 2))))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContainingAll(key, "it must be finite");
  }

  /** As llama.cpp does where the metadata does not say it. */
  @ParameterizedTest
  @CsvSource({"llama-bpe,true", "tekken,true", "qwen2,false", "gpt-2,false"})
  void theTokenOfTheBeginningIsAddedForSomeRules(String pre, boolean adds) {
    Value[] values = {
      Value.of("tokenizer.ggml.model", "gpt2"),
      Value.of("tokenizer.ggml.pre", pre),
      Value.of("tokenizer.ggml.tokens", List.of("a", "<s>")),
      integers("tokenizer.ggml.token_type", 1, 3),
      Value.of("tokenizer.ggml.bos_token_id", 1)
    };
    assertThat(tokenizer(values).contains("TemplateProcessing")).isEqualTo(adds);
    List<Value> said = new ArrayList<>(List.of(values));
    said.add(Value.of("tokenizer.ggml.add_bos_token", !adds));
    assertThat(tokenizer(said.toArray(new Value[0])).contains("TemplateProcessing"))
        .isEqualTo(!adds);
  }

  @Test
  void addedTokensOfWordPiecesLoseTheMarkOfGguf() {
    String json =
        tokenizer(
            Value.of("tokenizer.ggml.model", "bert"),
            Value.of("tokenizer.ggml.tokens", List.of(MARK + "the", MARK + "foo", MARK + "[X]")),
            integers("tokenizer.ggml.token_type", 1, 4, 3));
    assertThat(json)
        .contains("\"content\": \"foo\"", "\"content\": \"" + ESCAPED + "[X]\"")
        .contains("\"foo\": 1")
        .doesNotContain(ESCAPED + "foo", ESCAPED + "the");
  }

  @Test
  void pairsOfScoredTokensAreBounded() {
    List<String> tokens = new ArrayList<>();
    for (int length = 1; length <= 2000; length++) {
      tokens.add("a".repeat(length));
    }
    assertThatThrownBy(() -> scored(tokens))
        .isInstanceOfSatisfying(
            ModelFormatException.class, e -> assertThat(e.reason()).isEqualTo(Reason.LIMIT))
        .hasMessageContaining("maxParsedBytes");
  }

  /** Without the bound of lengths this copies 4 million characters 4 million times. */
  @Test
  void aLongTokenIsNotCopiedAtEachPlace() {
    String longest = "b".repeat(4_000_000);
    assertThat(scored(List.of("a", "b", "ab", longest))).containsSubsequence("\"a\",", "\"b\"");
  }

  private static String scored(List<String> tokens) {
    return tokenizer(
        Value.of("tokenizer.ggml.model", "llama"),
        Value.of("tokenizer.ggml.tokens", tokens),
        floats("tokenizer.ggml.scores", tokens.size()));
  }

  @Test
  void theNumberOfExpertsIsBounded() {
    TensorInfo many = tensor("blk.0.ffn_up_exps.weight", MILLIONS, 1, 1);
    refused(() -> ExpertView.of(Zeros.of(List.of(), many)));
    refused(() -> RestoredModel.view(Zeros.of(llama(), tensor("token_embd.weight", 4, 2), many)));
    TensorInfo half = tensor("blk.0.ffn_up_exps.weight", 600_000, 1, 1);
    TensorInfo other = tensor("blk.1.ffn_up_exps.weight", 600_000, 1, 1);
    refused(() -> ExpertView.of(Zeros.of(List.of(), half, other)));
  }

  private static void refused(ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            ModelFormatException.class, e -> assertThat(e.reason()).isEqualTo(Reason.LIMIT))
        .hasMessageContainingAll("_exps.weight", "maxTensors");
  }

  @Test
  void onlyExpertsAreTakenApart() {
    Zeros model =
        Zeros.of(
            List.of(),
            tensor("blk.0.time_mix_w2.weight", 5, 2, 32),
            tensor("blk.0.ffn_up_exps.weight", 2, 3, 32));
    assertThat(ExpertView.of(model).info().tensors())
        .extracting(TensorInfo::name)
        .containsExactly(
            "blk.0.time_mix_w2.weight", "blk.0.ffn_up_exps.0.weight", "blk.0.ffn_up_exps.1.weight");
    Zeros plain = Zeros.of(List.of(), tensor("blk.0.time_mix_w2.weight", 5, 2, 32));
    assertThat(ExpertView.of(plain)).isSameAs(plain);
  }
}
