package dev.monoquant.io.tokenizer;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Tokens by their ids, as many as the embedding has rows; ids without a token are unused. */
final class TokenTable {

  /** Scores as llama.cpp's converters write them: of ids without a token, and of added tokens. */
  private static final float NO_TOKEN = -10000;

  private static final float ADDED = -1000;

  private final String file;
  private final List<Token> tokens = new ArrayList<>();
  private final float[] scores;
  private final String[] added;
  private final boolean literal;

  TokenTable(String file, int size) {
    this(file, size, false);
  }

  /**
   * @param file the file of the tokens, for messages
   * @param size the number of tokens
   * @param literal whether added tokens are taken as they are described; otherwise those that look
   *     special are, and the letter for a space becomes a space in others
   */
  TokenTable(String file, int size, boolean literal) {
    this.file = file;
    this.literal = literal;
    for (int id = 0; id < size; id++) {
      tokens.add(Token.unused(id));
    }
    this.scores = new float[size];
    this.added = new String[size];
    Arrays.fill(scores, NO_TOKEN);
  }

  int size() {
    return tokens.size();
  }

  /** Sets a token of the vocabulary. */
  void put(int id, Token token, float score) {
    requireRoom(id, token.text());
    tokens.set(id, token);
    scores[id] = score;
  }

  /**
   * Sets an added token; it replaces one of the vocabulary.
   *
   * @param id its id
   * @param text its text
   * @param special whether it controls and is no text
   */
  void add(int id, String text, boolean special) {
    boolean control = special || (!literal && looksSpecial(text));
    String shown = control || literal ? text : text.replace('\u2581', ' ');
    add(id, text, new Token(shown, control ? Token.Type.CONTROL : Token.Type.USER_DEFINED));
  }

  /**
   * Sets an added token of which only the text is known: it is taken as it stands.
   *
   * @param id its id
   * @param text its text
   */
  void addPlain(int id, String text) {
    add(id, text, new Token(text, Token.Type.USER_DEFINED));
  }

  private void add(int id, String text, Token token) {
    requireRoom(id, text);
    if (added[id] != null && !added[id].equals(text)) {
      throw new ModelFormatException(
          Reason.METADATA,
          file,
          "",
          "the added tokens "
              + quote(added[id])
              + " and "
              + quote(text)
              + " have the id "
              + id
              + ". The file is damaged; fetch it again.");
    }
    tokens.set(id, token);
    scores[id] = ADDED;
    added[id] = text;
  }

  /** Some models do not mark tokens as special that must not be text. */
  private static boolean looksSpecial(String text) {
    return text.equals("<pad>")
        || text.equals("<mask>")
        || text.equals("<2mass>")
        || text.equals("[@BOS@]")
        || (text.startsWith("<|") && text.endsWith("|>"))
        || (text.startsWith("<\uff5c") && text.endsWith("\uff5c>"))
        || (text.startsWith("<unused") && text.endsWith(">"));
  }

  List<Token> tokens() {
    return tokens;
  }

  List<Float> scores() {
    List<Float> all = new ArrayList<>();
    for (float score : scores) {
      all.add(score);
    }
    return all;
  }

  private void requireRoom(int id, String text) {
    if (id >= tokens.size()) {
      throw new ModelFormatException(
          Reason.METADATA,
          file,
          "",
          "the token "
              + quote(text)
              + " has the id "
              + id
              + ", and the embedding has "
              + tokens.size()
              + " rows. Model and tokenizer do not belong together; fetch both again.");
    }
  }
}
