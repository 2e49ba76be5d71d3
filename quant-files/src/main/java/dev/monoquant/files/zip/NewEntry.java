package dev.monoquant.files.zip;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.zip.CRC32;
import java.util.zip.Deflater;

/** An entry of an archive to be written. Its name and sizes are known, its bytes may be unknown. */
public final class NewEntry {

  private static final int LEVEL = 9;

  private final String name;
  private final long size;
  private final long storedSize;
  private final boolean deflated;
  private final byte[] stored;
  private final Optional<Long> crc;

  private NewEntry(String name, long size, long storedSize, boolean deflated, byte[] stored) {
    this(name, size, storedSize, deflated, stored, Optional.empty());
  }

  private NewEntry(
      String name,
      long size,
      long storedSize,
      boolean deflated,
      byte[] stored,
      Optional<Long> crc) {
    int length = name.getBytes(StandardCharsets.UTF_8).length;
    if (size < 0 || length == 0 || length > 0xffff) {
      throw new IllegalArgumentException(
          "an entry of " + size + " bytes with a name of " + length + ": 1 to 65535 are allowed");
    }
    this.name = name;
    this.size = size;
    this.storedSize = storedSize;
    this.deflated = deflated;
    this.stored = stored;
    this.crc = crc;
  }

  /**
   * {@return a stored entry that is written in parts}
   *
   * @param name its full name
   * @param size the size in bytes of its content
   */
  public static NewEntry later(String name, long size) {
    return new NewEntry(name, size, size, false, new byte[0]);
  }

  /**
   * {@return a stored entry}
   *
   * @param name its full name
   * @param content its bytes; not copied
   */
  public static NewEntry stored(String name, byte[] content) {
    return new NewEntry(name, content.length, content.length, false, content, crc(content));
  }

  /**
   * {@return a compressed entry}
   *
   * @param name its full name
   * @param content its bytes
   */
  public static NewEntry deflated(String name, byte[] content) {
    byte[] packed = deflate(content);
    return new NewEntry(name, content.length, packed.length, true, packed, crc(content));
  }

  private static Optional<Long> crc(byte[] content) {
    CRC32 crc = new CRC32();
    crc.update(content);
    return Optional.of(crc.getValue());
  }

  private static byte[] deflate(byte[] content) {
    Deflater deflater = new Deflater(LEVEL, true);
    try {
      deflater.setInput(content);
      deflater.finish();
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      byte[] block = new byte[1 << 13];
      while (!deflater.finished()) {
        out.write(block, 0, deflater.deflate(block));
      }
      return out.toByteArray();
    } finally {
      deflater.end();
    }
  }

  /** {@return its full name} */
  public String name() {
    return name;
  }

  /** {@return the size in bytes of its content} */
  public long size() {
    return size;
  }

  /** {@return its size in bytes in the archive} */
  public long storedSize() {
    return storedSize;
  }

  /** {@return whether it is compressed} */
  public boolean isDeflated() {
    return deflated;
  }

  /** {@return the CRC-32 of its content, if known} */
  Optional<Long> crc() {
    return crc;
  }

  /** {@return its bytes in the archive, if known; read only} */
  Optional<byte[]> bytes() {
    return crc.isPresent() ? Optional.of(stored) : Optional.empty();
  }

  @Override
  public String toString() {
    return name + " (" + size + " bytes)";
  }
}
