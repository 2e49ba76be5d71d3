package dev.monoquant.files.zip;

import dev.monoquant.files.input.MappedFile;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Where the central directory is, from the end record and, if there is one, the zip64 end record.
 *
 * <p>The end record must end at the end of the file and the directory at the end record, with
 * nothing in between but the zip64 records: what another reader might find elsewhere in the file is
 * refused.
 *
 * @param entries entries of the directory
 * @param start its first byte in the file
 * @param size its bytes
 */
record EndRecord(long entries, long start, long size) {

  private static final int END_SIGNATURE = 0x06054b50;
  private static final int END_BYTES = 22;
  private static final int MAX_COMMENT = 0xffff;
  private static final int LOCATOR_SIGNATURE = 0x07064b50;
  private static final int LOCATOR_BYTES = 20;
  private static final int END64_SIGNATURE = 0x06064b50;
  private static final int END64_BYTES = 56;
  private static final int MAX16 = 0xffff;
  private static final long MAX32 = 0xffffffffL;

  static EndRecord find(MappedFile file, ZipFault fault) throws IOException {
    long at = position(file, fault);
    ByteBuffer end = file.slice(at, END_BYTES);
    if (end.getShort(4) != 0 || end.getShort(6) != 0 || end.getShort(8) != end.getShort(10)) {
      throw fault.structure("the end record speaks of an archive in several files");
    }
    EndRecord record =
        new EndRecord(
            Short.toUnsignedInt(end.getShort(10)),
            Integer.toUnsignedLong(end.getInt(16)),
            Integer.toUnsignedLong(end.getInt(12)));
    long directoryEnd = at;
    if (at >= LOCATOR_BYTES) {
      ByteBuffer locator = file.slice(at - LOCATOR_BYTES, LOCATOR_BYTES);
      if (locator.getInt(0) == LOCATOR_SIGNATURE) {
        directoryEnd = locator.getLong(8);
        record = record.wide(file, fault, directoryEnd, at - LOCATOR_BYTES);
      }
    }
    // Unsigned overflow cannot hide here: both are checked against the file first.
    if (record.start < 0
        || record.size < 0
        || record.start > directoryEnd
        || record.size != directoryEnd - record.start) {
      throw fault.structure(
          "the central directory is said to have "
              + Long.toUnsignedString(record.size)
              + " bytes from "
              + Long.toUnsignedString(record.start)
              + " on, but it must end at "
              + directoryEnd);
    }
    return record;
  }

  /** The record must end the file with its comment, and only one place may fit. */
  private static long position(MappedFile file, ZipFault fault) throws IOException {
    int tailBytes = (int) Math.min(file.size(), END_BYTES + MAX_COMMENT);
    long tailStart = file.size() - tailBytes;
    ByteBuffer tail = file.slice(tailStart, tailBytes);
    long found = -1;
    for (int at = tailBytes - END_BYTES; at >= 0; at--) {
      if (tail.getInt(at) == END_SIGNATURE
          && Short.toUnsignedInt(tail.getShort(at + 20)) == tailBytes - END_BYTES - at) {
        if (found >= 0) {
          throw fault.structure("two end records fit, and they may tell of two archives");
        }
        found = tailStart + at;
      }
    }
    if (found < 0) {
      throw fault.structure(
          "no end record of a zip archive at the end of its " + file.size() + " bytes");
    }
    return found;
  }

  private EndRecord wide(MappedFile file, ZipFault fault, long at, long locator)
      throws IOException {
    if (at < 0 || at > locator - END64_BYTES) {
      throw fault.structure(
          "the zip64 end record is said to be at "
              + Long.toUnsignedString(at)
              + ", before "
              + locator
              + " there is no room for it");
    }
    ByteBuffer end = file.slice(at, END64_BYTES);
    long length = end.getLong(4);
    if (end.getInt(0) != END64_SIGNATURE || length != locator - at - 12) {
      throw fault.structure("the zip64 end record is not what its locator says");
    }
    if (end.getInt(16) != 0 || end.getInt(20) != 0 || end.getLong(24) != end.getLong(32)) {
      throw fault.structure("the zip64 end record speaks of an archive in several files");
    }
    EndRecord wide = new EndRecord(end.getLong(32), end.getLong(48), end.getLong(40));
    if (!agrees(entries, wide.entries, MAX16)
        || !agrees(start, wide.start, MAX32)
        || !agrees(size, wide.size, MAX32)) {
      throw fault.structure("the end record and the zip64 end record contradict each other");
    }
    return wide;
  }

  private static boolean agrees(long narrow, long wide, long saturated) {
    return narrow == saturated || narrow == wide;
  }
}
