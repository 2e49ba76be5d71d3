package dev.monoquant.io.tokenizer;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ConfigurationException;
import dev.monoquant.files.gguf.GgufLayout.Value;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.json.JsonValue.Literal;
import dev.monoquant.files.json.JsonValue.Num;
import dev.monoquant.files.json.JsonValue.Obj;
import dev.monoquant.io.tokenizer.TokenizerJson.Merge;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Makes the vocabulary of a model directory: of {@code tokenizer.model}, of {@code tokenizer.json},
 * or of {@code vocab.txt}, whichever comes first; with the added tokens of the other files.
 */
final class VocabularyReader {

  static final String JSON = "tokenizer.json";
  static final String CONFIG = "tokenizer_config.json";
  private static final String SENTENCE_PIECE = "tokenizer.model";
  private static final String WORDS = "vocab.txt";
  private static final String ADDED = "added_tokens.json";
  private static final String DECODER = "added_tokens_decoder";

  private static final String SPACE_PREFIX = "tokenizer.ggml.add_space_prefix";
  private static final String CHARS_MAP = "tokenizer.ggml.precompiled_charsmap";

  /** Below all merges. */
  private static final float NEVER = -1e6f;

  private static final String SPACE = "\u2581";

  private static final Set<String> WORD_CONTROLS =
      Set.of("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]");

  /** The architecture whose converter in llama.cpp takes added tokens as they are described. */
  private static final String PHI3 = "phi3";

  private final TokenizerFiles files;
  private final boolean literal;
  private final int size;
  private final Optional<TokenizerJson> json;
  private final Optional<Obj> config;

  /**
   * @param architecture the architecture in the words of llama.cpp
   * @param size the rows of the embedding
   */
  VocabularyReader(
      TokenizerFiles files,
      String architecture,
      int size,
      Optional<TokenizerJson> json,
      Optional<Obj> config) {
    this.files = files;
    this.literal = architecture.equals(PHI3);
    this.size = size;
    this.json = json;
    this.config = config;
  }

  Vocabulary read() throws IOException {
    Optional<ByteBuffer> pieces = files.bytes(SENTENCE_PIECE);
    boolean byteLevel =
        json.isPresent()
            && json.get().algorithm() == TokenizerJson.Algorithm.PAIRS
            && !json.get().byteFallback();
    if (pieces.isPresent() && !byteLevel) {
      return sentencePiece(pieces.get());
    }
    if (json.isPresent()) {
      return switch (json.get().algorithm()) {
        case PAIRS -> byteLevel ? byteLevelPairs(json.get()) : scoredPairs(json.get());
        case UNIGRAM -> unigrams(json.get());
        case WORD_PIECES -> wordPieces(json.get());
      };
    }
    Optional<String> words = files.text(WORDS);
    if (words.isPresent()) {
      return words(words.get());
    }
    throw new ConfigurationException(
        "there is no tokenizer beside the model, and a GGUF file needs its vocabulary: none of "
            + JSON
            + ", "
            + SENTENCE_PIECE
            + ", "
            + WORDS
            + ". Fetch the files of the tokenizer into the directory of the model");
  }

  private Vocabulary sentencePiece(ByteBuffer bytes) throws IOException {
    SentencePiece model =
        SentencePiece.parse(bytes, files.label(SENTENCE_PIECE), files.maxParsedBytes());
    TokenTable table = new TokenTable(files.label(SENTENCE_PIECE), size, literal);
    for (int id = 0; id < model.pieces().size(); id++) {
      SentencePiece.Piece piece = model.pieces().get(id);
      table.put(id, new Token(piece.text(), piece.type()), piece.score());
    }
    added(table);
    return new Vocabulary(
        model.unigram() ? "t5" : "llama",
        PreTokenizer.DEFAULT,
        table.tokens(),
        table.scores(),
        List.of(),
        rules(model),
        List.of());
  }

