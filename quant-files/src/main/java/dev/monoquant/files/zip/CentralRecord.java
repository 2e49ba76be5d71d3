package dev.monoquant.files.zip;

import dev.monoquant.ModelFormatException.Reason;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * One entry of the central directory.
 *
 * @param name the name
 * @param method 0 for stored, 8 for deflated
 * @param crc unsigned 32 bits
 * @param storedSize the size in bytes in the archive
 * @param size the size in bytes of the content
 * @param header the offset of its local header
 */
record CentralRecord(String name, int method, long crc, long storedSize, long size, long header) {

  static final int STORED = 0;
  static final int DEFLATED = 8;

  private static final int SIGNATURE = 0x02014b50;
  private static final int FIXED_BYTES = 46;
  private static final int ENCRYPTED_FLAGS = 1 | 1 << 6 | 1 << 13;
  private static final long MAX32 = 0xffffffffL;

  /**
   * Reads the whole directory.
   *
   * @param directory exactly its bytes
   * @param count the number of entries in the end record
   * @return the entries in order, with unique names
   */
  static List<CentralRecord> readAll(ByteBuffer directory, long count, ZipFault fault) {
    List<CentralRecord> records = new ArrayList<>((int) Math.min(count, 1 << 16));
    Map<String, String> seen = new HashMap<>();
    while (directory.hasRemaining()) {
      if (records.size() == count) {
        throw fault.structure(
            "the end record counts " + count + " entries, the central directory goes on");
      }
      CentralRecord record = read(directory, fault);
      String earlier = seen.putIfAbsent(record.name.toLowerCase(Locale.ROOT), record.name);
      if (earlier != null) {
        throw fault.of(
            Reason.ZIP_DUPLICATE,
            record.name,
            "is there twice"
                + (earlier.equals(record.name) ? "" : ", but for upper and lower case")
                + ", and readers differ in which one they take. Save the model again.");
      }
      records.add(record);
    }
    if (records.size() != count) {
      throw fault.structure(
          "the end record counts "
              + Long.toUnsignedString(count)
              + " entries, the central directory has "
              + records.size());
    }
    return records;
  }

  /**
   * Sets the checksums of some entries to 0.
   *
   * @param directory the bytes of a valid directory, with the records that follow it
   * @param entries the entries
   */
  static void clearChecksums(byte[] directory, Collection<ArchiveEntry> entries) {
    Set<String> names = new HashSet<>();
    entries.forEach(e -> names.add(e.name()));
    ByteBuffer in = ByteBuffer.wrap(directory).order(ByteOrder.LITTLE_ENDIAN);
    int at = 0;
    while (in.capacity() - at >= FIXED_BYTES && in.getInt(at) == SIGNATURE) {
      int nameBytes = Short.toUnsignedInt(in.getShort(at + 28));
      int rest =
          Short.toUnsignedInt(in.getShort(at + 30)) + Short.toUnsignedInt(in.getShort(at + 32));
      String name = new String(directory, at + FIXED_BYTES, nameBytes, StandardCharsets.UTF_8);
      if (names.contains(name)) {
        in.putInt(at + 16, 0);
      }
      at += FIXED_BYTES + nameBytes + rest;
    }
  }

