package dev.monoquant.io.memory;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;

/** An array with the bytes it must have, found without the engine's help. */
final class Expected {

  /** How the caller came by the array. */
  enum View {
    WHOLE,
    REVERSED_AXES,
    EVERY_SECOND,
    BROADCAST,
    LATER_ROWS
  }

  /** An array to make: its bytes come from the seed, any bits at all. */
  record Sample(DataType type, List<Integer> dims, View view, long seed) {}

  private final NDArray array;
  private final byte[] bytes;

  private Expected(NDArray array, byte[] bytes) {
    this.array = array;
    this.bytes = bytes;
  }

  NDArray array() {
    return array;
  }

  byte[] bytes() {
    return bytes;
  }

  static Expected of(NDManager manager, Sample sample) {
    long[] dims = sample.dims.stream().mapToLong(d -> d).toArray();
    int cell = sample.type.getNumOfBytes();
    int count = (int) LongStream.of(dims).reduce(1, (a, b) -> a * b);
    byte[] base = new byte[count * cell];
    new Random(sample.seed).nextBytes(base);
    if (sample.type == DataType.BOOLEAN) {
      for (int i = 0; i < base.length; i++) {
        base[i] &= 1;
      }
    }
    NDArray array = manager.create(new Shape(dims), sample.type);
    if (count > 0) {
      array.toByteBuffer(true).put(base);
    }
    // Where element (i, j, ...) of the view lies in the base: start + i * strides[0] + ...
    long[] strides = rowMajor(dims);
    long start = 0;
    View view = dims.length == 0 || count == 0 ? View.WHOLE : sample.view;
    switch (view) {
      case WHOLE -> {}
      case REVERSED_AXES -> {
        int[] axes = new int[dims.length];
        for (int i = 0; i < axes.length; i++) {
          axes[i] = axes.length - 1 - i;
        }
        array = array.transpose(axes);
        dims = reverse(dims);
        strides = reverse(strides);
      }
      case EVERY_SECOND -> {
        array = array.get("::2");
        dims[0] = (dims[0] + 1) / 2;
        strides[0] *= 2;
      }
      case BROADCAST -> {
        array = array.expandDims(0).broadcast(new Shape(3).addAll(new Shape(dims)));
        dims = LongStream.concat(LongStream.of(3), LongStream.of(dims)).toArray();
        strides = LongStream.concat(LongStream.of(0), LongStream.of(strides)).toArray();
      }
      case LATER_ROWS -> {
        array = array.get(dims[0] / 2 + ":");
        start = dims[0] / 2 * strides[0];
        dims[0] -= dims[0] / 2;
      }
    }
    int elements = (int) LongStream.of(dims).reduce(1, (a, b) -> a * b);
    byte[] bytes = new byte[elements * cell];
    for (int i = 0; i < elements; i++) {
      long at = start;
      long rest = i;
      for (int axis = dims.length - 1; axis >= 0; axis--) {
        at += rest % dims[axis] * strides[axis];
        rest /= dims[axis];
      }
      System.arraycopy(base, (int) at * cell, bytes, i * cell, cell);
    }
    return new Expected(array, bytes);
  }

  private static long[] rowMajor(long[] dims) {
    long[] strides = new long[dims.length];
    long step = 1;
    for (int axis = dims.length - 1; axis >= 0; axis--) {
      strides[axis] = step;
      step *= dims[axis];
    }
    return strides;
  }

  private static long[] reverse(long[] values) {
    long[] out = new long[values.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = values[out.length - 1 - i];
    }
    return out;
  }
}
