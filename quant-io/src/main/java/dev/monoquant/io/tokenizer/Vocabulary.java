package dev.monoquant.io.tokenizer;

import dev.monoquant.files.gguf.GgufLayout.Value;
import java.util.ArrayList;
import java.util.List;

/**
 * The tokens of a model in the order of their ids.
 *
 * @param model the algorithm in the words of ggml: {@code gpt2} for byte-level pairs, {@code llama}
 *     for pairs by scores, {@code t5} for unigrams, {@code bert} for word pieces
 * @param pre the name of the rules that split text before; {@code default} if there are none
 * @param tokens the tokens
 * @param scores a score for each token; empty if the algorithm has none
 * @param merges the pairs that are merged, {@code "a b"}; for {@code gpt2} alone
 * @param rules metadata on how a text is prepared
 * @param notes what the user should know
 */
record Vocabulary(
    String model,
    String pre,
    List<Token> tokens,
    List<Float> scores,
    List<String> merges,
    List<Value> rules,
    List<String> notes) {

  /** Copies the lists. */
  Vocabulary {
    tokens = List.copyOf(tokens);
    scores = List.copyOf(scores);
    merges = List.copyOf(merges);
    rules = List.copyOf(rules);
    notes = List.copyOf(notes);
  }

  /** {@return this vocabulary with the metadata of a GGUF file} */
  List<Value> metadata() {
    List<Value> values = new ArrayList<>();
    values.add(Value.of("tokenizer.ggml.model", model));
    values.add(Value.of("tokenizer.ggml.pre", pre));
    values.add(Value.of("tokenizer.ggml.tokens", tokens.stream().map(Token::text).toList()));
    if (!scores.isEmpty()) {
      float[] numbers = new float[scores.size()];
      for (int i = 0; i < numbers.length; i++) {
        numbers[i] = scores.get(i);
      }
      values.add(Value.of("tokenizer.ggml.scores", numbers));
    }
    int[] types = tokens.stream().mapToInt(token -> token.type().id()).toArray();
    values.add(Value.of("tokenizer.ggml.token_type", types));
    if (model.equals("gpt2")) {
      values.add(Value.of("tokenizer.ggml.merges", merges));
    }
    values.addAll(rules);
    return values;
  }
}
