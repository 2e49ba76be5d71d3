package dev.monoquant.files.manifest;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Computes one SHA-256. Not thread-safe. */
public final class Sha256 {

  private static final int PIECE = 1 << 20;

  private final MessageDigest digest;

  /** Makes a digest without any bytes. */
  public Sha256() {
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }

  /**
   * {@return the digest of some bytes in lower-case hexadecimal digits}
   *
   * @param bytes the bytes
   */
  public static String of(byte[] bytes) {
    return new Sha256().add(ByteBuffer.wrap(bytes)).hex();
  }

  /**
   * {@return the digest of the bytes of a file in lower-case hexadecimal digits}
   *
   * @param file the file
   * @throws IOException if it cannot be read
   */
  public static String of(Path file) throws IOException {
    Sha256 hash = new Sha256();
    ByteBuffer bytes = ByteBuffer.allocate(PIECE);
    try (FileChannel channel = FileChannel.open(file)) {
      while (channel.read(bytes) >= 0) {
        hash.add(bytes.flip());
        bytes.clear();
      }
    }
    return hash.hex();
  }

  /**
   * Adds the remaining bytes of a buffer, which is consumed.
   *
   * @param bytes the next bytes
   * @return this
   */
  public Sha256 add(ByteBuffer bytes) {
    digest.update(bytes);
    return this;
  }

  /** {@return the 64 digits in lower-case hexadecimal} No bytes can be added afterwards. */
  public String hex() {
    return HexFormat.of().formatHex(bytes());
  }

  /** {@return the 32 bytes} No bytes can be added afterwards. */
  byte[] bytes() {
    return digest.digest();
  }
}
