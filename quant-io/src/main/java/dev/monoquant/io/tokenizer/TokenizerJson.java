package dev.monoquant.io.tokenizer;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.json.JsonValue.Arr;
import dev.monoquant.files.json.JsonValue.Literal;
import dev.monoquant.files.json.JsonValue.Num;
import dev.monoquant.files.json.JsonValue.Obj;
import dev.monoquant.files.json.JsonValue.Str;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A {@code tokenizer.json} of the library tokenizers: the vocabulary, checked, and the parts that
 * split and complete a text, as they are.
 *
 * @param algorithm how tokens are found
 * @param byteFallback whether bytes without a token become tokens such as {@code <0x0A>}
 * @param ignoreMerges whether a word that is a token is not split
 * @param texts the tokens by their ids, without added ones
 * @param scores the scores by ids; for {@link Algorithm#UNIGRAM} alone
 * @param unknown the id of the unknown token of a unigram model
 * @param merges the pairs that are merged, in order
 * @param added tokens that are found before all others
 * @param root the whole file
 */
record TokenizerJson(
    Algorithm algorithm,
    boolean byteFallback,
    boolean ignoreMerges,
    Map<Integer, String> texts,
    Map<Integer, Float> scores,
    Optional<Integer> unknown,
    List<Merge> merges,
    List<Added> added,
    Obj root) {

  /** Sequences of steps within one another. */
  private static final int NESTED = 4;

  /** How tokens are found. */
  enum Algorithm {
    PAIRS,
    WORD_PIECES,
    UNIGRAM
  }

  /**
   * A pair that is merged.
   *
   * @param left the first token
   * @param right the second token
   */
  record Merge(String left, String right) {}

  /**
   * An added token.
   *
   * @param id its id
   * @param text its text
   * @param special whether it controls and is no text
   */
  record Added(int id, String text, boolean special) {}

  /** {@return the steps of the normalizer: itself, and those of sequences in it} */
  List<Obj> normalizers() {
    List<Obj> steps = new ArrayList<>();
    part("normalizer").ifPresent(step -> collect(step, steps, 0));
    return steps;
  }

  private static void collect(Obj step, List<Obj> steps, int depth) {
    steps.add(step);
    if (depth < NESTED && step.find("normalizers").orElse(Literal.NULL) instanceof Arr inner) {
      for (JsonValue item : inner.items()) {
        if (item instanceof Obj one) {
          collect(one, steps, depth + 1);
        }
      }
    }
  }

  /** {@return the part of the file under a key; empty if it is absent or no object} */
  Optional<Obj> part(String key) {
    return object(root.find(key));
  }

  private static Optional<Obj> object(Optional<JsonValue> value) {
    return value.filter(Obj.class::isInstance).map(Obj.class::cast);
  }

  /**
   * Checks a tokenizer.
   *
   * @param json the file
   * @param file its name, for messages
   * @return the tokenizer
   * @throws ModelFormatException if its vocabulary is not usable, naming the fault
   */
  static TokenizerJson of(JsonValue json, String file) {
    return new Parser(file).tokenizer(json);
  }

  /** Reads the parts that have a known form. */
  private static final class Parser {

    private final String file;
    private final Map<Integer, String> texts = new HashMap<>();
    private final Map<Integer, Float> scores = new HashMap<>();
    private final List<Merge> merges = new ArrayList<>();

    Parser(String file) {
      this.file = file;
    }

    TokenizerJson tokenizer(JsonValue json) {
      if (!(json instanceof Obj root)) {
        throw fault("", "it is " + json.kind() + ", not an object");
      }
      Obj model = object(root.find("model")).orElseThrow(() -> fault("model", "is no object"));
      List<Added> added = added(root);
      Algorithm algorithm = algorithm(model);
      Optional<Integer> unknown = Optional.empty();
      if (algorithm == Algorithm.UNIGRAM) {
        unigrams(model);
        unknown = model.find("unk_id").map(id -> id("unk_id", id));
      } else {
        vocabulary(model);
      }
      if (algorithm == Algorithm.PAIRS) {
        merges(model);
      }
      return new TokenizerJson(
          algorithm,
          flag(model, "byte_fallback"),
          flag(model, "ignore_merges"),
          texts,
          scores,
          unknown,
          merges,
          added,
          root);
    }

    private Algorithm algorithm(Obj model) {
      String type =
          model.text("type").orElseGet(() -> model.find("merges").isPresent() ? "BPE" : "no text");
      return switch (type) {
        case "BPE" -> Algorithm.PAIRS;
        case "WordPiece" -> Algorithm.WORD_PIECES;
        case "Unigram" -> Algorithm.UNIGRAM;
        default ->
            throw fault(
                "model.type", "is " + quote(type) + "; BPE, WordPiece and Unigram can be stored");
      };
    }

    private void vocabulary(Obj model) {
      Obj vocab =
          object(model.find("vocab")).orElseThrow(() -> fault("model.vocab", "is no object"));
      vocab
          .members()
          .forEach(
              (text, value) -> {
                int id = id("model.vocab", value);
                String other = texts.put(id, text);
                if (other != null) {
                  throw fault(
                      "model.vocab",
                      "gives the id " + id + " to " + quote(other) + " and to " + quote(text));
                }
              });
    }

    private void unigrams(Obj model) {
      if (!(model.find("vocab").orElse(Literal.NULL) instanceof Arr vocab)) {
        throw fault("model.vocab", "is no array");
      }
      for (JsonValue item : vocab.items()) {
        if (!(item instanceof Arr pair)
            || pair.items().size() != 2
            || !(pair.items().get(0) instanceof Str text)
            || !(pair.items().get(1) instanceof Num score)) {
          throw fault("model.vocab", "has an item that is no text with a score");
        }
        float number = Float.parseFloat(score.text());
        if (!Float.isFinite(number)) {
          throw fault("model.vocab", "has the score " + score.text());
        }
        scores.put(texts.size(), number);
        texts.put(texts.size(), text.value());
      }
    }

    private void merges(Obj model) {
      if (!(model.find("merges").orElse(Literal.NULL) instanceof Arr array)) {
        throw fault("model.merges", "is no array, and byte pairs need it");
      }
      Set<String> known = new HashSet<>(texts.values());
      for (JsonValue item : array.items()) {
        Merge merge = merge(item);
        if (!known.contains(merge.left() + merge.right())) {
          throw fault(
              "model.merges",
              "makes "
                  + quote(merge.left() + merge.right())
                  + ", which is no token of the vocabulary");
        }
        merges.add(merge);
      }
    }

    private Merge merge(JsonValue item) {
      if (item instanceof Str text) {
        int space = text.value().indexOf(' ');
        if (space > 0
            && space < text.value().length() - 1
            && text.value().indexOf(' ', space + 1) < 0) {
          return new Merge(text.value().substring(0, space), text.value().substring(space + 1));
        }
      } else if (item instanceof Arr pair
          && pair.items().size() == 2
          && pair.items().get(0) instanceof Str left
          && pair.items().get(1) instanceof Str right) {
        return new Merge(left.value(), right.value());
      }
      throw fault("model.merges", "has an item that is no pair of texts");
    }

    private List<Added> added(Obj root) {
      List<Added> added = new ArrayList<>();
      JsonValue tokens = root.find("added_tokens").orElseGet(() -> new Arr(List.of()));
      if (!(tokens instanceof Arr array)) {
        throw fault("added_tokens", "is " + tokens.kind() + ", not an array");
      }
      for (JsonValue item : array.items()) {
        if (!(item instanceof Obj token) || token.text("content").isEmpty()) {
          throw fault("added_tokens", "has an item without a text \"content\"");
        }
        added.add(
            new Added(
                id("added_tokens", token.find("id").orElse(Literal.NULL)),
                token.text("content").orElseThrow(),
                flag(token, "special")));
      }
      return added;
    }

    private int id(String where, JsonValue value) {
      if (value instanceof Num number
          && number.count().isPresent()
          && number.count().get() <= Integer.MAX_VALUE) {
        return number.count().get().intValue();
      }
      throw fault(where, "has an id that is no integer from 0 to 2147483647");
    }

    private boolean flag(Obj object, String key) {
      JsonValue value = object.find(key).orElse(Literal.FALSE);
      if (value != Literal.TRUE && value != Literal.FALSE) {
        throw fault(key, "is " + value.kind() + ", not true or false");
      }
      return value == Literal.TRUE;
    }

    private ModelFormatException fault(String where, String detail) {
      return new ModelFormatException(
          Reason.METADATA,
          file,
          where,
          detail + ". The file is damaged or of another kind; fetch it again.");
    }
  }
}
