package dev.monoquant.files.manifest;

import dev.monoquant.spi.Hashing;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.Provenance;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * A kind of hash in a {@link Manifest}. Every kind is a text of a fixed length, so that the size of
 * a manifest is known before the hashes are.
 *
 * <p>{@link #PIECES} is a tree of one level, so that one big file is hashed on several threads and
 * pieces that are hashed in different places can be joined:
 *
 * <pre>
 *  bytes     | piece 0: 64 MiB | piece 1: 64 MiB | ... | piece n-1: the rest, at least 1 byte |
 *                    |                 |                          |
 *  SHA-256       32 bytes          32 bytes        ...        32 bytes
 *                    |_________________|______ ... _______________|
 *                                      |
 *  hash            SHA-256 of these 32 n bytes, in hexadecimal digits
 * </pre>
 *
 * <p>No bytes have no pieces: their hash is the SHA-256 of nothing.
 */
public enum HashKind {
  /** The SHA-256 of all bytes: manifests of version 1. */
  SHA256("sha256", "SHA-256", 64),
  /** The SHA-256 of the SHA-256 of each piece of {@value #PIECE} bytes. */
  PIECES("sha256-64MiB", "SHA-256 of pieces", 64),
  /** The number of bytes in 16 hexadecimal digits and their CRC32C in 8: no proof of origin. */
  CRC32C("crc32c", "size with CRC32C", 24),
  /** No hash. */
  NONE("none", "hash", 0);

  /** The bytes of a piece of {@link #PIECES}. */
  static final int PIECE = 64 << 20;

  private final String wire;
  private final String noun;
  private final int digits;

  HashKind(String wire, String noun, int digits) {
    this.wire = wire;
    this.noun = noun;
    this.digits = digits;
  }

  /**
   * {@return the kind of the hashes of inputs in the manifest of an output}
   *
   * @param contents the contents of the output
   */
  public static HashKind ofInputs(OutputContents contents) {
    return switch (hashing(contents)) {
      case NONE -> NONE;
      case OUTPUTS -> CRC32C;
      case ALL -> PIECES;
    };
  }

  /**
   * {@return the kind of the hashes of written bytes in the manifest of an output}
   *
   * @param contents the contents of the output
   */
  public static HashKind ofOutputs(OutputContents contents) {
    return hashing(contents) == Hashing.NONE ? NONE : PIECES;
  }

  private static Hashing hashing(OutputContents contents) {
    return contents.provenance().map(Provenance::hashing).orElse(Hashing.OUTPUTS);
  }

  /** {@return the stable word in manifests} */
  public String wire() {
    return wire;
  }

  /** {@return a noun phrase for messages, such as SHA-256} */
  public String noun() {
    return noun;
  }

  /** {@return a placeholder for a hash that is not yet known, of the same length} */
  public String unknown() {
    return "0".repeat(digits);
  }

  /**
   * {@return the kind}
   *
   * @param wire the word in manifests; empty for anything else
   */
  public static Optional<HashKind> parse(String wire) {
    return Arrays.stream(values()).filter(kind -> kind.wire.equals(wire)).findFirst();
  }

  /**
   * {@return the hash of some bytes}
   *
   * @param bytes the bytes
   */
  public String of(byte[] bytes) {
    return switch (this) {
      case NONE -> "";
      case SHA256 -> Sha256.of(bytes);
      case CRC32C -> {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        yield identity(bytes.length, crc.getValue());
      }
      case PIECES -> {
        Sha256 tree = new Sha256();
        for (int at = 0; at < bytes.length; at += PIECE) {
          int length = Math.min(PIECE, bytes.length - at);
          byte[] piece = new Sha256().add(ByteBuffer.wrap(bytes, at, length)).bytes();
          tree.add(ByteBuffer.wrap(piece));
        }
        yield tree.hex();
      }
    };
  }

  /** {@return a hash of the kind {@link #CRC32C}} */
  static String identity(long bytes, long crc) {
    return String.format(Locale.ROOT, "%016x%08x", bytes, crc);
  }
}
