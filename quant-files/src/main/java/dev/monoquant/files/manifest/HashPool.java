package dev.monoquant.files.manifest;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.zip.CRC32;
import java.util.zip.CRC32C;

/**
 * Computes hashes in the background, while a model is written or read. Thread-safe except {@link
 * #close}.
 *
 * <p>Bytes are hashed at 1 to 2 GB/s per thread if the processor has SHA instructions. The pieces
 * of {@link HashKind#PIECES} run in parallel.
 */
public final class HashPool implements Closeable {

  /**
   * The checksums of a byte range.
   *
   * @param hash a hash of the asked kind
   * @param crc32 an unsigned number of 32 bits
   */
  public record Sums(String hash, long crc32) {}

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
   * @param kind the kind of hash
   * @param bytes the source of the bytes
   * @param from the offset of the first byte
   * @param length the number of bytes
   * @return the future hash
   */
  public Future<String> submit(HashKind kind, Bytes bytes, long from, long length) {
    return submit(kind, from, length, run -> read(bytes, run));
  }

  /**
   * Starts to hash a file, which is opened when a task runs.
   *
   * @param kind the kind of hash
   * @param file the file
   * @param length the number of bytes to hash, from the start of the file
   * @return the future hash
   */
  public Future<String> submit(HashKind kind, Path file, long length) {
    return submit(kind, file, 0, length);
  }

  /**
   * Starts to hash a byte range of a file, which is opened when the task runs.
   *
   * @param kind the kind of hash
   * @param file the file
   * @param from the offset of the first byte
   * @param length the number of bytes
   * @return the future hash
   */
  Future<String> submit(HashKind kind, Path file, long from, long length) {
    return submit(
        kind,
        from,
        length,
        run -> {
          try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            read(channel::read, run);
          }
        });
  }

  /**
   * Starts to compute a hash and the CRC-32 of a byte range.
   *
   * @param kind the kind of hash; not {@link HashKind#CRC32C}
   * @param bytes the source of the bytes
   * @param from the offset of the first byte
   * @param length the number of bytes
   * @return the future checksums
   */
  public Future<Sums> submitSums(HashKind kind, Bytes bytes, long from, long length) {
    return pieces(kind == HashKind.NONE, true, from, length, run -> read(bytes, run));
  }

  /** A run of bytes that a task reads, and the consumer of its blocks. */
  private record Run(long from, long length, Consumer<ByteBuffer> blocks) {}

  /** Reads a run. */
  @FunctionalInterface
  private interface Reading {
    void read(Run run) throws IOException;
  }

  private Future<String> submit(HashKind kind, long from, long length, Reading reading) {
    return switch (kind) {
      case NONE -> CompletableFuture.completedFuture("");
      case PIECES -> pieces(false, false, from, length, reading).thenApply(Sums::hash);
      case SHA256 ->
          pool.submit(
              () -> {
                Sha256 digest = new Sha256();
                reading.read(new Run(from, length, digest::add));
                return digest.hex();
              });
      case CRC32C ->
          pool.submit(
              () -> {
                CRC32C crc = new CRC32C();
                reading.read(new Run(from, length, crc::update));
                return HashKind.identity(length, crc.getValue());
              });
    };
  }

  private CompletableFuture<Sums> pieces(
      boolean noHash, boolean alsoCrc, long from, long length, Reading reading) {
    int count = Math.toIntExact((length + HashKind.PIECE - 1) / HashKind.PIECE);
    byte[][] digests = new byte[count][];
    long[] crcs = new long[count];
    CompletableFuture<?>[] tasks = new CompletableFuture<?>[count];
    for (int i = 0; i < count; i++) {
      int piece = i;
      long start = (long) HashKind.PIECE * i;
      tasks[i] =
          CompletableFuture.runAsync(
              () -> {
                Sha256 digest = new Sha256();
                CRC32 crc = new CRC32();
                Run run =
                    new Run(
                        from + start,
                        Math.min(HashKind.PIECE, length - start),
                        block -> {
                          if (!noHash) {
                            digest.add(block);
                          }
                          if (alsoCrc) {
                            crc.update(block.rewind());
                          }
                        });
                try {
                  reading.read(run);
                } catch (IOException e) {
                  throw new CompletionException(e);
                }
                digests[piece] = digest.bytes();
                crcs[piece] = crc.getValue();
              },
              pool);
    }
    return CompletableFuture.allOf(tasks)
        .thenApply(
            all -> {
              Sha256 tree = new Sha256();
              long crc = 0;
              for (int i = 0; i < count; i++) {
                tree.add(ByteBuffer.wrap(digests[i]));
                crc =
                    CrcCombination.of(
                        crc, crcs[i], Math.min(HashKind.PIECE, length - (long) HashKind.PIECE * i));
              }
              return new Sums(noHash ? "" : tree.hex(), crc);
            });
  }

  private void read(Bytes bytes, Run run) throws IOException {
    ByteBuffer block = blocks.get();
    for (long done = 0; done < run.length(); done += block.limit()) {
      if (cancelled) {
        throw new CancellationException();
      }
      block.clear().limit((int) Math.min(block.capacity(), run.length() - done));
      while (block.hasRemaining()) {
        long at = run.from() + done + block.position();
        if (bytes.read(block, at) < 0) {
          throw new IOException("the file ends at byte " + at);
        }
      }
      run.blocks().accept(block.flip());
    }
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
