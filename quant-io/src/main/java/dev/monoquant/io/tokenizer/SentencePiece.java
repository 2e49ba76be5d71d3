package dev.monoquant.io.tokenizer;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.input.ParseBudget;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A {@code tokenizer.model}: the protocol buffer {@code ModelProto} of SentencePiece. Fields that
 * are not needed are skipped.
 *
 * <pre>
 * ModelProto       1 pieces (repeated)   2 trainer_spec   3 normalizer_spec
 * SentencePiece    1 piece (text)        2 score (float)  3 type (number, 1 if absent)
 * TrainerSpec      3 model_type (1 unigram, 2 pairs, 3 words, 4 characters; 1 if absent)
 * NormalizerSpec   2 precompiled_charsmap (bytes)  3 add_dummy_prefix  4 remove_extra_whitespaces
 * </pre>
 *
 * <p>Source: {@code sentencepiece_model.proto} of SentencePiece 0.2.
 *
 * @param pieces the pieces in the order of their ids
 * @param unigram whether the algorithm is unigram; otherwise pairs by scores
 * @param charsMap the compiled rules of normalization, not a copy; empty if there are none
 * @param spacePrefix whether a space is put before a text
 * @param removesSpaces whether repeated spaces become one
 */
record SentencePiece(
    List<Piece> pieces,
    boolean unigram,
    ByteBuffer charsMap,
    boolean spacePrefix,
    boolean removesSpaces) {

  /**
   * A piece.
   *
   * @param text its text
   * @param score its score
   * @param type its type
   */
  record Piece(String text, float score, Token.Type type) {}

  private static final int UNIGRAM = 1;
  private static final int PAIRS = 2;

  /** Estimated bytes of a piece without its text. */
  private static final int PIECE = 112;

  /**
   * Reads a model.
   *
   * @param bytes the file
   * @param file its name, for messages
   * @param maxParsedBytes memory that the pieces may take, see {@link ParseBudget}
   * @return the model
   * @throws ModelFormatException if it is damaged, or its algorithm is not known to ggml
   */
  static SentencePiece parse(ByteBuffer bytes, String file, long maxParsedBytes) {
    return new Parser(file, new ParseBudget(file, maxParsedBytes)).model(bytes);
  }

  /** Reads messages; each value is within the one around it. */
  private static final class Parser {

    private static final int VARINT = 0;
    private static final int FIXED64 = 1;
    private static final int BYTES = 2;
    private static final int FIXED32 = 5;
    private static final int MAX_VARINT = 10;

    private final String file;
    private final ParseBudget budget;
    private final List<Piece> pieces = new ArrayList<>();
    private long algorithm = UNIGRAM;
    private ByteBuffer charsMap = ByteBuffer.allocate(0);
    private boolean spacePrefix = true;
    private boolean removesSpaces = true;

    Parser(String file, ParseBudget budget) {
      this.file = file;
      this.budget = budget;
    }

    SentencePiece model(ByteBuffer bytes) {
      ByteBuffer in = bytes.slice().order(ByteOrder.LITTLE_ENDIAN);
      while (in.hasRemaining()) {
        long tag = varint(in);
        if (tag == tag(1, BYTES)) {
          pieces.add(piece(bytes(in)));
        } else if (tag == tag(2, BYTES)) {
          trainer(bytes(in));
        } else if (tag == tag(3, BYTES)) {
          normalizer(bytes(in));
        } else {
          skip(in, tag);
        }
      }
      if (pieces.isEmpty()) {
        throw fault("it has no pieces");
      }
      if (algorithm != UNIGRAM && algorithm != PAIRS) {
        throw fault(
            "its algorithm has the number "
                + algorithm
                + "; 1 (unigram) and 2 (byte pairs) are known to ggml");
      }
      return new SentencePiece(
          List.copyOf(pieces), algorithm == UNIGRAM, charsMap, spacePrefix, removesSpaces);
    }

    private Piece piece(ByteBuffer in) {
      budget.charge(PIECE);
      String text = "";
      float score = 0;
      Token.Type type = Token.Type.NORMAL;
      while (in.hasRemaining()) {
        long tag = varint(in);
        if (tag == tag(1, BYTES)) {
          text = text(bytes(in));
        } else if (tag == tag(2, FIXED32)) {
          require(in, Float.BYTES);
          score = in.getFloat();
        } else if (tag == tag(3, VARINT)) {
          type = type(varint(in));
        } else {
          skip(in, tag);
        }
      }
      if (!Float.isFinite(score)) {
        throw fault("the score of piece " + quote(text) + " is " + score);
      }
      return new Piece(text, score, type);
    }

    private Token.Type type(long id) {
      for (Token.Type type : Token.Type.values()) {
        if (type.id() == id) {
          // ggml knows tokens of users by other files; in this one they are like all others.
          return type == Token.Type.USER_DEFINED ? Token.Type.NORMAL : type;
        }
      }
      throw fault("piece " + pieces.size() + " is of type " + id + "; 1 to 6 are known");
    }

    private void trainer(ByteBuffer in) {
      while (in.hasRemaining()) {
        long tag = varint(in);
        if (tag == tag(3, VARINT)) {
          algorithm = varint(in);
        } else {
          skip(in, tag);
        }
      }
    }

    private void normalizer(ByteBuffer in) {
      while (in.hasRemaining()) {
        long tag = varint(in);
        if (tag == tag(2, BYTES)) {
          charsMap = bytes(in);
        } else if (tag == tag(3, VARINT)) {
          spacePrefix = varint(in) != 0;
        } else if (tag == tag(4, VARINT)) {
          removesSpaces = varint(in) != 0;
        } else {
          skip(in, tag);
        }
      }
    }

    private static long tag(int field, int wire) {
      return (long) field << 3 | wire;
    }

    private void skip(ByteBuffer in, long tag) {
      switch ((int) (tag & 7)) {
        case VARINT -> varint(in);
        case FIXED64 -> skip(in, Long.BYTES);
        case BYTES -> bytes(in);
        case FIXED32 -> skip(in, Integer.BYTES);
        default -> throw fault("it has a field of wire type " + (tag & 7));
      }
    }

    private void skip(ByteBuffer in, int bytes) {
      require(in, bytes);
      in.position(in.position() + bytes);
    }

    private ByteBuffer bytes(ByteBuffer in) {
      long length = varint(in);
      if (length < 0 || length > in.remaining()) {
        throw fault(
            "a field has "
                + Long.toUnsignedString(length)
                + " bytes, and "
                + in.remaining()
                + " are left");
      }
      ByteBuffer field = in.slice(in.position(), (int) length).order(ByteOrder.LITTLE_ENDIAN);
      in.position(in.position() + (int) length);
      return field;
    }

    private String text(ByteBuffer bytes) {
      budget.charge(2L * bytes.remaining());
      try {
        return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
      } catch (CharacterCodingException e) {
        throw fault("piece " + pieces.size() + " is not UTF-8");
      }
    }

    private long varint(ByteBuffer in) {
      long value = 0;
      for (int i = 0; i < MAX_VARINT; i++) {
        require(in, 1);
        byte next = in.get();
        value |= (long) (next & 0x7F) << (7 * i);
        if (next >= 0) {
          return value;
        }
      }
      throw fault("a number has more than 10 bytes");
    }

    private void require(ByteBuffer in, int bytes) {
      if (in.remaining() < bytes) {
        throw fault("it ends within a field");
      }
    }

    private ModelFormatException fault(String detail) {
      return new ModelFormatException(
          Reason.METADATA,
          file,
          "",
          "it is no model of SentencePiece: " + detail + ". The file is damaged; fetch it again.");
    }
  }
}
