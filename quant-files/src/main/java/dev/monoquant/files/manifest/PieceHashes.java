package dev.monoquant.files.manifest;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.Future;

/**
 * The hashes of consecutive pieces of a file, which are computed in different places and joined to
 * the hash of the file.
 *
 * <pre>
 *  file      | piece 0: 64 MiB | piece 1: 64 MiB | ... | the rest, at least 1 byte |
 *  unit 0      hash 0            hash 1
 *  unit 1                                          ...   hash n-1
 *  joined      the hash of the file, of the kind {@link HashKind#CRC32C} or {@link HashKind#PIECES}
 * </pre>
 */
public final class PieceHashes {

  private final Path file;
  private final Stamp before;
  private final List<Future<String>> hashes = new ArrayList<>();

  /**
   * Starts to hash pieces in the background.
   *
   * @param pool the threads that hash
   * @param kind the kind of hash of the whole file
   * @param file the file
   * @param first the first piece
   * @param count the number of pieces; those beyond the end of the file are left out
   * @throws IOException if the size of the file is unknown
   */
  public PieceHashes(HashPool pool, HashKind kind, Path file, long first, long count)
      throws IOException {
    this.file = file;
    this.before = Stamp.of(file);
    long last = Math.min(first + count, count(before.size()));
    for (long piece = first; piece < last; piece++) {
      long from = piece * HashKind.PIECE;
      hashes.add(
          pool.submit(ofPiece(kind), file, from, Math.min(HashKind.PIECE, before.size() - from)));
    }
  }

  /**
   * {@return the number of pieces of a file}
   *
   * @param size its bytes
   */
  public static long count(long size) {
    return (size + HashKind.PIECE - 1) / HashKind.PIECE;
  }

  private static HashKind ofPiece(HashKind kind) {
    return switch (kind) {
      case PIECES -> HashKind.SHA256;
      case CRC32C -> HashKind.CRC32C;
      case SHA256, NONE ->
          throw new IllegalArgumentException("hashes of kind " + kind + " cannot be joined");
    };
  }

  /**
   * Waits for the hashes.
   *
   * @return the hash of each piece
   * @throws IOException if reading fails
   * @throws dev.monoquant.ModelFormatException if the file changed since the start
   */
  public List<String> await() throws IOException {
    List<String> all = new ArrayList<>();
    for (Future<String> hash : hashes) {
      all.add(HashPool.await(hash));
    }
    before.requireSame(file);
    return all;
  }

  /**
   * {@return the hash of a whole file}
   *
   * @param kind its kind
   * @param pieces the hashes of all of its pieces
   * @param size its bytes
   * @throws IllegalArgumentException if the pieces are not of this kind, or not as many
   */
  public static String join(HashKind kind, List<String> pieces, long size) {
    if (pieces.size() != count(size)
        || pieces.stream().anyMatch(p -> p.length() != ofPiece(kind).unknown().length())) {
      throw new IllegalArgumentException(
          pieces.size() + " hashes are not those of the pieces of " + size + " bytes");
    }
    if (kind == HashKind.PIECES) {
      Sha256 tree = new Sha256();
      pieces.forEach(hex -> tree.add(ByteBuffer.wrap(HexFormat.of().parseHex(hex))));
      return tree.hex();
    }
    long crc = 0;
    for (int i = 0; i < pieces.size(); i++) {
      long length = Math.min(HashKind.PIECE, size - (long) i * HashKind.PIECE);
      long own = Long.parseLong(pieces.get(i).substring(16), 16);
      crc = CrcCombination.ofCrc32c(crc, own, length);
    }
    return HashKind.identity(size, crc);
  }
}
