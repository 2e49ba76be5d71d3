package dev.monoquant.files.zip;

import static java.util.Objects.requireNonNull;

import dev.monoquant.ValidationException;
import dev.monoquant.files.manifest.HashPool;
import dev.monoquant.files.output.FileLayout.Region;
import dev.monoquant.files.output.RegionFile;
import dev.monoquant.files.output.Staging;
import dev.monoquant.spi.ReadLimits;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes an archive with a given {@link ArchiveLayout}. Many threads write parts of its entries in
 * any order; headers and directory are written last, when the checksums are known, so that no
 * reader accepts an incomplete archive. The same entries give the same bytes, except that different
 * builds of zlib may compress text differently.
 */
public final class ArchiveWriter implements Closeable {

  private final ArchiveLayout layout;
  private final RegionFile<HashPool.Sums> file;

  /**
   * Starts the archive, and writes the entries whose bytes are known.
   *
   * @param staging the staging of the output
   * @param name its name relative to the target; empty if the output is a file
   * @param layout the layout of the archive
   * @throws IOException if writing fails
   */
  public ArchiveWriter(Staging staging, String name, ArchiveLayout layout) throws IOException {
    this.layout = layout;
    List<Region> regions = new ArrayList<>();
    for (ArchiveLayout.Placed placed : layout.entries()) {
      regions.add(new Region(placed.entry().name(), placed.start(), placed.entry().storedSize()));
    }
    this.file =
        new RegionFile<>(
            staging,
            name,
            layout.fileBytes(),
            regions,
            (pool, bytes, from, length) ->
                pool.submitSums(staging.hashKind(), bytes, from, length));
    try {
      for (ArchiveLayout.Placed placed : layout.entries()) {
        if (placed.entry().bytes().isPresent()) {
          write(placed.entry().name(), 0, ByteBuffer.wrap(placed.entry().bytes().get()));
        }
      }
    } catch (IOException | RuntimeException | Error e) {
      file.close();
      throw e;
    }
  }

  /**
   * Writes a part of an entry made by {@link NewEntry#later}; thread-safe.
   *
   * @param name the name of the entry
   * @param offset the first byte within its content
   * @param data the bytes; consumed
   * @throws IOException if writing fails
   */
  public void write(String name, long offset, ByteBuffer data) throws IOException {
    file.write(name, offset, data);
  }

  /**
   * Waits for the checksums of an entry's bytes in the archive; those of a compressed entry cover
   * the compressed bytes.
   *
   * @param name the name of a complete entry
   * @return its checksums
   * @throws IOException if reading fails
   * @throws IllegalStateException if the entry is not complete
   */
  public HashPool.Sums sums(String name) throws IOException {
    return file.sums(name);
  }

  /** Starts a background flush of the written bytes, if the output is flushed at all. */
  public void flushSoon() {
    file.flushSoon();
  }

  /** {@return the temporary path of the archive} */
  public Path path() {
    return file.path();
  }

  /**
   * Returns all bytes of the archive outside stored entries, in order: the local headers, the
   * compressed entries, the directory and the end records.
   *
   * @param crcs the CRC-32 of the content of entries by name; the computed CRC-32 applies to all
   *     others
   * @return the bytes
   * @throws IOException if reading fails
   * @throws IllegalStateException if an entry is not complete
   */
  public byte[] frame(Map<String, Long> crcs) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    Map<String, Long> all = new HashMap<>(crcs);
    for (ArchiveLayout.Placed placed : layout.entries()) {
      String name = placed.entry().name();
      if (!all.containsKey(name)) {
        all.put(name, crc(placed));
      }
      out.writeBytes(layout.localHeader(placed, requireNonNull(all.get(name))));
      if (placed.entry().isDeflated()) {
        placed.entry().bytes().ifPresent(out::writeBytes);
      }
    }
    out.writeBytes(layout.end(all));
    return out.toByteArray();
  }

  private long crc(ArchiveLayout.Placed placed) throws IOException {
    return placed.entry().crc().isPresent()
        ? placed.entry().crc().get()
        : file.sums(placed.entry().name()).crc32();
  }

  /**
   * Writes headers and directory, flushes and closes the file, reads every byte again, and opens
   * the file with {@link Archive}.
   *
   * @throws IOException if writing or reading fails
   * @throws ValidationException if the bytes read back differ from those written
   * @throws IllegalStateException if not every byte was written exactly once
   */
  public void finish() throws IOException {
    Map<String, Long> crcs = new HashMap<>();
    for (ArchiveLayout.Placed placed : layout.entries()) {
      long crc = crc(placed);
      crcs.put(placed.entry().name(), crc);
      file.writeBetween(placed.header(), ByteBuffer.wrap(layout.localHeader(placed, crc)));
    }
    file.writeBetween(layout.directory(), ByteBuffer.wrap(layout.end(crcs)));
    file.seal();
    ReadLimits all =
        ReadLimits.DEFAULT
            .withMaxArchiveEntries(Integer.MAX_VALUE)
            .withMaxInflatedBytes(Long.MAX_VALUE);
    try (Archive read = Archive.open(file.path(), file.path().toString(), all)) {
      List<ArchiveEntry> expected = new ArrayList<>();
      for (ArchiveLayout.Placed placed : layout.entries()) {
        NewEntry entry = placed.entry();
        expected.add(
            new ArchiveEntry(
                entry.name(),
                entry.size(),
                entry.storedSize(),
                entry.isDeflated(),
                requireNonNull(crcs.get(entry.name())),
                placed.start()));
      }
      if (!List.copyOf(read.entries()).equals(expected)) {
        throw new ValidationException(
            file.path() + ": the entries read back are not those that were written.");
      }
    }
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
