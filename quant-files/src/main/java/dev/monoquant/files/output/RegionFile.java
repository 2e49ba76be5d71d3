package dev.monoquant.files.output;

import static dev.monoquant.QuantException.quote;
import static java.util.Objects.requireNonNull;

import dev.monoquant.files.manifest.HashPool;
import dev.monoquant.files.output.FileLayout.Region;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A file in the making that consists of regions of known places and whatever lies between them.
 * Pieces of regions are written by many threads in any order; the checksums of a region are
 * computed in the background as soon as it is complete. What lies between is written at the end,
 * when they are known.
 *
 * <p>Nothing of the numbers stays in memory: for each piece its place and its checksum do, with
 * which every byte is read again in the end.
 *
 * @param <S> the checksums of a region
 */
public final class RegionFile<S> implements Closeable {

  /**
   * Computes the checksums of a run of bytes in the background, such as {@link HashPool#submit}.
   *
   * @param <S> the checksums
   */
  @FunctionalInterface
  public interface Summing<S> {
    /**
     * Starts to compute.
     *
     * @param pool the background
     * @param bytes where the bytes are
     * @param from the first of them
     * @param length how many
     * @return the checksums, in the future
     */
    Future<S> start(HashPool pool, HashPool.Bytes bytes, long from, long length);
  }

  private final StagedFile file;
  private final HashPool pool;
  private final Map<String, Region> regions = new HashMap<>();
  private final Map<String, AtomicLong> missing = new HashMap<>();
  private final AtomicLong unwritten = new AtomicLong();
  private final Summing<S> summing;
  private final Map<String, Future<S>> sums = new ConcurrentHashMap<>();

  /**
   * Starts the file.
   *
   * @param staging where the file is made
   * @param name its name relative to the target; empty if the output is a file
   * @param size bytes it will have
   * @param regions its regions
   * @param summing computes the checksums of each region
   * @throws IOException if writing fails
   */
  public RegionFile(
      Staging staging, String name, long size, List<Region> regions, Summing<S> summing)
      throws IOException {
    this.summing = summing;
    this.file = staging.create(name, size);
    this.pool = staging.pool();
    for (Region region : regions) {
      this.regions.put(region.name(), region);
      missing.put(region.name(), new AtomicLong(region.length()));
      unwritten.addAndGet(region.length());
      if (region.length() == 0) {
        sum(region);
      }
    }
  }

  /** What is complete is read back and summed in the background, while others are in work. */
  private void sum(Region region) {
    sums.put(region.name(), summing.start(pool, file::read, region.start(), region.length()));
  }

  /** {@return where the file is made} */
  public Path path() {
    return file.path();
  }

  /**
   * Writes a piece of a region; thread-safe.
   *
   * @param name one of the regions
   * @param offset first byte within it
   * @param data the bytes; consumed
   * @return whether these were the last bytes missing in all regions; true to one caller
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
      sum(region);
    }
    return length > 0 && unwritten.addAndGet(-length) == 0;
  }

  /**
   * Writes what is no region.
   *
   * @param position first byte in the file
   * @param bytes the bytes
   * @throws IOException if writing fails
   */
  public void writeBetween(long position, byte[] bytes) throws IOException {
    file.write(position, ByteBuffer.wrap(bytes));
  }

  /**
   * Waits for the checksums of a region.
   *
   * @param name one of the regions
   * @return its checksums
   * @throws IOException if reading fails
   * @throws IllegalStateException if it is not complete
   */
  public S sums(String name) throws IOException {
    Future<S> known = sums.get(name);
    if (known == null) {
      throw new IllegalStateException(
          file.path()
              + ": "
              + quote(name)
              + " was not written exactly once; every byte of every tensor must be");
    }
    return HashPool.await(known);
  }

  /** Lets the background flush what is there, if it is to be flushed at all. */
  public void flushSoon() {
    file.flushSoon();
  }

  /**
   * Flushes and closes the file, and reads every byte again.
   *
   * @throws IOException if that fails
   * @throws dev.monoquant.ValidationException if the file holds anything but what was written
   * @throws IllegalStateException if not every byte was written exactly once
   */
  public void seal() throws IOException {
    file.seal();
    file.audit();
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
