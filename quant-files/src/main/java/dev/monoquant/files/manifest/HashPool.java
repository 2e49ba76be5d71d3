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
 * Computes SHA-256 in the background, while a model is written or read. Thread-safe except {@link
 * #close}.
 *
 * <p>A hash is computed sequentially, so only different tensors and files run in parallel: 1 to 2
 * GB/s per thread if the processor has SHA instructions.
 */
public final class HashPool implements Closeable {

  /** A placeholder for a hash that is not yet known, of the same length. */
  public static final String UNKNOWN = "0".repeat(64);

  /**
   * The checksums of a byte range.
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

  /** A source of bytes that is read at a position, such as a file. */
  @FunctionalInterface
  public interface Bytes {
    /**
     * Fills a buffer; like {@code FileChannel.read}.
     *
     * @param to the buffer, filled as far as there are bytes
     * @param position the offset of the first byte
     * @return the number of bytes read, or -1 if there are none at that position
     * @throws IOException if reading fails
     */
    int read(ByteBuffer to, long position) throws IOException;
  }

  /** More threads would be limited by memory bandwidth. */
  private static final int MOST_THREADS = 8;

  /**
   * A block and the JDK's direct copy of it stay in the second-level cache until they are hashed:
   * measured 1.0 s/GB, and 1.5 s/GB with 256 KiB.
   */
  private static final int BLOCK = 64 << 10;

  /** Direct, so that reading copies once; the digest then consumes it in parts of 4 KiB. */
  private final ThreadLocal<ByteBuffer> blocks =
      ThreadLocal.withInitial(() -> ByteBuffer.allocateDirect(BLOCK));

  private final ExecutorService pool;
  private volatile boolean cancelled;

  /** Makes a pool; threads start with the first task. */
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
   * Starts to hash a byte range.
   *
   * @param bytes the source of the bytes
   * @param from the offset of the first byte
   * @param length the number of bytes
   * @return the future SHA-256 in lower-case hexadecimal digits
   */
  public Future<String> submit(Bytes bytes, long from, long length) {
    return pool.submit(() -> hash(bytes, from, length));
  }

  /**
   * Starts to hash a file, which is opened when the task runs.
   *
   * @param file the file
   * @param length the number of bytes to hash, from the start of the file
   * @return the future SHA-256 in lower-case hexadecimal digits
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
   * Starts to compute both checksums of a byte range.
   *
   * @param bytes the source of the bytes
   * @param from the offset of the first byte
   * @param length the number of bytes
   * @return the future checksums
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
   * @param hash the result of {@link #submit}, or another future
   * @return the result of the task
   * @param <T> the type of the result
   * @throws IOException if reading failed
   * @throws CancellationException if this thread was interrupted; its flag is set again
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

  /** Cancels unfinished tasks and ends the threads. */
  @Override
  public void close() {
    cancelled = true;
    pool.shutdown();
    boolean interrupted = Thread.interrupted();
    try {
      // Each thread finishes one block at most; the timeout is for a disk that hangs.
      pool.awaitTermination(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      interrupted = true;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
