package dev.monoquant.files.testing;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Enumeration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * A plain writer of zip archives, independent of the one that is tested, which also tells where
 * each field of each header lies.
 */
public final class ZipText {

  /** A number in a header. */
  public record Field(String what, int at, int bytes) {}

  private final Map<String, byte[]> records = new LinkedHashMap<>();
  private final List<String> deflated = new ArrayList<>();
  private final List<Field> fields = new ArrayList<>();
  private boolean checksums = true;

  /** Takes over the records of an archive. */
  public static ZipText of(Path archive) throws IOException {
    ZipText text = new ZipText();
    try (ZipFile zip = new ZipFile(archive.toFile())) {
      for (Enumeration<? extends ZipEntry> e = zip.entries(); e.hasMoreElements(); ) {
        ZipEntry entry = e.nextElement();
        try (InputStream in = zip.getInputStream(entry)) {
          text.put(entry.getName(), in.readAllBytes());
        }
        if (entry.getMethod() == ZipEntry.DEFLATED) {
          text.deflate(entry.getName());
        }
      }
    }
    return text;
  }

  /** A checkpoint of that pickle and those storages, {@code archive/data/0} and so on. */
  public static ZipText checkpoint(byte[] pickle, byte[]... storages) {
    ZipText text = new ZipText();
    text.put("archive/data.pkl", pickle);
    text.put("archive/byteorder", "little".getBytes(StandardCharsets.US_ASCII));
    for (int i = 0; i < storages.length; i++) {
      text.put("archive/data/" + i, storages[i]);
    }
    text.put("archive/version", "3\n".getBytes(StandardCharsets.US_ASCII));
    return text;
  }

  public ZipText put(String name, byte[] bytes) {
    records.put(name, bytes);
    return this;
  }

  public ZipText deflate(String name) {
    deflated.add(name);
    return this;
  }

  /** All checksums are 0, as torch writes them when they are switched off. */
  public ZipText withoutChecksums() {
    checksums = false;
    return this;
  }

  public Map<String, byte[]> records() {
    return records;
  }

  /** Where the fields of the last archive lie. */
  public List<Field> fields() {
    return fields;
  }

  /** Writes local headers with sizes, the directory, and an end record without zip64. */
  public byte[] build() {
    fields.clear();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream directory = new ByteArrayOutputStream();
    List<Field> late = new ArrayList<>();
    records.forEach(
        (name, content) -> {
          byte[] stored = deflated.contains(name) ? deflate(content) : content;
          byte[] nameBytes = name.getBytes(StandardCharsets.UTF_8);
          int header = out.size();
          out.writeBytes(header(false, name, content, stored, 0));
          addFields(fields, "local " + name, header + 4, LOCAL);
          out.writeBytes(nameBytes);
          out.writeBytes(stored);
          int at = directory.size();
          directory.writeBytes(header(true, name, content, stored, header));
          directory.writeBytes(nameBytes);
          addFields(late, "central " + name, at + 4, CENTRAL);
        });
    int start = out.size();
    late.forEach(f -> fields.add(new Field(f.what(), f.at() + start, f.bytes())));
    out.writeBytes(directory.toByteArray());
    int end = out.size();
    ByteBuffer last = ByteBuffer.allocate(22).order(ByteOrder.LITTLE_ENDIAN);
    last.putInt(0x06054b50).putInt(0);
    last.putShort((short) records.size()).putShort((short) records.size());
    last.putInt(directory.size()).putInt(start).putShort((short) 0);
    out.writeBytes(last.array());
    addFields(fields, "end", end + 4, new int[] {2, 2, 2, 2, 4, 4, 2});
    return out.toByteArray();
  }

  private static final int[] LOCAL = {2, 2, 2, 2, 2, 4, 4, 4, 2, 2};
  private static final int[] CENTRAL = {2, 2, 2, 2, 2, 2, 4, 4, 4, 2, 2, 2, 2, 2, 4, 4};

  private static void addFields(List<Field> to, String what, int at, int[] widths) {
    int next = at;
    for (int width : widths) {
      to.add(new Field(what + " byte " + (next - at), next, width));
      next += width;
    }
  }

  /** A header without its name. */
  private byte[] header(boolean central, String name, byte[] content, byte[] stored, int at) {
    CRC32 crc = new CRC32();
    crc.update(content);
    byte[] bytes = new byte[central ? 46 : 30];
    ByteBuffer out = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    out.putInt(central ? 0x02014b50 : 0x04034b50).putShort((short) 20);
    if (central) {
      out.putShort((short) 20);
    }
    out.putShort((short) 0x800).putShort((short) (deflated.contains(name) ? 8 : 0));
    out.putInt(0).putInt(checksums ? (int) crc.getValue() : 0);
    out.putInt(stored.length).putInt(content.length);
    out.putShort((short) name.getBytes(StandardCharsets.UTF_8).length).putShort((short) 0);
    if (central) {
      out.putShort((short) 0).putShort((short) 0).putShort((short) 0).putInt(0).putInt(at);
    }
    return bytes;
  }

  private static byte[] deflate(byte[] content) {
    Deflater deflater = new Deflater(9, true);
    deflater.setInput(content);
    deflater.finish();
    byte[] out = new byte[content.length + 100];
    int length = deflater.deflate(out);
    deflater.end();
    return Arrays.copyOf(out, length);
  }
}
