package dev.monoquant.files.output;

import static dev.monoquant.QuantException.quote;
import static java.util.Objects.requireNonNull;

import dev.monoquant.files.manifest.HashPool;
import dev.monoquant.files.manifest.Manifest;
import dev.monoquant.files.output.FileLayout.Region;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One file in the making, as a {@link FileLayout} has it. Pieces of its regions are written by many
 * threads in any order; a region is hashed in the background as soon as its last byte is there. The
 * header is written last, so that half a file is never taken for a whole.
 *
 * <p>Nothing of the numbers stays in memory: for each piece its place and its checksum do, with
 * which every byte is read again in the end.
 */
public final class OutputFile implements Closeable {

  private final FileLayout layout;
  private final StagedFile file;
  private final HashPool pool;
  private final Map<String, Region> regions = new HashMap<>();
  private final Map<String, AtomicLong> missing = new HashMap<>();
  private final AtomicLong unwritten = new AtomicLong();
  private final Map<String, Future<String>> hashes = new ConcurrentHashMap<>();

  /**
   * Starts the file.
   *
   * @param staging where the file is made
   * @param name its name relative to the target; empty if the output is a file
   * @param layout what it will hold
   * @throws IOException if writing fails
   */
  public OutputFile(Staging staging, String name, FileLayout layout) throws IOException {
    this.layout = layout;
    this.file = staging.create(name, layout.fileBytes());
    this.pool = staging.pool();
    for (Region region : layout.regions()) {
      regions.put(region.name(), region);
      missing.put(region.name(), new AtomicLong(region.length()));
      unwritten.addAndGet(region.length());
      if (region.length() == 0) {
        hash(region);
      }
    }
  }

  /** What is complete is read back and hashed in the background, while others are in work. */
  private void hash(Region region) {
    hashes.put(region.name(), pool.submit(file::read, region.start(), region.length()));
  }

  /**
   * Writes a piece of a region; thread-safe.
   *
   * @param name the name of one of the layout's regions
   * @param offset first byte within the region
   * @param data the bytes; consumed
   * @return whether these were the last bytes missing in the whole file; true to one caller
   * @throws IOException if writing fails
   */
  public boolean write(String name, long offset, ByteBuffer data) throws IOException {
    Region region = regions.get(name);
    if (region == null || offset < 0 || offset > region.length() - data.remaining()) {
      throw new IllegalArgumentException(
          "bytes "
              + offset
              + " to "
              + (offset + data.remaining())
              + " of "
              + quote(name)
              + (region == null
                  ? ", which was not announced"
                  : ", which has " + region.length() + " bytes"));
    }
    int length = data.remaining();
    file.write(region.start() + offset, data);
    if (length > 0 && requireNonNull(missing.get(name)).addAndGet(-length) == 0) {
      hash(region);
    }
    return length > 0 && unwritten.addAndGet(-length) == 0;
  }

  /**
   * Waits for the SHA-256 of every region; what was written is flushed meanwhile.
   *
   * @return the hashes by name
   * @throws IOException if reading fails
   * @throws IllegalStateException if a region is not complete
   */
  public SortedMap<String, String> hashes() throws IOException {
    file.flushSoon();
    SortedMap<String, String> all = Manifest.sorted();
    for (Region region : layout.regions()) {
      Future<String> hash = hashes.get(region.name());
      if (hash == null) {
        throw new IllegalStateException(
            file.path()
                + ": "
                + quote(region.name())
                + " was not written exactly once; every byte of every tensor must be");
      }
      all.put(region.name(), HashPool.await(hash));
    }
    return all;
  }

  /**
   * Finishes with the header that was announced.
   *
   * @throws IOException if writing or reading fails
   * @throws dev.monoquant.ValidationException if what is read back is not what was written
   */
  public void finish() throws IOException {
    finish(layout);
  }

  /**
   * Writes the header, flushes and closes the file, reads every byte again and compares it with
   * what was written, and lets the layout {@link FileLayout#check} the file.
   *
   * @param complete the layout with the final header, such as one with hashes; it must be as long
   *     as that announced
   * @throws IOException if writing or reading fails
   * @throws dev.monoquant.ValidationException if what is read back is not what was written
   * @throws IllegalStateException if not every byte was written exactly once
   */
  public void finish(FileLayout complete) throws IOException {
    hashes();
    if (complete.headerBytes().length != layout.headerBytes().length) {
      throw new IllegalStateException(
          "the header has "
              + complete.headerBytes().length
              + " bytes, announced were "
              + layout.headerBytes().length);
    }
    file.write(0, ByteBuffer.wrap(complete.headerBytes()));
    file.seal();
    file.audit();
    complete.check(file.path());
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
