package dev.monoquant.core.store;

import static java.util.Objects.checkFromIndexSize;

import java.nio.ByteBuffer;

/** A byte sequence of any length in memory. Concurrent writes must not overlap. */
final class Chunks {

  private static final int SHIFT = 22;
  private static final int SIZE = 1 << SHIFT;

  private final long capacity;
  private final byte[][] chunks;

  Chunks(long size) {
    this.capacity = size;
    this.chunks = new byte[Math.toIntExact((size + SIZE - 1) >>> SHIFT)][];
    for (int i = 0; i < chunks.length; i++) {
      chunks[i] = new byte[(int) Math.min(SIZE, size - ((long) i << SHIFT))];
    }
  }

  void write(long at, ByteBuffer data) {
    checkFromIndexSize(at, data.remaining(), capacity);
    for (long position = at; data.hasRemaining(); ) {
      byte[] chunk = chunks[(int) (position >>> SHIFT)];
      int from = (int) (position & (SIZE - 1));
      int n = Math.min(chunk.length - from, data.remaining());
      data.get(chunk, from, n);
      position += n;
    }
  }

  byte[] read(long at, int count) {
    checkFromIndexSize(at, count, capacity);
    byte[] out = new byte[count];
    for (int done = 0; done < count; ) {
      byte[] chunk = chunks[(int) ((at + done) >>> SHIFT)];
      int from = (int) ((at + done) & (SIZE - 1));
      int n = Math.min(chunk.length - from, count - done);
      System.arraycopy(chunk, from, out, done, n);
      done += n;
    }
    return out;
  }
}
