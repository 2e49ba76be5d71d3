package dev.monoquant.files.manifest;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * Computes {@link HashKind#of} of bytes that come piece by piece, such as a header of 100 MB. Not
 * thread-safe.
 */
public final class RunningHash {

  private final HashKind kind;
  private final CRC32C crc = new CRC32C();
  private final Sha256 whole = new Sha256();
  private Sha256 piece = new Sha256();
  private long length;

  /**
   * Starts without any bytes.
   *
   * @param kind the kind of hash
   */
  public RunningHash(HashKind kind) {
    this.kind = kind;
  }

  /**
   * Adds the remaining bytes of a buffer, which is consumed.
   *
   * @param bytes the next bytes
   */
  public void add(ByteBuffer bytes) {
    switch (kind) {
      case NONE -> bytes.position(bytes.limit());
      case SHA256 -> whole.add(bytes);
      case CRC32C -> {
        length += bytes.remaining();
        crc.update(bytes);
      }
      case PIECES -> addPieces(bytes);
    }
  }

  private void addPieces(ByteBuffer bytes) {
    while (bytes.hasRemaining()) {
      int room = HashKind.PIECE - (int) (length % HashKind.PIECE);
      int now = Math.min(room, bytes.remaining());
      piece.add(bytes.slice(bytes.position(), now));
      bytes.position(bytes.position() + now);
      length += now;
      if (now == room) {
        endPiece();
      }
    }
  }

  private void endPiece() {
    whole.add(ByteBuffer.wrap(piece.bytes()));
    piece = new Sha256();
  }

  /** {@return the hash of all bytes; call it once} */
  public String hash() {
    return switch (kind) {
      case NONE -> "";
      case SHA256 -> whole.hex();
      case CRC32C -> HashKind.identity(length, crc.getValue());
      case PIECES -> {
        if (length % HashKind.PIECE != 0) {
          endPiece();
        }
        yield whole.hex();
      }
    };
  }
}
