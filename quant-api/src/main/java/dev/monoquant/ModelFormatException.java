package dev.monoquant;

/**
 * An input file is damaged, foreign, unsupported or over a limit.
 *
 * <p>The message has one shape: {@code <file>: <tensor or record>: <what is wrong, with both
 * numbers>. <what to do>}.
 */
public final class ModelFormatException extends QuantException {

  private static final long serialVersionUID = 1L;

  /** The reason for refusing an input; {@link #wire()} is the stable word for scripts. */
  public enum Reason {
    /** The file is shorter than its header or index declares. */
    TRUNCATED("truncated"),
    /** The declared header length is impossible. */
    HEADER_SIZE("header-size"),
    /** The header is not valid UTF-8. */
    HEADER_ENCODING("header-encoding"),
    /** The header is not strict JSON of the expected form. */
    HEADER_JSON("header-json"),
    /** Two entries have the same name. */
    DUPLICATE_KEY("duplicate-key"),
    /** The data offsets have gaps, overlaps or the wrong length. */
    OFFSETS("offsets"),
    /** A size does not fit in 64 bits. */
    OVERFLOW("overflow"),
    /** The element type is unknown. */
    DTYPE("dtype"),
    /** The shape is not a list of non-negative integers. */
    SHAPE("shape"),
    /** A tensor entry has missing, extra or mistyped fields. */
    ENTRY("entry"),
    /** The metadata is not a map from strings to strings. */
    METADATA("metadata"),
    /** Elements smaller than a byte do not fill whole bytes. */
    SUB_BYTE("sub-byte"),
    /** The file has bytes after its declared end. */
    TRAILING_DATA("trailing-data"),
    /** The structures of the zip archive contradict each other. */
    ZIP_STRUCTURE("zip-structure"),
    /** The checksum of a zip entry is wrong. */
    ZIP_CRC("zip-crc"),
    /** A zip entry uses a compression that is not allowed for it. */
    ZIP_COMPRESSED("zip-compressed"),
    /** Two zip entries have the same name. */
    ZIP_DUPLICATE("zip-duplicate"),
    /** A required record is missing. */
    RECORD_MISSING("record-missing"),
    /** A record has the wrong size. */
    RECORD_SIZE("record-size"),
    /** The format version is unknown. */
    VERSION("version"),
    /** The byte order is unknown. */
    BYTEORDER("byteorder"),
    /** A pickle names a global that is not on the allow-list. */
    PICKLE_GLOBAL("pickle-global"),
    /** A pickle contains an opcode that is not allowed. */
    PICKLE_OPCODE("pickle-opcode"),
    /** The values of a pickle do not form a checkpoint. */
    PICKLE_SHAPE("pickle-shape"),
    /** A pickle ends too early. */
    PICKLE_TRUNCATED("pickle-truncated"),
    /** A tensor view exceeds its storage. */
    TENSOR_BOUNDS("tensor-bounds"),
    /** The input exceeds a limit; the message names the setting. */
    LIMIT("limit"),
    /** The kind of tensor cannot be read. */
    UNSUPPORTED_TENSOR("unsupported-tensor"),
    /** A shard name is not a file name or points outside the model directory. */
    SHARD_PATH("shard-path"),
    /** A shard file is missing. */
    SHARD_MISSING("shard-missing"),
    /** The index and the shards disagree. */
    SHARD_MISMATCH("shard-mismatch"),
    /** The shard index is not valid JSON of the expected form. */
    INDEX_JSON("index-json"),
    /** There are shards but no index. */
    INDEX_MISSING("index-missing"),
    /** The directory holds two possible models. */
    AMBIGUOUS_ROOT("ambiguous-root"),
    /** The file has a different format. */
    NOT_THIS_FORMAT("not-this-format"),
    /** The file holds no tensors. */
    NO_TENSORS("no-tensors"),
    /** A weight contains NaN or infinities and {@link NonFinitePolicy#FAIL} applies. */
    NON_FINITE("non-finite"),
    /** The code of a model is not known to do nothing but compute, and was not run. */
    UNTRUSTED_CODE("untrusted-code"),
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
   * @param where the tensor or record concerned, already quoted if necessary; empty if none
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
   * @param cause the underlying exception
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
