package dev.monoquant;

/**
 * An input file is damaged, foreign, unsupported or over a limit.
 *
 * <p>The message has one shape: {@code <file>: <tensor or record>: <what is wrong, with both
 * numbers>. <what to do>}.
 */
public final class ModelFormatException extends QuantException {

  private static final long serialVersionUID = 1L;

  /** Why an input was refused; {@link #wire()} is the stable word for scripts. */
  public enum Reason {
    /** The file ends before what it promises. */
    TRUNCATED("truncated"),
    /** A header length that cannot be. */
    HEADER_SIZE("header-size"),
    /** A header that is not the UTF-8 text it should be. */
    HEADER_ENCODING("header-encoding"),
    /** A header that is not strict JSON of the expected form. */
    HEADER_JSON("header-json"),
    /** One name, two entries. */
    DUPLICATE_KEY("duplicate-key"),
    /** Data offsets with holes, overlaps or the wrong length. */
    OFFSETS("offsets"),
    /** Arithmetic on sizes leaves 64 bits. */
    OVERFLOW("overflow"),
    /** An element type that is not known. */
    DTYPE("dtype"),
    /** A shape that is no list of non-negative integers. */
    SHAPE("shape"),
    /** A tensor entry with missing, extra or mistyped fields. */
    ENTRY("entry"),
    /** Metadata that is no map from text to text. */
    METADATA("metadata"),
    /** Sub-byte elements that do not fill whole bytes. */
    SUB_BYTE("sub-byte"),
    /** Bytes after the end. */
    TRAILING_DATA("trailing-data"),
    /** A zip container that contradicts itself. */
    ZIP_STRUCTURE("zip-structure"),
    /** A zip entry whose checksum is wrong. */
    ZIP_CRC("zip-crc"),
    /** A zip entry compressed in a way that is not allowed there. */
    ZIP_COMPRESSED("zip-compressed"),
    /** Two zip entries of one name. */
    ZIP_DUPLICATE("zip-duplicate"),
    /** A record that must be there is not. */
    RECORD_MISSING("record-missing"),
    /** A record of the wrong size. */
    RECORD_SIZE("record-size"),
    /** A version that is not known. */
    VERSION("version"),
    /** A byte order that is not known. */
    BYTEORDER("byteorder"),
    /** A pickle names something that is not on the allow-list. */
    PICKLE_GLOBAL("pickle-global"),
    /** A pickle opcode that is not allowed. */
    PICKLE_OPCODE("pickle-opcode"),
    /** A pickle whose values do not form a checkpoint. */
    PICKLE_SHAPE("pickle-shape"),
    /** A pickle that ends too early. */
    PICKLE_TRUNCATED("pickle-truncated"),
    /** A tensor view outside its storage. */
    TENSOR_BOUNDS("tensor-bounds"),
    /** A limit was reached; the message names its setting. */
    LIMIT("limit"),
    /** A kind of tensor that cannot be read. */
    UNSUPPORTED_TENSOR("unsupported-tensor"),
    /** A shard name that leaves its directory or is no file name. */
    SHARD_PATH("shard-path"),
    /** A shard is not there. */
    SHARD_MISSING("shard-missing"),
    /** Index and shards disagree. */
    SHARD_MISMATCH("shard-mismatch"),
    /** The shard index is not the JSON it should be. */
    INDEX_JSON("index-json"),
    /** Shards without their index. */
    INDEX_MISSING("index-missing"),
    /** Two possible models in one place. */
    AMBIGUOUS_ROOT("ambiguous-root"),
    /** The file is something else. */
    NOT_THIS_FORMAT("not-this-format"),
    /** The file holds no tensors. */
    NO_TENSORS("no-tensors"),
    /** Weights that are NaN or infinite, under the policy that refuses them. */
    NON_FINITE("non-finite"),
    /** The file could not be read, or changed while it was read. */
    UNREADABLE("unreadable");

    private final String wire;

    Reason(String wire) {
      this.wire = wire;
    }

    /** {@return the stable lower-case word for this reason} */
    public String wire() {
      return wire;
    }
  }

  private final Reason reason;
  private final String file;

  /**
   * Makes an exception with a message.
   *
   * @param reason the kind of refusal
   * @param file the file or live object concerned, as the user named it
   * @param where the tensor or record concerned, already quoted where it needs to be; empty if none
   * @param detail what is wrong, with both numbers, and what to do
   */
  public ModelFormatException(Reason reason, String file, String where, String detail) {
    super(where.isEmpty() ? file + ": " + detail : file + ": " + where + ": " + detail);
    this.reason = reason;
    this.file = file;
  }

  /**
   * Makes an exception with a message.
   *
   * @param reason the kind of refusal
   * @param file the file or live object concerned, as the user named it
   * @param where the tensor or record concerned; empty if none
   * @param detail what is wrong, with both numbers, and what to do
   * @param cause what made it known
   */
  public ModelFormatException(
      Reason reason, String file, String where, String detail, Throwable cause) {
    this(reason, file, where, detail);
    initCause(cause);
  }

  /** {@return the kind of refusal} */
  public Reason reason() {
    return reason;
  }

  /** {@return the file or live object concerned, as the user named it} */
  public String file() {
    return file;
  }
}
