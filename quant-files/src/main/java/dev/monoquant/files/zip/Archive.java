package dev.monoquant.files.zip;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.input.MappedFile;
import dev.monoquant.spi.ReadLimits;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * An open zip archive of any size with a completely checked structure.
 *
 * <p>Accepts only archives that every reader reads in the same way: one end record at the end of
 * the file, unique names (also ignoring case), local headers that agree with the central directory,
 * entries that follow one another without holes. Reads stored and deflated entries. {@link
 * #content} and {@link #check} compare checksums, unless all checksums of the archive are 0, as
 * PyTorch writes them when they are switched off.
 *
 * <p>Thread-safe except {@link #close}. Does not extract files, and is independent of PyTorch.
 */
public final class Archive implements Closeable {

  private static final int CHUNK = 1 << 18;

  /** The offset of the checksum in a local header. */
  private static final int LOCAL_CRC = 14;

  private final ZipFault fault;
  private final MappedFile file;
  private final ReadLimits limits;
  private final Map<String, ArchiveEntry> entries = new LinkedHashMap<>();
  private final boolean checksums;
  private final Inflated inflated;
  private final ConcurrentHashMap<String, Check> checks = new ConcurrentHashMap<>();

  /** Whether an entry was checked; the lock makes other threads wait for a running check. */
  private static final class Check {
    boolean done;
  }

  private Archive(ZipFault fault, MappedFile file, ReadLimits limits, List<ArchiveEntry> entries) {
    this.fault = fault;
    this.file = file;
    this.limits = limits;
    entries.forEach(e -> this.entries.put(e.name(), e));
    this.checksums = entries.stream().anyMatch(e -> e.crc() != 0);
    this.inflated = new Inflated(file, fault, limits, checksums);
  }

  /**
   * Opens and checks an archive.
   *
   * @param path the file
   * @param label its name, for messages
   * @param limits bounds on sizes and counts read from untrusted input
   * @return the open archive; the caller closes it
   * @throws IOException if it cannot be read
   * @throws ModelFormatException if it is damaged, contradicts itself or exceeds a limit
   */
  public static Archive open(Path path, String label, ReadLimits limits) throws IOException {
    ZipFault fault = new ZipFault(label);
    MappedFile file = MappedFile.open(path);
    try {
      EndRecord end = EndRecord.find(file, fault);
      if (Long.compareUnsigned(end.entries(), limits.maxArchiveEntries()) > 0
          || end.size() > Integer.MAX_VALUE) {
        throw fault.limit(
            "the archive has "
                + Long.toUnsignedString(end.entries())
                + " entries in a directory of "
                + end.size()
                + " bytes, at most "
                + limits.maxArchiveEntries()
                + " entries are read (limit maxArchiveEntries).");
      }
      List<CentralRecord> records =
          CentralRecord.readAll(file.slice(end.start(), (int) end.size()), end.entries(), fault);
      return new Archive(
          fault, file, limits, new LocalHeaders(file, end.start(), fault).locate(records));
    } catch (IOException | RuntimeException | Error e) {
      file.close();
      throw e;
    }
  }

  /** {@return the file's name for messages} */
  public String label() {
    return fault.file();
  }

  /** {@return the entries in the order of their bytes} */
  public Collection<ArchiveEntry> entries() {
    return Collections.unmodifiableCollection(entries.values());
  }

  /**
   * {@return the entry, or empty}
   *
   * @param name its full name, case-sensitive
   */
  public Optional<ArchiveEntry> find(String name) {
    return Optional.ofNullable(entries.get(name));
  }

  /**
   * Returns a part of an entry. Does not compare the checksum of a stored entry; a deflated entry
   * is inflated as a whole when it is first read, into a temporary file, and checked.
   *
   * @param entry an entry of this archive
   * @param offset the first byte within the entry
   * @param length the number of bytes
   * @return a read-only little-endian view of the mapped file, or a copy
   * @throws IOException if the file cannot be mapped, or the temporary file cannot be written
   * @throws ModelFormatException if a deflated entry is damaged or over the limit
   */
  public ByteBuffer slice(ArchiveEntry entry, long offset, int length) throws IOException {
    if (offset < 0 || length < 0 || offset > entry.size() - length) {
      throw new IndexOutOfBoundsException(
          "bytes " + offset + " to " + (offset + length) + " of " + entry);
    }
    return entry.deflated()
        ? inflated.slice(entry, offset, length)
        : file.slice(entry.start() + offset, length);
  }

  /**
   * Compares the checksum of a stored entry; that of a deflated one is compared when it is read.
   * The first call reads the whole entry; concurrent calls wait for it.
   *
   * @param entry an entry of this archive
   * @throws IOException if the file cannot be mapped
   * @throws ModelFormatException if the checksum differs
   */
  public void check(ArchiveEntry entry) throws IOException {
    if (!checksums || entry.deflated()) {
      return;
    }
    Check check = checks.computeIfAbsent(entry.name(), n -> new Check());
    synchronized (check) {
      if (!check.done) {
        CRC32 crc = new CRC32();
        byte[] chunk = new byte[(int) Math.min(CHUNK, entry.size())];
        for (long at = 0; at < entry.size(); at += CHUNK) {
          int length = (int) Math.min(CHUNK, entry.size() - at);
          file.copy(entry.start() + at, chunk, length);
          crc.update(chunk, 0, length);
        }
        fault.requireChecksum(entry, crc);
        check.done = true;
      }
    }
  }

  /**
   * Returns all bytes of the file outside stored entries, in order: local headers, compressed
   * entries (different streams can have the same content), directory and end records.
   *
   * @param without entries whose checksum is set to 0 in the result
   * @return the bytes
   * @throws IOException if the file cannot be mapped
   */
  public byte[] frame(Collection<ArchiveEntry> without) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    long at = 0;
    for (ArchiveEntry entry : entries.values()) {
      byte[] header = bytes(at, entry.start());
      if (without.contains(entry) && header.length >= LOCAL_CRC + Integer.BYTES) {
        Arrays.fill(header, LOCAL_CRC, LOCAL_CRC + Integer.BYTES, (byte) 0);
      }
      out.writeBytes(header);
      at = entry.start() + entry.storedSize();
      if (entry.deflated()) {
        out.writeBytes(bytes(entry.start(), at));
      }
    }
    byte[] end = bytes(at, file.size());
    CentralRecord.clearChecksums(end, without);
    out.writeBytes(end);
    return out.toByteArray();
  }

  private byte[] bytes(long from, long to) throws IOException {
    byte[] out = new byte[Math.toIntExact(to - from)];
    file.slice(from, out.length).get(out);
    return out;
  }

  /**
   * Returns the whole content of an entry, inflated if it is compressed, and compares its checksum.
   *
   * @param entry an entry of this archive
   * @param limit the maximum number of bytes
   * @param setting the name of that limit
   * @return a read-only little-endian buffer
   * @throws IOException if the file cannot be mapped
   * @throws ModelFormatException if it is damaged or larger than the limit
   */
  public ByteBuffer content(ArchiveEntry entry, long limit, String setting) throws IOException {
    long most = Math.min(limit, entry.deflated() ? limits.maxInflatedBytes() : Integer.MAX_VALUE);
    if (entry.size() > most || entry.storedSize() > Integer.MAX_VALUE) {
      throw fault.of(
          Reason.LIMIT,
          entry.name(),
          "has "
              + entry.size()
              + " bytes, at most "
              + most
              + " are read (limit "
              + (most == limit ? setting : "maxInflatedBytes")
              + "). Raise the limit if the file can be trusted.");
    }
    if (!entry.deflated()) {
      check(entry);
      return slice(entry, 0, (int) entry.size());
    }
    byte[] out = inflate(entry);
    CRC32 crc = new CRC32();
    crc.update(out);
    if (checksums) {
      fault.requireChecksum(entry, crc);
    }
    return ByteBuffer.wrap(out).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  private byte[] inflate(ArchiveEntry entry) throws IOException {
    Inflater inflater = new Inflater(true);
    try {
      // DEFLATE expands a byte to at most 1032: refuse larger sizes before the allocation.
      if (entry.size() > entry.storedSize() * 1032 + 64) {
        throw fault.brokenStream(entry);
      }
      byte[] packed = new byte[(int) entry.storedSize()];
      file.copy(entry.start(), packed, packed.length);
      inflater.setInput(packed);
      byte[] out = new byte[(int) entry.size()];
      int filled = 0;
      while (filled < out.length) {
        int got = inflater.inflate(out, filled, out.length - filled);
        if (got == 0) {
          throw fault.brokenStream(entry);
        }
        filled += got;
      }
      // The stream must end exactly here.
      if (inflater.inflate(new byte[1]) != 0
          || !inflater.finished()
          || inflater.getRemaining() > 0) {
        throw fault.brokenStream(entry);
      }
      return out;
    } catch (DataFormatException e) {
      throw fault.brokenStream(entry);
    } finally {
      inflater.end();
    }
  }

  @Override
  public void close() throws IOException {
    try {
      inflated.close();
    } finally {
      file.close();
    }
  }

  /**
   * The location of the central directory, from the end record and, if there is one, the zip64 end
   * record.
   *
   * <p>The end record must end at the end of the file and the directory at the end record, with
   * only the zip64 records in between: a file in which another reader might find a different
   * directory is refused.
   *
   * @param entries the number of entries in the directory
   * @param start the offset of its first byte in the file
   * @param size its size in bytes
   */
  private record EndRecord(long entries, long start, long size) {

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
      // No overflow here: both are checked against the file size first.
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

    /** The record with its comment must end the file, and only one position may fit. */
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
}
