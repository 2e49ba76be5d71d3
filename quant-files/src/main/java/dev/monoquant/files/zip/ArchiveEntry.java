package dev.monoquant.files.zip;

/**
 * An entry of an {@link Archive}.
 *
 * @param name its full name, checked to be a plain relative path
 * @param size the size in bytes of its content
 * @param storedSize its size in bytes in the archive; equal to {@code size} unless deflated
 * @param deflated whether it is compressed with DEFLATE; else it is stored
 * @param crc the recorded CRC-32 of its content, as an unsigned number
 * @param start the offset of its bytes in the file
 */
public record ArchiveEntry(
    String name, long size, long storedSize, boolean deflated, long crc, long start) {}
