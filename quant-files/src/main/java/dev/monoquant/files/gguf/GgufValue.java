package dev.monoquant.files.gguf;

import java.util.Optional;

/**
 * A value of the metadata of a GGUF file. Arrays are checked but not read: the vocabularies of
 * models have hundreds of thousands of entries.
 *
 * @param type its type
 * @param text a number in decimal, {@code true} or {@code false}, or a text; for an array its count
 *     and type, such as {@code 32000 of string}
 * @param offset the first byte of the value in the file
 * @param bytes its bytes
 */
public record GgufValue(Type type, String text, long offset, long bytes) {

  /** The types of values, each with its number in files and its size in bytes. */
  public enum Type {
    /** 8 bits, unsigned. */
    UINT8(0, 1),
    /** 8 bits, signed. */
    INT8(1, 1),
    /** 16 bits, unsigned. */
    UINT16(2, 2),
    /** 16 bits, signed. */
    INT16(3, 2),
    /** 32 bits, unsigned. */
    UINT32(4, 4),
    /** 32 bits, signed. */
    INT32(5, 4),
    /** binary32. */
    FLOAT32(6, 4),
    /** A byte, 0 or 1. */
    BOOL(7, 1),
    /** The length in bytes, 64 bits, and text in UTF-8. */
    STRING(8, 0),
    /** The type of the items, 32 bits, their count, 64 bits, and the items. */
    ARRAY(9, 0),
    /** 64 bits, unsigned. */
    UINT64(10, 8),
    /** 64 bits, signed. */
    INT64(11, 8),
    /** binary64. */
    FLOAT64(12, 8);

    private final int id;
    private final int bytes;

    Type(int id, int bytes) {
      this.id = id;
      this.bytes = bytes;
    }

    /** {@return the number in files} */
    int id() {
      return id;
    }

    /** {@return the bytes of a value; 0 if they vary} */
    int bytes() {
      return bytes;
    }

    /** {@return the type; empty if the number is unknown} */
    static Optional<Type> of(int id) {
      for (Type type : values()) {
        if (type.id == id) {
          return Optional.of(type);
        }
      }
      return Optional.empty();
    }
  }
}
