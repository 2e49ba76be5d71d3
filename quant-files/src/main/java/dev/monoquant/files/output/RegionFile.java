package dev.monoquant.files.output;

import static dev.monoquant.QuantException.quote;
import static java.util.Objects.requireNonNull;

import dev.monoquant.files.manifest.HashPool;
import dev.monoquant.files.manifest.Manifest;
import dev.monoquant.files.output.FileLayout.Region;
import dev.monoquant.files.output.Journal.Hashed;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Writes a file that consists of regions at known offsets and bytes between them. Many threads
 * write parts of regions in any order; the checksums of a region are computed in the background as
 * soon as it is complete. The bytes between the regions are written at the end, when the checksums
 * are known.
 *
 * <p>Data is not kept in memory: each write leaves its position and checksum, which the final read
 * of every byte is compared with.
 *
 * @param <S> the checksums of a region
 */
public final class RegionFile<S> implements Closeable {

  /**
   * Computes the checksums of a byte range in the background, such as {@link HashPool#submit}.
   *
   * @param <S> the checksums
   */
  @FunctionalInterface
  public interface Summing<S> {
    /**
     * Starts the computation.
     *
     * @param pool the pool to run in
     * @param bytes the source of the bytes
     * @param from the offset of the first byte
     * @param length the number of bytes
     * @return the future checksums
     */
    Future<S> start(HashPool pool, HashPool.Bytes bytes, long from, long length);
  }

  /** A region while it is written. One object for all, as a file may have 300,000 regions. */
  private static final class State<S> {

    private final Region region;
    private final AtomicLong missing;
    private volatile @Nullable Future<S> sums;

    State(Region region, long missing) {
      this.region = region;
      this.missing = new AtomicLong(missing);
    }
  }

  private final StagedFile file;
  private final HashPool pool;
  private final Map<String, State<S>> regions = new HashMap<>();
  private final AtomicLong unwritten = new AtomicLong();
  private final Summing<S> summing;
  private final Optional<SharedOutput> shared;

  /** The regions that the units of a shared output wrote. */
  private final Map<String, Hashed> joined;

  /**
   * Starts the file.
   *
   * @param staging the staging of the output
   * @param name its name relative to the target; empty if the output is a file
   * @param size its size in bytes
   * @param regions its regions
   * @param summing computes the checksums of each region
   * @throws IOException if writing fails
   */
  public RegionFile(
      Staging staging, String name, long size, List<Region> regions, Summing<S> summing)
      throws IOException {
    this.summing = summing;
    this.file = staging.open(name, size);
    this.pool = staging.pool();
    this.shared = staging.shared();
    this.joined = shared.map(s -> s.joined(name)).orElse(Map.of());
    for (Region region : regions) {
      boolean written = isJoined(region);
      State<S> state = new State<>(region, written ? 0 : region.length());
      this.regions.put(region.name(), state);
      unwritten.addAndGet(written ? 0 : region.length());
      if (written) {
        file.adopt(region.start(), region.length());
      }
      if (written || region.length() == 0) {
        sum(state);
      }
    }
    shared.ifPresent(s -> s.add(name, this::storePart));
  }

  /** Whether a unit wrote a region. */
  private boolean isJoined(Region region) {
    Hashed unit = joined.get(region.name());
    return unit != null && unit.start() == region.start() && unit.bytes() == region.length();
  }

  /** Reads a complete region back and computes its checksums in the background. */
  private void sum(State<S> state) {
    Region region = state.region;
    state.sums = summing.start(pool, file::read, region.start(), region.length());
  }

  /** {@return the temporary path of the file} */
  public Path path() {
    return file.path();
  }

  /**
   * Writes a part of a region; thread-safe.
   *
   * @param name the name of a region
   * @param offset the first byte within the region
   * @param data the bytes; consumed
   * @return whether these were the last missing bytes of all regions; true for one call only
   * @throws IOException if writing fails
   */
  public boolean write(String name, long offset, ByteBuffer data) throws IOException {
    State<S> state = regions.get(name);
    Region region = state == null ? null : state.region;
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
    if (length > 0 && requireNonNull(state).missing.addAndGet(-length) == 0) {
      sum(state);
    }
    boolean last = length > 0 && unwritten.addAndGet(-length) == 0;
    return last && shared.filter(SharedOutput::isPart).isEmpty();
  }

  /**
   * Writes bytes between regions.
   *
   * @param position the offset in the file
   * @param bytes the bytes
   * @throws IOException if writing fails
   */
  public void writeBetween(long position, ByteBuffer bytes) throws IOException {
    file.write(position, bytes);
  }

  /**
   * Waits for the checksums of a region.
   *
   * @param name the name of a region
   * @return its checksums
   * @throws IOException if reading fails
   * @throws IllegalStateException if the region is not complete
   */
  public S sums(String name) throws IOException {
    State<S> state = regions.get(name);
    Future<S> known = state == null ? null : state.sums;
    if (known == null) {
      throw new IllegalStateException(
          file.path()
              + ": "
              + quote(name)
              + " was not written exactly once; every byte of every tensor must be");
    }
    S all = HashPool.await(known);
    Hashed unit = joined.get(name);
    if (unit != null) {
      shared.orElseThrow().requireSame(name, unit, String.valueOf(all));
    }
    return all;
  }

  /**
   * Flushes and closes the file after a unit, and reads what the unit wrote again.
   *
   * @return the regions that it wrote, with their hashes
   * @throws IllegalStateException if a region is not complete
   */
  private SortedMap<String, Hashed> storePart() throws IOException {
    SortedMap<String, Hashed> written = Manifest.sorted();
    for (State<S> state : regions.values()) {
      Region region = state.region;
      long left = state.missing.get();
      if (region.length() > 0 && left < region.length()) {
        String hash = String.valueOf(sums(region.name()));
        written.put(region.name(), new Hashed(region.start(), region.length(), hash));
      }
    }
    file.seal();
    file.auditPart();
    return written;
  }

  /** Starts a background flush of the written bytes, if the output is flushed at all. */
  public void flushSoon() {
    file.flushSoon();
  }

  /**
   * Flushes and closes the file, and reads every byte again.
   *
   * @throws IOException if that fails
   * @throws dev.monoquant.ValidationException if the file differs from what was written
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
