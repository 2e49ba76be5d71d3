package dev.monoquant.files.manifest;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32;
import java.util.zip.Checksum;
import org.jspecify.annotations.Nullable;

/**
 * Computes SHA-256 in the background, while a model is written or read. Thread-safe but for {@link
 * #close}.
 *
 * <p>One hash is one chain of blocks, so only different tensors and files run side by side: 1 to 2
 * GB/s a thread where the processor has instructions for it.
 */
public final class HashPool implements Closeable {

  /** What a hash that is not known yet looks like; as long as one. */
  public static final String UNKNOWN = "0".repeat(64);

  /**
   * The checksums of a run of bytes.
   *
   * @param sha256 64 lower-case hexadecimal digits
   * @param crc32 an unsigned number of 32 bits
   */
  public record Sums(String sha256, long crc32) {

    /**
     * {@return the checksums of some bytes}
     *
     * @param bytes the bytes
     */
    public static Sums of(byte[] bytes) {
      CRC32 crc = new CRC32();
      crc.update(bytes);
      return new Sums(Sha256.of(bytes), crc.getValue());
    }
  }

  /** Reads like a file at a position. */
  @FunctionalInterface
  public interface Bytes {
    /**
     * Fills a buffer; like {@code FileChannel.read}.
     *
     * @param to what to fill, as far as there are bytes
     * @param position the first byte
     * @return bytes read, or -1 if there are none at that position
     * @throws IOException if reading fails
     */
    int read(ByteBuffer to, long position) throws IOException;
  }

  /** More threads would wait for memory. */
  private static final int MOST_THREADS = 8;

  /**
   * A block and the JDK's direct copy of it stay in the second-level cache until they are hashed:
   * measured 1.0 s/GB, and 1.5 s/GB with 256 KiB.
   */
  private static final int BLOCK = 64 << 10;

  /** Direct, so that reading copies once; the digest then takes it in pieces of 4 KiB. */
  private final ThreadLocal<ByteBuffer> blocks =
      ThreadLocal.withInitial(() -> ByteBuffer.allocateDirect(BLOCK));

  private final ExecutorService pool;
  private volatile boolean cancelled;

  /** Starts no thread until something is to be hashed. */
  public HashPool() {
    this.pool =
        Executors.newFixedThreadPool(
            Math.min(MOST_THREADS, Runtime.getRuntime().availableProcessors()),
            task -> {
              Thread thread = new Thread(task, "quant-hash");
              thread.setDaemon(true);
              return thread;
            });
  }

  /**
   * Starts to hash a run of bytes.
   *
   * @param bytes where they are
   * @param from the first of them
   * @param length how many
   * @return the SHA-256 in lower-case hexadecimal digits, in the future
   */
  public Future<String> submit(Bytes bytes, long from, long length) {
    return pool.submit(() -> hash(bytes, from, length));
  }

  /**
   * Starts to hash a file, which is opened when its turn comes.
   *
   * @param file the file
   * @param length how many of its bytes, from the first on
   * @return as above
   */
  public Future<String> submit(Path file, long length) {
    return pool.submit(
        () -> {
          try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return hash(channel::read, 0, length);
          }
        });
  }

  /**
   * Starts to compute both checksums of a run of bytes.
   *
   * @param bytes where they are
   * @param from the first of them
   * @param length how many
   * @return the checksums, in the future
   */
  public Future<Sums> submitSums(Bytes bytes, long from, long length) {
    return pool.submit(
        () -> {
          CRC32 crc = new CRC32();
          String hash = hash(bytes, from, length, crc);
          return new Sums(hash, crc.getValue());
        });
  }

  private String hash(Bytes bytes, long from, long length) throws IOException {
    return hash(bytes, from, length, null);
  }

  private String hash(Bytes bytes, long from, long length, @Nullable Checksum also)
      throws IOException {
    Sha256 digest = new Sha256();
    ByteBuffer block = blocks.get();
    for (long done = 0; done < length; done += block.limit()) {
      if (cancelled) {
        throw new CancellationException();
      }
      block.clear().limit((int) Math.min(block.capacity(), length - done));
      while (block.hasRemaining()) {
        if (bytes.read(block, from + done + block.position()) < 0) {
          throw new IOException("the file ends at byte " + (from + done + block.position()));
        }
      }
      digest.add(block.flip());
      if (also != null) {
        also.update(block.rewind());
      }
    }
    return digest.hex();
  }

  /**
   * Waits for a result.
   *
   * @param hash what {@link #submit} returned, or another task of the background
   * @return the digits, or what the task returned
   * @param <T> what the task returns
   * @throws IOException if reading failed
   * @throws CancellationException if this thread was interrupted, its flag set again
   */
  public static <T> T await(Future<T> hash) throws IOException {
    try {
      return hash.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted; no output was made");
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException io) {
        throw io;
      }
      if (e.getCause() instanceof RuntimeException bug) {
        throw bug;
      }
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw new IllegalStateException(e.getCause());
    }
  }

  /** Gives up what is not done yet and ends the threads. */
  @Override
  public void close() {
    cancelled = true;
    pool.shutdown();
    boolean interrupted = Thread.interrupted();
    try {
      // One block each; a bound only in case a disk hangs.
      pool.awaitTermination(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      interrupted = true;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
