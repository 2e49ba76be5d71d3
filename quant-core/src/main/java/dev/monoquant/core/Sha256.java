package dev.monoquant.core;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** A SHA-256 in the making. Not thread-safe. */
final class Sha256 {

  private final MessageDigest digest;

  Sha256() {
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }

  /** Adds what remains in a buffer, which is consumed. */
  Sha256 add(ByteBuffer bytes) {
    digest.update(bytes);
    return this;
  }

  /** The digits in lower-case hexadecimal; a new one is needed afterwards. */
  String hex() {
    return HexFormat.of().formatHex(digest.digest());
  }
}
