package dev.monoquant.files.torch;

import dev.monoquant.model.ElementType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Reads the bytes that the contiguous little-endian copy of a view would have. For a view that is
 * such a copy already, returns a slice of the mapped file; any other view is gathered element by
 * element, only for the requested part. Thread-safe.
 */
public final class ViewReader {

  private ViewReader() {}

  /**
   * Reads a part.
   *
   * @param tensor a checked view
   * @param offset the first byte within its contiguous data
   * @param length the number of bytes
   * @return a read-only little-endian buffer
   */
  public static ByteBuffer read(TorchTensor tensor, long offset, int length) throws IOException {
    int width = tensor.type().cellBytes();
    long total = tensor.shape().elements() * width;
    if (offset < 0 || length < 0 || offset > total - length) {
      throw new IndexOutOfBoundsException(
          "bytes " + offset + " to " + (offset + length) + " of " + total);
    }
    if (length == 0) {
      return ByteBuffer.allocate(0).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }
    if (tensor.isPlain()) {
      return tensor.storage().slice(tensor.offset() * width + offset, length);
    }
    long first = offset / width;
    long end = (offset + length - 1) / width + 1;
    ByteBuffer out =
        ByteBuffer.allocate(Math.toIntExact((end - first) * width)).order(ByteOrder.LITTLE_ENDIAN);
    new Gather(tensor, out).run(first, end - first);
    fixUp(tensor, out.array());
    return out.slice((int) (offset - first * width), length)
        .asReadOnlyBuffer()
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Copies elements in row-major order, one run along the last dimension at a time. */
  private static final class Gather {

    /** The maximum read from a mapped file without its own mapping. */
    private static final int MAX_SLICE = 1 << 30;

    private final TorchTensor tensor;
    private final ByteBuffer out;
    private final int width;
    private final int rank;

    Gather(TorchTensor tensor, ByteBuffer out) {
      this.tensor = tensor;
      this.out = out;
      this.width = tensor.type().cellBytes();
      this.rank = tensor.shape().rank();
    }

    void run(long first, long count) throws IOException {
      long[] index = new long[rank];
      long rest = first;
      for (int axis = rank - 1; axis >= 0; axis--) {
        index[axis] = rest % tensor.shape().dim(axis);
        rest /= tensor.shape().dim(axis);
      }
      long left = count;
      while (left > 0) {
        long along = rank == 0 ? 1 : tensor.shape().dim(rank - 1) - index[rank - 1];
        long run = Math.min(left, along);
        copy(position(index), rank == 0 ? 1 : tensor.strides().get(rank - 1), run);
        left -= run;
        if (left > 0) {
          advance(index);
        }
      }
    }

    private long position(long[] index) {
      long at = tensor.offset();
      for (int axis = 0; axis < rank; axis++) {
        at += index[axis] * tensor.strides().get(axis);
      }
      return at;
    }

    /** Advances to the start of the next run. */
    private void advance(long[] index) {
      index[rank - 1] = 0;
      for (int axis = rank - 2; axis >= 0 && ++index[axis] == tensor.shape().dim(axis); axis--) {
        index[axis] = 0;
      }
    }

    private void copy(long at, long stride, long count) throws IOException {
      // As many elements as one slice can span, at least one.
      long span = stride == 0 ? count : Math.max(1, (MAX_SLICE / width - 1) / stride);
      for (long done = 0; done < count; ) {
        int some = (int) Math.min(count - done, Math.min(span, MAX_SLICE / width));
        int bytes = (int) ((some - 1) * stride + 1) * width;
        ByteBuffer in = tensor.storage().slice((at + done * stride) * width, bytes);
        for (int i = 0; i < some; i++) {
          out.put(out.position(), in, (int) (i * stride * width), width);
          out.position(out.position() + width);
        }
        done += some;
      }
    }
  }

  /** Fixes the byte order first, then the signs. */
  private static void fixUp(TorchTensor tensor, byte[] bytes) {
    boolean complex = tensor.type() == ElementType.COMPLEX64;
    int number = complex ? 4 : tensor.type().cellBytes();
    if (tensor.storage().bigEndian()) {
      for (int at = 0; at < bytes.length; at += number) {
        for (int i = 0, j = number - 1; i < j; i++, j--) {
          byte low = bytes[at + i];
          bytes[at + i] = bytes[at + j];
          bytes[at + j] = low;
        }
      }
    }
    for (int at = 0; at < bytes.length; at += number) {
      boolean imaginary = complex && at / number % 2 == 1;
      if (tensor.negative() != (tensor.conjugate() && imaginary)) {
        bytes[at + number - 1] ^= (byte) 0x80;
      }
    }
  }
}
