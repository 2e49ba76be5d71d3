package dev.monoquant.files.zip;

import static java.util.Objects.requireNonNull;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The layout of an archive to be written, determined before its contents. Immutable.
 *
 * <p>The bytes: the entries in order, each a local header followed directly by its content; the
 * central directory; the end records. All entries have the time stamp 1980-01-01 00:00:00, UTF-8
 * names (flag 0x800), no attributes and no comments, and their sizes and CRC-32 in the local
 * header, so that nothing follows the content. The content of a stored entry begins at a multiple
 * of 64: an extra field with the id "FB" filled with {@code Z} pads the local header, as in
 * PyTorch. A zip64 field and zip64 end records are written only if a size, a position or the number
 * of entries exceeds its usual field; local header and directory decide this independently.
 *
 * <p>Sources: APPNOTE 6.3.10 of PKWARE; {@code caffe2/serialize/inline_container.cc} of torch 2.13.
 */
public final class ArchiveLayout {

  /** The alignment in bytes of the content of stored entries. */
  public static final int ALIGNMENT = 64;

  private static final int LOCAL_SIGNATURE = 0x04034b50;
  private static final int LOCAL_BYTES = 30;
  private static final int CENTRAL_SIGNATURE = 0x02014b50;
  private static final int CENTRAL_BYTES = 46;
  private static final int END_SIGNATURE = 0x06054b50;
  private static final int END_BYTES = 22;
  private static final int END64_SIGNATURE = 0x06064b50;
  private static final int END64_BYTES = 56;
  private static final int LOCATOR_SIGNATURE = 0x07064b50;
  private static final int LOCATOR_BYTES = 20;

  private static final int FIELD_HEADER = 4;
  private static final short ZIP64_ID = 1;
  private static final short PADDING_ID = 0x4246;
  private static final int PLAIN_VERSION = 20;
  private static final int ZIP64_VERSION = 45;
  private static final int UTF8_FLAG = 0x800;
  private static final int FIRST_OF_1980 = 1 << 5 | 1;
  private static final long MAX32 = 0xffffffffL;
  private static final int MAX16 = 0xffff;

  /**
   * An entry and its position.
   *
   * @param entry the entry
   * @param header the offset of its local header
   * @param start the offset of its content
   */
  public record Placed(NewEntry entry, long header, long start) {

    private boolean wide() {
      return entry.size() >= MAX32 || entry.storedSize() >= MAX32;
    }
  }

  private final Map<String, Placed> entries = new LinkedHashMap<>();
  private final long directory;

  /**
   * Makes the layout of some entries.
   *
   * @param entries the entries in the order of their bytes
   * @throws IllegalArgumentException if two names are equal, ignoring case
   */
  public ArchiveLayout(List<NewEntry> entries) {
    List<String> lower = new ArrayList<>();
    long at = 0;
    for (NewEntry entry : entries) {
      Placed measured = new Placed(entry, at, at);
      long start = at + LOCAL_BYTES + name(entry).length + extra(measured).length;
      this.entries.put(entry.name(), new Placed(entry, at, start));
      lower.add(entry.name().toLowerCase(Locale.ROOT));
      at = Math.addExact(start, entry.storedSize());
    }
    if (lower.stream().distinct().count() != lower.size()) {
      throw new IllegalArgumentException("two entries of one name: " + lower);
    }
    this.directory = at;
  }

  /** {@return the entries with their positions, in order} */
  public List<Placed> entries() {
    return List.copyOf(entries.values());
  }

  /**
   * {@return an entry with its position}
   *
   * @param name the name of one of the entries
   */
  public Placed entry(String name) {
    return requireNonNull(entries.get(name), name);
  }

  /** {@return the size in bytes of the archive} */
  public long fileBytes() {
    return directory + directoryBytes() + (isWide() ? END64_BYTES + LOCATOR_BYTES : 0) + END_BYTES;
  }

  /** {@return the offset of the central directory} */
  public long directory() {
    return directory;
  }

  private long directoryBytes() {
    long bytes = 0;
    for (Placed placed : entries.values()) {
      bytes += CENTRAL_BYTES + name(placed.entry()).length + centralExtra(placed).length;
    }
    return bytes;
  }

  private boolean isWide() {
    return entries.size() >= MAX16 || directory >= MAX32 || directoryBytes() >= MAX32;
  }

  private static byte[] name(NewEntry entry) {
    return entry.name().getBytes(StandardCharsets.UTF_8);
  }

