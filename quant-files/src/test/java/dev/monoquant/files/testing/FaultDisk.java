package dev.monoquant.files.testing;

import dev.monoquant.files.output.Disk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A file system of which one operation fails, that is full at some byte, or that damages a write.
 */
public final class FaultDisk implements Disk {

  private final AtomicInteger operations = new AtomicInteger();
  private final AtomicLong room = new AtomicLong(Long.MAX_VALUE);
  private int failAt = -1;
  private int damageAt = -1;
  private long usable = Long.MAX_VALUE;

  /** Fails at that operation, counted from 0. */
  public FaultDisk failAt(int operation) {
    this.failAt = operation;
    return this;
  }

  /** Flips a bit of what is written by that operation. */
  public FaultDisk damageAt(int operation) {
    this.damageAt = operation;
    return this;
  }

  /** Holds so many bytes, and says to have so many. */
  public FaultDisk full(long bytes, long said) {
    room.set(bytes);
    this.usable = said;
    return this;
  }

  public int operations() {
    return operations.get();
  }

  private int count(String what) throws IOException {
    int number = operations.getAndIncrement();
    if (number == failAt) {
      throw new IOException("injected: " + what);
    }
    return number;
  }

  @Override
  public FileChannel create(Path path, FileAttribute<?>... attributes) throws IOException {
    count("create");
    return new FaultChannel(Disk.REAL.create(path, attributes));
  }

  @Override
  public FileChannel open(Path path) throws IOException {
    count("open");
    return new FaultChannel(Disk.REAL.open(path));
  }

  @Override
  public void rename(Path from, Path to) throws IOException {
    count("rename");
    Disk.REAL.rename(from, to);
  }

  @Override
  public void syncDirectory(Path directory) throws IOException {
    count("sync");
    Disk.REAL.syncDirectory(directory);
  }

  @Override
  public long usableBytes(Path directory) throws IOException {
    return usable;
  }

  private final class FaultChannel extends FileChannel {
    private final FileChannel real;

    FaultChannel(FileChannel real) {
      this.real = real;
    }

    @Override
    public int write(ByteBuffer src, long position) throws IOException {
      int number = count("write");
      int length = src.remaining();
      if (room.addAndGet(-length) < 0) {
        throw new IOException("No space left on device");
      }
      if (number == damageAt && length > 0) {
        ByteBuffer copy = ByteBuffer.allocate(length);
        copy.put(src).flip();
        copy.put(length / 2, (byte) (copy.get(length / 2) ^ 4));
        return real.write(copy, position);
      }
      // Short writes are legal; half of it at once.
      ByteBuffer half = src.duplicate().limit(src.position() + (length + 1) / 2);
      int written = real.write(half, position);
      src.position(src.position() + written);
      return written;
    }

    @Override
    public void force(boolean metaData) throws IOException {
      count("force");
      real.force(metaData);
    }

    @Override
    protected void implCloseChannel() throws IOException {
      real.close();
    }

    @Override
    public FileLock tryLock(long position, long size, boolean shared) throws IOException {
      return real.tryLock(position, size, shared);
    }

    @Override
    public int read(ByteBuffer dst) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long read(ByteBuffer[] dsts, int offset, int length) {
      throw new UnsupportedOperationException();
    }

    @Override
    public int write(ByteBuffer src) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long write(ByteBuffer[] srcs, int offset, int length) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long position() {
      throw new UnsupportedOperationException();
    }

    @Override
    public FileChannel position(long newPosition) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long size() {
      throw new UnsupportedOperationException();
    }

    @Override
    public FileChannel truncate(long size) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long transferTo(long position, long count, WritableByteChannel target) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long transferFrom(ReadableByteChannel src, long position, long count) {
      throw new UnsupportedOperationException();
    }

    @Override
    public int read(ByteBuffer dst, long position) throws IOException {
      count("read");
      return real.read(dst, position);
    }

    @Override
    public MappedByteBuffer map(MapMode mode, long position, long size) {
      throw new UnsupportedOperationException();
    }

    @Override
    public FileLock lock(long position, long size, boolean shared) {
      throw new UnsupportedOperationException();
    }
  }
}
