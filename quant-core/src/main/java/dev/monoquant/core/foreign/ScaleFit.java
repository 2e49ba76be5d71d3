package dev.monoquant.core.foreign;

import dev.monoquant.model.TensorShape;
import java.util.Arrays;

/**
 * Whether a tensor can hold the scales of another one, decided from both shapes. Codes may be
 * packed, several in an element, along any axis.
 */
enum ScaleFit {
  /** The shapes do not fit. */
  NONE,
  /** One scale for the whole tensor. */
  TENSOR,
  /** One scale for each block of the flattened tensor, or along one axis. */
  BLOCK,
  /** One scale for each index along one axis, such as each row. */
  AXIS,
  /** One scale for each block of rows and columns. */
  GRID;

  private static final int[] CODES_IN_ELEMENT = {1, 2, 4, 8, 16};
  private static final int MIN_FLAT_BLOCK = 16;
  private static final int MAX_BLOCK = 1024;

  /**
   * {@return how the shapes fit}
   *
   * @param codes the shape of the codes
   * @param scales the shape of the scales
   */
  static ScaleFit of(TensorShape codes, TensorShape scales) {
    if (codes.elements() == 0 || scales.elements() == 0 || codes.rank() == 0) {
      return NONE;
    }
    if (codes.rank() == 1) {
      return ofFlat(codes.elements(), scales.elements());
    }
    if (scales.elements() == 1) {
      return TENSOR;
    }
    long[] dims = Arrays.stream(scales.dims()).filter(d -> d != 1).toArray();
    if (dims.length == 1) {
      return ofVector(codes, scales, dims[0]);
    }
    if (scales.elements() > codes.elements() || scales.equals(codes)) {
      return NONE;
    }
    long[] blocks = scales.rank() <= codes.rank() ? scales.dims() : dims;
    return blocks.length <= codes.rank() && grid(codes, blocks) ? GRID : NONE;
  }

  private static ScaleFit ofVector(TensorShape codes, TensorShape shape, long scales) {
    long rows = codes.elements() / codes.dim(-1);
    for (int packed : CODES_IN_ELEMENT) {
      if (scales == codes.dim(0) * packed
          || scales == codes.dim(-1) * packed
          || scales == codes.dim(-2) * packed
          || scales == rows * packed) {
        return AXIS;
      }
    }
    boolean along = shape.rank() == codes.rank() && grid(codes, shape.dims());
    return along ? BLOCK : ofFlat(codes.elements(), scales);
  }

  private static ScaleFit ofFlat(long codes, long scales) {
    for (int packed : CODES_IN_ELEMENT) {
      long block = codes * packed / scales;
      if (block >= MIN_FLAT_BLOCK
          && Long.bitCount(block) == 1
          && block * scales == codes * packed
          && scales > 1) {
        return BLOCK;
      }
    }
    return NONE;
  }

  /**
   * For each axis: as many scales as elements, one for all, or one for each block; the last block
   * may be smaller.
   */
  private static boolean grid(TensorShape codes, long[] scales) {
    for (int axis = 0; axis < scales.length; axis++) {
      if (!along(codes.dim(axis), scales[axis])) {
        return false;
      }
    }
    return true;
  }

  private static boolean along(long codes, long scales) {
    for (int packed : CODES_IN_ELEMENT) {
      long all = codes * packed;
      if (all % scales == 0) {
        return true;
      }
      for (long block = 2; block <= MAX_BLOCK; block *= 2) {
        if ((all + block - 1) / block == scales) {
          return true;
        }
      }
    }
    return false;
  }
}
