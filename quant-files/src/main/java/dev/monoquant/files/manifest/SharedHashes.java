package dev.monoquant.files.manifest;

import java.io.Closeable;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;

/**
 * The hashes of input files, computed once for all outputs of a run. A capability of a {@link
 * dev.monoquant.spi.ModelSource}: {@link InputHashes} of an output of such a source take their
 * hashes from it. Thread-safe.
 */
public final class SharedHashes implements Closeable {

  private record Version(HashKind kind, Path file, long size, long modified) {}

  private final HashPool pool = new HashPool();
  private final Map<Version, Future<String>> hashes = new ConcurrentHashMap<>();

  /** Has no hashes yet. */
  public SharedHashes() {}

  /**
   * {@return the future hash of a file; its computation starts with the first call}
   *
   * @param kind the kind of hash
   * @param file the file
   * @param size its bytes
   * @param modified when it was modified: a file that changed meanwhile is hashed again
   */
  Future<String> hash(HashKind kind, Path file, long size, long modified) {
    return hashes.computeIfAbsent(
        new Version(kind, file, size, modified), version -> pool.submit(kind, file, size));
  }

  /** Cancels unfinished hashes. */
  @Override
  public void close() {
    pool.close();
  }
}