  private static ByteBuffer little(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** The extra fields of a local header. */
  private static byte[] extra(Placed placed) {
    NewEntry entry = placed.entry();
    int wide = placed.wide() ? FIELD_HEADER + 2 * Long.BYTES : 0;
    int padding = 0;
    if (!entry.isDeflated()) {
      long unpadded = placed.header() + LOCAL_BYTES + name(entry).length + wide + FIELD_HEADER;
      padding = FIELD_HEADER + (int) Math.floorMod(-unpadded, (long) ALIGNMENT);
    }
    byte[] fields = new byte[wide + padding];
    ByteBuffer out = little(fields);
    if (wide > 0) {
      out.putShort(ZIP64_ID).putShort((short) (2 * Long.BYTES));
      out.putLong(entry.size()).putLong(entry.storedSize());
    }
    if (padding > 0) {
      out.putShort(PADDING_ID).putShort((short) (padding - FIELD_HEADER));
      Arrays.fill(fields, out.position(), fields.length, (byte) 'Z');
    }
    return fields;
  }

  /**
   * The zip64 field of a directory entry: the values that do not fit, in the order size, stored
   * size, position.
   */
  private static byte[] centralExtra(Placed placed) {
    List<Long> values = new ArrayList<>();
    if (placed.wide()) {
      values.add(placed.entry().size());
      values.add(placed.entry().storedSize());
    }
    if (placed.header() >= MAX32) {
      values.add(placed.header());
    }
    if (values.isEmpty()) {
      return new byte[0];
    }
    byte[] field = new byte[FIELD_HEADER + values.size() * Long.BYTES];
    ByteBuffer out = little(field);
    out.putShort(ZIP64_ID).putShort((short) (values.size() * Long.BYTES));
    values.forEach(out::putLong);
    return field;
  }

  private static int saturated(long value, boolean elsewhere) {
    return (int) (elsewhere ? MAX32 : value);
  }

  /**
   * Writes the fields that local headers and directory entries share, beginning with the version
   * needed.
   */
  private static void common(ByteBuffer out, Placed placed, boolean wide, long crc, int extra) {
    NewEntry entry = placed.entry();
    out.putShort((short) (wide ? ZIP64_VERSION : PLAIN_VERSION)).putShort((short) UTF8_FLAG);
    out.putShort((short) (entry.isDeflated() ? CentralRecord.DEFLATED : CentralRecord.STORED));
    out.putShort((short) 0).putShort((short) FIRST_OF_1980).putInt((int) crc);
    out.putInt(saturated(entry.storedSize(), placed.wide()));
    out.putInt(saturated(entry.size(), placed.wide()));
    out.putShort((short) name(entry).length).putShort((short) extra);
  }

  /**
   * The local header of an entry, up to its content.
   *
   * @param placed one of {@link #entries()}
   * @param crc the CRC-32 of its content
   * @return the bytes to write at {@link Placed#header()}
   */
  public byte[] localHeader(Placed placed, long crc) {
    byte[] extra = extra(placed);
    byte[] header = new byte[(int) (placed.start() - placed.header())];
    ByteBuffer out = little(header);
    out.putInt(LOCAL_SIGNATURE);
    common(out, placed, placed.wide(), crc, extra.length);
    out.put(name(placed.entry())).put(extra);
    return header;
  }

  /**
   * The central directory and the end records.
   *
   * @param crcs the CRC-32 of every entry by its name
   * @return the bytes to write at {@link #directory()}
   */
  public byte[] end(Map<String, Long> crcs) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (Placed placed : entries.values()) {
      byte[] extra = centralExtra(placed);
      boolean far = placed.header() >= MAX32;
      byte[] fixed = new byte[CENTRAL_BYTES];
      ByteBuffer record = little(fixed);
      record.putInt(CENTRAL_SIGNATURE).putShort((short) PLAIN_VERSION);
      long crc = requireNonNull(crcs.get(placed.entry().name()));
      common(record, placed, placed.wide() || far, crc, extra.length);
      record.putShort((short) 0).putShort((short) 0).putShort((short) 0).putInt(0);
      record.putInt(saturated(placed.header(), far));
      out.writeBytes(fixed);
      out.writeBytes(name(placed.entry()));
      out.writeBytes(extra);
    }
    long size = out.size();
    if (isWide()) {
      out.writeBytes(wideEnd(size));
    }
    boolean many = entries.size() >= MAX16;
    short count = (short) (many ? MAX16 : entries.size());
    byte[] end = new byte[END_BYTES];
    ByteBuffer last = little(end);
    last.putInt(END_SIGNATURE).putInt(0).putShort(count).putShort(count);
    last.putInt(saturated(size, size >= MAX32));
    last.putInt(saturated(directory, directory >= MAX32)).putShort((short) 0);
    out.writeBytes(end);
    return out.toByteArray();
  }

  private byte[] wideEnd(long size) {
    byte[] end = new byte[END64_BYTES + LOCATOR_BYTES];
    ByteBuffer out = little(end);
    out.putInt(END64_SIGNATURE).putLong(END64_BYTES - 12L);
    out.putShort((short) ZIP64_VERSION).putShort((short) ZIP64_VERSION).putInt(0).putInt(0);
    out.putLong(entries.size()).putLong(entries.size()).putLong(size).putLong(directory);
    out.putInt(LOCATOR_SIGNATURE).putInt(0).putLong(directory + size).putInt(1);
    return end;
  }
}
