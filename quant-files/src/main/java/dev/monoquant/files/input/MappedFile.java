package dev.monoquant.files.input;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A file of any size, mapped in windows on demand and never loaded as a whole.
 *
 * <p>Windows start at multiples of 1 GiB and reach up to 2 GiB, so any read of at most 1 GiB lies
 * in one window; a longer read gets its own mapping. The garbage collector frees mappings after
 * this is closed and no buffer is in use. If another program truncates the file while it is mapped,
 * a read beyond the new end throws an {@link InternalError}.
 *
 * <p>A file of another file system than the machine's, such as a remote one, cannot be mapped: each
 * read copies.
 *
 * <p>Thread-safe.
 */
public final class MappedFile implements Closeable {

  private static final long STRIDE = 1L << 30;

  private final FileChannel channel;
  private final long size;
  private final boolean mapped;
  private final ConcurrentHashMap<Long, MappedByteBuffer> windows = new ConcurrentHashMap<>();

  private MappedFile(FileChannel channel, long size, boolean mapped) {
    this.channel = channel;
    this.size = size;
    this.mapped = mapped;
  }

  /**
   * Opens a file for reading.
   *
   * @param path a regular file
   * @return the open file; the caller closes it
   * @throws IOException if it cannot be opened
   */
  public static MappedFile open(Path path) throws IOException {
    FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
    try {
      return new MappedFile(channel, channel.size(), isLocal(path));
    } catch (IOException | RuntimeException | Error e) {
      channel.close();
      throw e;
    }
  }

  /**
   * {@return whether a path is one of this machine's file systems, and not remote}
   *
   * @param path any path; it need not exist
   */
  public static boolean isLocal(Path path) {
    return path.getFileSystem().equals(FileSystems.getDefault());
  }

  /** {@return whether ranges are mapped; of another file system's file they are read anew} */
  public boolean isMapped() {
    return mapped;
  }

  /** {@return the size in bytes of the file when it was opened} */
  public long size() {
    return size;
  }

  /**
   * Returns a range of the file.
   *
   * @param offset the first byte
   * @param length the number of bytes
   * @return a read-only little-endian view with {@code length} bytes remaining
   * @throws IOException if the file cannot be mapped or read
   */
  public ByteBuffer slice(long offset, int length) throws IOException {
    if (offset < 0 || length < 0 || offset > size - length) {
      throw new IndexOutOfBoundsException(
          "bytes " + offset + " to " + (offset + length) + " of a file of " + size);
    }
    if (length == 0) {
      return ByteBuffer.allocate(0).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }
    if (!mapped) {
      return read(offset, length);
    }
    if (length > STRIDE) {
      return channel
          .map(FileChannel.MapMode.READ_ONLY, offset, length)
          .order(ByteOrder.LITTLE_ENDIAN);
    }
    long window = offset / STRIDE;
    MappedByteBuffer part = windows.get(window);
    if (part == null) {
      long start = window * STRIDE;
      long reach = Math.min(size - start, Integer.MAX_VALUE);
      MappedByteBuffer fresh = channel.map(FileChannel.MapMode.READ_ONLY, start, reach);
      MappedByteBuffer earlier = windows.putIfAbsent(window, fresh);
      part = earlier != null ? earlier : fresh;
    }
    return part.slice((int) (offset - window * STRIDE), length).order(ByteOrder.LITTLE_ENDIAN);
  }

  private ByteBuffer read(long offset, int length) throws IOException {
    ByteBuffer copy = ByteBuffer.allocate(length);
    read(offset, copy);
    return copy.flip().asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  private void read(long offset, ByteBuffer into) throws IOException {
    while (into.hasRemaining()) {
      long at = offset + into.position();
      if (channel.read(into, at) < 0) {
        throw new IOException("the file ends at byte " + at + " of " + size);
      }
    }
  }

  /**
   * Copies a range of the file, for native code and for loops that the JVM replaces by such: if
   * another program truncates the file, a read of the mapping ends them, and this process, with a
   * signal.
   *
   * @param offset the first byte
   * @param into receives the bytes, from its start on
   * @param length the number of bytes
   * @throws IOException if the file cannot be mapped
   */
  public void copy(long offset, byte[] into, int length) throws IOException {
    slice(offset, length).get(into, 0, length);
  }

  /**
   * Reads a range of the file without mapping it, for bytes that are read once: those of a mapping
   * stay in the memory of this process.
   *
   * @param offset the first byte
   * @param into receives the bytes, from its start on
   * @param length the number of bytes
   * @throws IOException if the file cannot be read, or ends earlier
   */
  public void read(long offset, byte[] into, int length) throws IOException {
    read(offset, ByteBuffer.wrap(into, 0, length));
  }

  @Override
  public void close() throws IOException {
    windows.clear();
    channel.close();
  }
}