  private static List<Value> rules(SentencePiece model) {
    if (!model.unigram()) {
      return model.spacePrefix() ? List.of() : List.of(Value.of(SPACE_PREFIX, false));
    }
    List<Value> rules = new ArrayList<>();
    rules.add(Value.of(SPACE_PREFIX, model.spacePrefix()));
    rules.add(Value.of("tokenizer.ggml.remove_extra_whitespaces", model.removesSpaces()));
    if (model.charsMap().hasRemaining()) {
      rules.add(Value.of(CHARS_MAP, model.charsMap()));
    }
    return rules;
  }

  /**
   * Adds the tokens of the files beside a SentencePiece model, as llama.cpp's {@code
   * convert_hf_to_gguf.py} does: those of {@code added_tokens.json} as they stand, then those that
   * {@code tokenizer_config.json} describes. Where there is neither, {@code tokenizer.json} is
   * read, which that converter does for Phi-3 alone, so that no token is lost.
   */
  private void added(TokenTable table) throws IOException {
    Optional<Obj> old = files.object(ADDED);
    if (old.isPresent()) {
      for (Map.Entry<String, JsonValue> token : old.get().members().entrySet()) {
        table.addPlain(id(ADDED, token.getValue()), token.getKey());
      }
    }
    Optional<Obj> decoder =
        config.flatMap(c -> c.find(DECODER)).filter(Obj.class::isInstance).map(Obj.class::cast);
    if (decoder.isPresent()) {
      for (Map.Entry<String, JsonValue> entry : decoder.get().members().entrySet()) {
        if (!(entry.getValue() instanceof Obj token) || token.text("content").isEmpty()) {
          throw files.fault(
              CONFIG, "added token " + quote(entry.getKey()) + " has no text \"content\"");
        }
        boolean special = token.find("special").orElse(Literal.FALSE) == Literal.TRUE;
        table.add(
            id(CONFIG, new Num(entry.getKey())), token.text("content").orElseThrow(), special);
      }
    }
    if (json.isPresent() && (literal || (decoder.isEmpty() && old.isEmpty()))) {
      json.get().added().forEach(t -> table.add(t.id(), t.text(), t.special()));
    }
  }

  private int id(String file, JsonValue value) {
    if (value instanceof Num number
        && !number.text().isEmpty()
        && number.count().isPresent()
        && number.count().get() <= Integer.MAX_VALUE) {
      return number.count().get().intValue();
    }
    throw files.fault(file, "an added token has an id that is no integer from 0 to 2147483647");
  }

  private TokenTable table(TokenizerJson tokenizer) {
    TokenTable table = new TokenTable(files.label(JSON), size);
    tokenizer.texts().forEach((id, text) -> table.put(id, new Token(text, Token.Type.NORMAL), 0));
    return table;
  }

  private Vocabulary byteLevelPairs(TokenizerJson tokenizer) {
    TokenTable table = table(tokenizer);
    tokenizer.added().forEach(t -> table.add(t.id(), t.text(), t.special()));
    List<String> merges = new ArrayList<>();
    for (Merge merge : tokenizer.merges()) {
      // A space separates the pair; within a token it has the letter of the byte.
      merges.add(merge.left().replace(' ', '\u0120') + " " + merge.right().replace(' ', '\u0120'));
    }
    Optional<String> pre = PreTokenizer.name(tokenizer);
    List<String> notes =
        pre.isPresent()
            ? List.of()
            : List.of(
                "the rules of pre_tokenizer in tokenizer.json have no name in llama.cpp: the file"
                    + " says \"default\", and texts are split differently than by transformers."
                    + " Tokens of the two may differ");
    return new Vocabulary(
        "gpt2",
        pre.orElse(PreTokenizer.DEFAULT),
        table.tokens(),
        List.of(),
        merges,
        List.of(),
        notes);
  }

