package dev.monoquant.io.memory;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import dev.monoquant.model.TensorInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * Reads the bytes of one of the caller's arrays through an alias in the source's manager.
 *
 * <p>The device and the size decide how: a CPU array that fits into one buffer has one cached view;
 * a larger one has a view per read, since no buffer is larger than 2 GiB; an array on another
 * device has a copy per read, of the requested elements.
 *
 * <p>Not thread-safe: its source synchronizes everything except the cached view.
 */
final class LiveTensor {

  /** The most bytes that one buffer can hold: its index is an int. */
  static final long MAX_VIEW = Integer.MAX_VALUE;

  private final TensorInfo info;
  private final NDArray alias;
  private final boolean cacheable;
  private volatile @Nullable ByteBuffer view;
  private @Nullable NDArray flat;

  /**
   * Wraps an alias.
   *
   * @param info the description of the array
   * @param alias an alias of it, alone in a manager that the source closes
   * @param maxView bytes above which no view of the whole is made
   */
  LiveTensor(TensorInfo info, NDArray alias, long maxView) {
    this.info = info;
    this.alias = alias;
    this.cacheable = isCpu(alias) && info.bytes() <= maxView;
  }

  private static boolean isCpu(NDArray array) {
    return Device.cpu().equals(array.getDevice());
  }

  /** {@return the view of all bytes; null if there is none yet} */
  @Nullable ByteBuffer view() {
    return view;
  }

  /**
   * Reads bytes.
   *
   * @param offset first byte, checked by the caller
   * @param length bytes, checked by the caller
   * @return a read-only little-endian buffer, a view or a copy
   */
  ByteBuffer read(long offset, int length) {
    if (length == 0) {
      return readOnly(ByteBuffer.allocate(0));
    }
    if (!cacheable) {
      return readOnly(window(offset, length));
    }
    ByteBuffer whole = view;
    if (whole == null) {
      // Row-major memory is returned in place. Otherwise DJL makes a row-major copy and attaches it
      // to the array's manager, so the alias must belong to the source's manager.
      whole = readOnly(alias.toByteBuffer(true));
      alias.getManager().getManagedArrays().forEach(NDScope::unregister);
      view = whole;
    }
    return slice(whole, (int) offset, length);
  }

  /** {@return part of a buffer; read-only and little-endian like the buffer itself} */
  static ByteBuffer slice(ByteBuffer whole, int offset, int length) {
    return whole.slice(offset, length).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static ByteBuffer readOnly(ByteBuffer buffer) {
    // libtorch stores numbers in the byte order of the machine, and DJL has natives for
    // little-endian machines only.
    return buffer.asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  private ByteBuffer window(long offset, int length) {
    int cell = info.type().cellBytes();
    long first = offset / cell;
    long end = Math.floorDiv(offset + length + cell - 1, (long) cell);
    int skip = (int) (offset - first * cell);
    if ((end - first) * cell > MAX_VIEW) {
      throw new IllegalArgumentException(
          String.format(
              "tensor %s: %d bytes from %d span %d bytes of whole elements, %d allowed; read less at"
                  + " a time",
              info.name(), length, offset, (end - first) * cell, MAX_VIEW));
    }
    try (NDManager scope = alias.getManager().newSubManager()) {
      NDArray part = flat().get(new NDIndex("{}:{}", first, end));
      part.attach(scope);
      NDArray here = part.toDevice(Device.cpu(), false);
      ByteBuffer bytes = here.toByteBuffer(true);
      // A second array means that the bytes are a copy, which is freed with the scope.
      boolean copied = scope.getManagedArrays().size() > 1;
      scope.getManagedArrays().forEach(NDScope::unregister);
      ByteBuffer wanted = bytes.slice(skip, length);
      return copied ? ByteBuffer.allocateDirect(length).put(wanted).flip() : wanted;
    }
  }

  /**
   * {@return the elements in row-major order, in one dimension; an alias if they already lie in
   * that order}
   */
  private NDArray flat() {
    NDArray elements = flat;
    if (elements == null) {
      elements = alias.reshape(new Shape(info.shape().elements()));
      NDScope.unregister(elements);
      flat = elements;
    }
    return elements;
  }
}