  private static CentralRecord read(ByteBuffer in, ZipFault fault) {
    int at = in.position();
    if (in.remaining() < FIXED_BYTES || in.getInt(at) != SIGNATURE) {
      throw fault.structure("byte " + at + " of the central directory begins no entry");
    }
    int flags = Short.toUnsignedInt(in.getShort(at + 8));
    int method = Short.toUnsignedInt(in.getShort(at + 10));
    int nameBytes = Short.toUnsignedInt(in.getShort(at + 28));
    int extraBytes = Short.toUnsignedInt(in.getShort(at + 30));
    int commentBytes = Short.toUnsignedInt(in.getShort(at + 32));
    if (in.remaining() - FIXED_BYTES < nameBytes + extraBytes + commentBytes) {
      throw fault.structure(
          "the entry at byte " + at + " of the central directory is longer than the directory");
    }
    String name = name(in.slice(at + FIXED_BYTES, nameBytes), fault);
    if ((flags & ENCRYPTED_FLAGS) != 0) {
      throw fault.of(
          Reason.ZIP_STRUCTURE, name, "is encrypted. Decrypt the archive, or save the model anew.");
    }
    if (method != STORED && method != DEFLATED) {
      throw fault.of(
          Reason.ZIP_COMPRESSED,
          name,
          "is compressed with method "
              + method
              + "; only stored and deflated entries are read. Save the model again with"
              + " torch.save.");
    }
    Zip64Field wide =
        Zip64Field.find(
            in.slice(at + FIXED_BYTES + nameBytes, extraBytes).order(in.order()), name, fault);
    long size = wide.next(Integer.toUnsignedLong(in.getInt(at + 24)), MAX32);
    long storedSize = wide.next(Integer.toUnsignedLong(in.getInt(at + 20)), MAX32);
    long header = wide.next(Integer.toUnsignedLong(in.getInt(at + 42)), MAX32);
    if (in.getShort(at + 34) != 0) {
      throw fault.structure(name, "is said to be in another file of a split archive");
    }
    if (size < 0 || storedSize < 0 || header < 0 || (method == STORED && size != storedSize)) {
      throw fault.structure(
          name,
          "is said to have "
              + Long.toUnsignedString(size)
              + " bytes, "
              + Long.toUnsignedString(storedSize)
              + " of them in the archive from "
              + Long.toUnsignedString(header)
              + " on, which cannot be for an entry that is "
              + (method == STORED ? "not compressed" : "compressed"));
    }
    in.position(at + FIXED_BYTES + nameBytes + extraBytes + commentBytes);
    return new CentralRecord(
        name, method, Integer.toUnsignedLong(in.getInt(at + 16)), storedSize, size, header);
  }

  private static String name(ByteBuffer bytes, ZipFault fault) {
    String name;
    try {
      name = StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
    } catch (CharacterCodingException e) {
      throw fault.structure("the name of an entry is not UTF-8");
    }
    refuseOddName(name, fault);
    return name;
  }

  private static void refuseOddName(String name, ZipFault fault) {
    boolean odd =
        name.isEmpty()
            || name.startsWith("/")
            || name.indexOf('\\') >= 0
            || name.matches("[A-Za-z]:.*")
            || name.chars().anyMatch(Character::isISOControl);
    String path = name.endsWith("/") ? name.substring(0, name.length() - 1) : name;
    for (String part : path.split("/", -1)) {
      odd |= part.isEmpty() || part.equals(".") || part.equals("..");
    }
    if (odd) {
      throw fault.of(
          Reason.ZIP_STRUCTURE,
          name,
          "is no plain relative path, so the archive was not made by PyTorch. Do not trust it;"
              + " fetch the model from its source.");
    }
  }

  /**
   * The extra field with the 64-bit values of an entry: it has, in a fixed order, the values whose
   * usual field is saturated.
   */
  static final class Zip64Field {

    private static final int ID = 1;

    private final ByteBuffer values;
    private final String name;
    private final ZipFault fault;

    private Zip64Field(ByteBuffer values, String name, ZipFault fault) {
      this.values = values;
      this.name = name;
      this.fault = fault;
    }

    /**
     * Finds the field among the extra fields of an entry.
     *
     * @param extra all extra fields, little-endian
     * @param name the entry, for messages
     * @return the field; without values if it is absent
     */
    static Zip64Field find(ByteBuffer extra, String name, ZipFault fault) {
      ByteBuffer found = null;
      while (extra.remaining() >= 4) {
        int id = Short.toUnsignedInt(extra.getShort());
        int length = Short.toUnsignedInt(extra.getShort());
        if (length > extra.remaining()) {
          throw fault.structure(name, "has an extra field that is longer than its header says");
        }
        if (id == ID) {
          if (found != null) {
            throw fault.structure(name, "has two zip64 fields");
          }
          found = extra.slice(extra.position(), length).order(extra.order());
        }
        extra.position(extra.position() + length);
      }
      return new Zip64Field(found == null ? extra.slice(0, 0) : found, name, fault);
    }

    /** {@return whether there are no more values} */
    boolean isEmpty() {
      return !values.hasRemaining();
    }

    /**
     * {@return the value itself, or the next one of this field if it is saturated}
     *
     * @param narrow the value of the usual field
     * @param saturated its value if the actual value is in this field
     */
    long next(long narrow, long saturated) {
      if (narrow != saturated) {
        return narrow;
      }
      if (values.remaining() < 8) {
        throw fault.structure(name, "has a zip64 field with too few values, or none");
      }
      return values.getLong();
    }
  }
}