  /** Pairs of a SentencePiece model in tokenizer.json: the first merge has the best score. */
  private Vocabulary scoredPairs(TokenizerJson tokenizer) {
    Map<String, Float> ranks = new HashMap<>();
    for (Merge merge : tokenizer.merges()) {
      ranks.putIfAbsent(merge.left() + merge.right(), (float) -ranks.size());
    }
    TokenTable table = new TokenTable(files.label(JSON), size);
    tokenizer
        .texts()
        .forEach(
            (id, text) -> {
              Token.Type type = isByte(text) ? Token.Type.BYTE : Token.Type.NORMAL;
              table.put(id, new Token(text, type), ranks.getOrDefault(text, NEVER));
            });
    tokenizer.added().forEach(t -> table.add(t.id(), t.text(), t.special()));
    return new Vocabulary(
        "llama",
        PreTokenizer.DEFAULT,
        table.tokens(),
        table.scores(),
        List.of(),
        List.of(),
        List.of());
  }

  /** Whether a token is a byte: {@code <0x0A>}. */
  private static boolean isByte(String text) {
    return text.length() == 6
        && text.startsWith("<0x")
        && text.endsWith(">")
        && Character.digit(text.charAt(3), 16) >= 0
        && Character.digit(text.charAt(4), 16) >= 0;
  }

  private Vocabulary unigrams(TokenizerJson tokenizer) {
    TokenTable table = new TokenTable(files.label(JSON), size);
    tokenizer
        .texts()
        .forEach(
            (id, text) -> {
              boolean unknown = tokenizer.unknown().filter(id::equals).isPresent();
              Token.Type type =
                  unknown ? Token.Type.UNKNOWN : isByte(text) ? Token.Type.BYTE : Token.Type.NORMAL;
              table.put(id, new Token(text, type), tokenizer.scores().getOrDefault(id, 0f));
            });
    tokenizer.added().stream()
        .filter(t -> tokenizer.unknown().filter(id -> id == t.id()).isEmpty())
        .forEach(t -> table.add(t.id(), t.text(), t.special()));
    return new Vocabulary(
        "t5",
        PreTokenizer.DEFAULT,
        table.tokens(),
        table.scores(),
        List.of(),
        charsMap(tokenizer),
        List.of());
  }

  /** The compiled rules of normalization: one of the steps, or the only one. */
  private List<Value> charsMap(TokenizerJson tokenizer) {
    for (Obj step : tokenizer.normalizers()) {
      Optional<String> text = step.text("precompiled_charsmap");
      if (text.isPresent()) {
        try {
          byte[] bytes = Base64.getDecoder().decode(text.get());
          return List.of(Value.of(CHARS_MAP, ByteBuffer.wrap(bytes)));
        } catch (IllegalArgumentException e) {
          throw files.fault(JSON, "precompiled_charsmap is not Base64");
        }
      }
    }
    return List.of();
  }

  private Vocabulary wordPieces(TokenizerJson tokenizer) {
    TokenTable table = table(tokenizer);
    tokenizer.added().forEach(t -> table.add(t.id(), t.text(), t.special()));
    return wordPieces(table, LetterCase.of(tokenizer));
  }

  private Vocabulary words(String text) {
    TokenTable table = new TokenTable(files.label(WORDS), size);
    int id = 0;
    for (String line : text.split("\n", -1)) {
      String word = line.endsWith("\r") ? line.substring(0, line.length() - 1) : line;
      // An empty line has an id, but no text that it could match: its row stays unused.
      if (!word.isEmpty()) {
        Token.Type type = WORD_CONTROLS.contains(word) ? Token.Type.CONTROL : Token.Type.NORMAL;
        table.put(id, new Token(word, type), 0);
      }
      id++;
    }
    return wordPieces(table, LetterCase.of(config));
  }

  /** Marks the beginnings of words, where transformers marks what continues one. */
  private static Vocabulary wordPieces(TokenTable table, List<Value> letters) {
    List<Token> tokens = new ArrayList<>();
    for (Token token : table.tokens()) {
      String text = token.text();
      if (token.type() != Token.Type.CONTROL) {
        text = text.startsWith("##") ? text.substring(2) : SPACE + text;
      }
      tokens.add(new Token(text, token.type()));
    }
    return new Vocabulary(
        "bert", PreTokenizer.DEFAULT, tokens, List.of(), List.of(), letters, List.of());
  }
}
