package dev.monoquant.files.zip;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.input.MappedFile;
import dev.monoquant.spi.ReadLimits;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.ConcurrentHashMap;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import org.jspecify.annotations.Nullable;

/**
 * The contents of deflated entries that are read in parts: inflated one by one, when they are first
 * read, into a temporary file, in pieces of 1 MiB. The file has no name while it is in use (on
 * Windows it has one), so that nothing of it is left, however the process ends.
 *
 * <p>All of them together may have as many bytes as {@code maxInflatedBytes}, and 16 times the
 * bytes of the archive: numbers of models that are not all alike shrink by much less.
 *
 * <p>Thread-safe except {@link #close}.
 */
final class Inflated implements Closeable {

  private static final int RATIO = 16;
  private static final int PIECE = 1 << 20;

  /** Ranges from this length on are mapped, not copied. */
  private static final int MAPPED = 1 << 20;

  private final MappedFile archive;
  private final ZipFault fault;
  private final long limit;
  private final boolean checksums;
  private final ConcurrentHashMap<String, Place> places = new ConcurrentHashMap<>();
  private @Nullable FileChannel channel;
  private long end;

  /** The place of an entry; the lock makes other threads wait until it is inflated. */
  private static final class Place {
    private long start = -1;
  }

  /**
   * Creates an empty collection; the temporary file is made at the first use.
   *
   * @param archive the bytes of the archive
   * @param fault makes exceptions
   * @param limits bounds on sizes and counts read from untrusted input
   * @param checksums whether the archive has checksums
   */
  Inflated(MappedFile archive, ZipFault fault, ReadLimits limits, boolean checksums) {
    this.archive = archive;
    this.fault = fault;
    long byRatio = RATIO * archive.size();
    this.limit = Math.min(limits.maxInflatedBytes(), Long.MAX_VALUE - byRatio) + byRatio;
    this.checksums = checksums;
  }

  /**
   * Returns a part of a deflated entry.
   *
   * @param entry the entry
   * @param offset the first byte within its content; checked by the caller
   * @param length the number of bytes
   * @return a read-only little-endian buffer
   * @throws IOException if the file cannot be read, or the temporary file cannot be written
   * @throws ModelFormatException if the entry is damaged or over the limit
   */
  ByteBuffer slice(ArchiveEntry entry, long offset, int length) throws IOException {
    long start = place(entry) + offset;
    FileChannel from = channel();
    if (length >= MAPPED) {
      return from.map(MapMode.READ_ONLY, start, length).order(ByteOrder.LITTLE_ENDIAN);
    }
    ByteBuffer part = ByteBuffer.allocate(length);
    while (part.hasRemaining()) {
      if (from.read(part, start + part.position()) < 0) {
        throw new IOException(fault.file() + ": the temporary file of its contents was cut short");
      }
    }
    return part.flip().asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  private long place(ArchiveEntry entry) throws IOException {
    Place place = places.computeIfAbsent(entry.name(), name -> new Place());
    synchronized (place) {
      if (place.start < 0) {
        long start = reserve(entry);
        inflate(entry, start);
        place.start = start;
      }
      return place.start;
    }
  }

  private synchronized long reserve(ArchiveEntry entry) {
    // DEFLATE expands a byte to at most 1032.
    if ((entry.size() - 64) / 1032 > entry.storedSize()) {
      throw fault.brokenStream(entry);
    }
    if (entry.size() > limit - end) {
      throw fault.of(
          Reason.LIMIT,
          entry.name(),
          "has "
              + entry.size()
              + " bytes when it is inflated, "
              + end
              + " were inflated before it, and at most "
              + limit
              + " are: "
              + RATIO
              + " times the bytes of the file, and limit maxInflatedBytes. Raise the limit if the"
              + " file can be trusted.");
    }
    long start = end;
    end += entry.size();
    return start;
  }

  private synchronized FileChannel channel() throws IOException {
    if (channel == null) {
      try {
        Path file = Files.createTempFile("monoquant-inflated-", "");
        channel =
            FileChannel.open(
                file,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE,
                StandardOpenOption.DELETE_ON_CLOSE);
      } catch (IOException e) {
        throw noRoom(e);
      }
    }
    return channel;
  }

  private IOException noRoom(IOException e) {
    return new IOException(
        "its entries are compressed, and a temporary file for their contents could not be written: "
            + e.getMessage()
            + ". Make room in "
            + System.getProperty("java.io.tmpdir")
            + ", or set another folder: QUANT_OPTS=-Djava.io.tmpdir=FOLDER",
        e);
  }

  private void inflate(ArchiveEntry entry, long start) throws IOException {
    Inflater inflater = new Inflater(true);
    try {
      CRC32 crc = new CRC32();
      byte[] in = new byte[(int) Math.min(PIECE, entry.storedSize())];
      ByteBuffer out = ByteBuffer.allocate(PIECE);
      long read = 0;
      long written = 0;
      while (!inflater.finished()) {
        if (inflater.needsInput()) {
          int length = (int) Math.min(PIECE, entry.storedSize() - read);
          if (length == 0) {
            throw fault.brokenStream(entry);
          }
          archive.copy(entry.start() + read, in, length);
          inflater.setInput(in, 0, length);
          read += length;
        }
        out.clear();
        int got = inflater.inflate(out);
        if ((got == 0 && inflater.needsDictionary()) || got > entry.size() - written) {
          throw fault.brokenStream(entry);
        }
        crc.update(out.array(), 0, got);
        write(out.flip(), start + written);
        written += got;
      }
      if (written != entry.size() || inflater.getBytesRead() != entry.storedSize()) {
        throw fault.brokenStream(entry);
      }
      if (checksums) {
        fault.requireChecksum(entry, crc);
      }
    } catch (DataFormatException e) {
      throw fault.brokenStream(entry);
    } finally {
      inflater.end();
    }
  }

  private void write(ByteBuffer piece, long at) throws IOException {
    FileChannel to = channel();
    long start = at;
    try {
      while (piece.hasRemaining()) {
        start += to.write(piece, start);
      }
    } catch (ClosedByInterruptException e) {
      throw e;
    } catch (IOException e) {
      throw noRoom(e);
    }
  }

  @Override
  public synchronized void close() throws IOException {
    if (channel != null) {
      channel.close();
    }
  }
}
