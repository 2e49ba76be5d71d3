package dev.monoquant.files.zip;

/**
 * An entry of an {@link Archive}.
 *
 * @param name its full name, checked to be a plain relative path
 * @param size bytes of its content
 * @param storedSize bytes it takes in the archive; equal to {@code size} unless deflated
 * @param deflated whether it is compressed with DEFLATE; else it lies as it is
 * @param crc the CRC-32 that its content should have, as an unsigned number
 * @param start where its bytes begin in the file
 */
public record ArchiveEntry(
    String name, long size, long storedSize, boolean deflated, long crc, long start) {}
