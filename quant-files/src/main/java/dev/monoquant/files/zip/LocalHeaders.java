package dev.monoquant.files.zip;

import dev.monoquant.ModelFormatException;
import dev.monoquant.files.input.MappedFile;
import dev.monoquant.files.zip.CentralRecord.Zip64Field;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Finds the bytes of each entry by its local header, which must agree with the central directory;
 * entries must follow one another from the first byte to the central directory, with at most a data
 * descriptor in between. So every byte belongs to exactly one entry.
 */
final class LocalHeaders {

  private static final int SIGNATURE = 0x04034b50;
  private static final int FIXED_BYTES = 30;
  private static final int DESCRIPTOR_FLAG = 1 << 3;
  private static final int MAX_DESCRIPTOR_BYTES = 24;
  private static final long MAX32 = 0xffffffffL;

  private final MappedFile file;
  private final long directory;
  private final ZipFault fault;

  LocalHeaders(MappedFile file, long directory, ZipFault fault) {
    this.file = file;
    this.directory = directory;
    this.fault = fault;
  }

  /** {@return the entries in the order of their bytes} */
  List<ArchiveEntry> locate(List<CentralRecord> records) throws IOException {
    for (CentralRecord record : records) {
      if (record.header() > directory - FIXED_BYTES) {
        throw fault.structure(
            record.name(),
            "its header is said to be at byte " + record.header() + ", past the end");
      }
    }
    List<CentralRecord> sorted = new ArrayList<>(records);
    sorted.sort(Comparator.comparingLong(CentralRecord::header));
    List<ArchiveEntry> entries = new ArrayList<>(sorted.size());
    long end = 0;
    for (int i = 0; i < sorted.size(); i++) {
      CentralRecord record = sorted.get(i);
      requireNext(record.name(), record.header(), end, i == 0 ? 0 : MAX_DESCRIPTOR_BYTES);
      ArchiveEntry entry = locate(record);
      entries.add(entry);
      end = entry.start() + entry.storedSize();
    }
    if (directory - end > MAX_DESCRIPTOR_BYTES || (records.isEmpty() && directory != 0)) {
      throw fault.structure(
          "the entries end at byte " + end + ", the central directory begins at " + directory);
    }
    return entries;
  }

  private void requireNext(String name, long header, long end, int gap) {
    if (header < end || header - end > gap) {
      throw fault.structure(
          name,
          "its header is said to be at byte "
              + Long.toUnsignedString(header)
              + ", where "
              + (header < end ? "another entry lies" : "it leaves a hole")
              + "; it should be at "
              + end);
    }
  }

  private ArchiveEntry locate(CentralRecord record) throws IOException {
    ByteBuffer fixed = file.slice(record.header(), FIXED_BYTES);
    int nameBytes = Short.toUnsignedInt(fixed.getShort(26));
    int extraBytes = Short.toUnsignedInt(fixed.getShort(28));
    long start = record.header() + FIXED_BYTES + nameBytes + extraBytes;
    if (fixed.getInt(0) != SIGNATURE || start > directory) {
      throw fault.structure(record.name(), "there is no header of an entry where it should be");
    }
    if (record.storedSize() > directory - start) {
      throw fault.structure(
          record.name(),
          "has "
              + record.storedSize()
              + " bytes, only "
              + (directory - start)
              + " follow before the central directory");
    }
    ByteBuffer rest =
        file.slice(record.header() + FIXED_BYTES, nameBytes + extraBytes).order(fixed.order());
    requireAgreement(record, fixed, rest, nameBytes);
    return new ArchiveEntry(
        record.name(),
        record.size(),
        record.storedSize(),
        record.method() == CentralRecord.DEFLATED,
        record.crc(),
        start);
  }

  private void requireAgreement(
      CentralRecord record, ByteBuffer fixed, ByteBuffer rest, int nameBytes) {
    byte[] name = new byte[nameBytes];
    rest.get(name);
    if (!Arrays.equals(name, record.name().getBytes(StandardCharsets.UTF_8))) {
      throw disagree(record, "name");
    }
    if (Short.toUnsignedInt(fixed.getShort(8)) != record.method()) {
      throw disagree(record, "compression method");
    }
    // With a data descriptor, sizes and checksum may be 0 here.
    boolean later = (fixed.getShort(6) & DESCRIPTOR_FLAG) != 0;
    long crc = Integer.toUnsignedLong(fixed.getInt(14));
    if (crc != record.crc() && !(later && crc == 0)) {
      throw disagree(record, "checksum");
    }
    Zip64Field wide =
        Zip64Field.find(
            rest.slice(nameBytes, rest.limit() - nameBytes).order(fixed.order()),
            record.name(),
            fault);
    requireSize(record, Integer.toUnsignedLong(fixed.getInt(22)), record.size(), wide, later);
    requireSize(record, Integer.toUnsignedLong(fixed.getInt(18)), record.storedSize(), wide, later);
  }

  private void requireSize(
      CentralRecord record, long narrow, long expected, Zip64Field wide, boolean later) {
    if (later && narrow == MAX32 && wide.isEmpty()) {
      return;
    }
    long size = wide.next(narrow, MAX32);
    if (size != expected && !(later && size == 0)) {
      throw disagree(record, "size");
    }
  }

  private ModelFormatException disagree(CentralRecord record, String what) {
    return fault.structure(
        record.name(), "its own header and the central directory differ in its " + what);
  }
}
