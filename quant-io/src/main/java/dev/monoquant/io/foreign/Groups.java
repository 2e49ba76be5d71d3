package dev.monoquant.io.foreign;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import java.util.OptionalLong;

/** Derives group and block sizes from shapes and the configuration. */
final class Groups {

  private Groups() {}

  /**
   * {@return the inputs that share a scale}
   *
   * @param module the module
   * @param scales the local name of its scales, for messages
   * @param inputs inputs of the weight
   * @param groups scales for each output
   * @throws dev.monoquant.ModelFormatException if the inputs cannot be divided into so many groups
   */
  static long size(ForeignModule module, String scales, long inputs, long groups) {
    OptionalLong declared = module.declared().number("group_size");
    if (declared.isPresent()
        && declared.getAsLong() > 0
        && cells(inputs, declared.getAsLong()) == groups) {
      return declared.getAsLong();
    }
    if (groups < 1 || inputs % groups != 0) {
      throw module.fault(scales, "has " + groups + " groups for " + inputs + " inputs");
    }
    return inputs / groups;
  }

  /**
   * {@return the elements along an axis that share a scale}
   *
   * @param module the module
   * @param scales the local name of its scales, for messages
   * @param elements elements of the weight along the axis
   * @param cells scales along the axis
   * @param declared the size that the configuration declares
   * @throws dev.monoquant.ModelFormatException if no size or several sizes fit
   */
  static long block(
      ForeignModule module, String scales, long elements, long cells, OptionalLong declared) {
    if (declared.isPresent() && cells(elements, declared.getAsLong()) == cells) {
      return declared.getAsLong();
    }
    if (cells == 1 || cells == elements) {
      return cells == 1 ? elements : 1;
    }
    long found = 0;
    for (long size = 2; size < elements; size *= 2) {
      if (cells(elements, size) == cells) {
        if (found != 0) {
          throw module.unsupported("the size of its blocks is not known from its shapes");
        }
        found = size;
      }
    }
    if (found != 0 && elements % cells == 0 && elements / cells != found) {
      throw module.unsupported(
          "its blocks have "
              + found
              + " or "
              + elements / cells
              + " numbers along an axis, which its shapes do not tell");
    }
    if (found == 0) {
      throw module.fault(
          scales, "has " + cells + " scales along an axis of " + elements + " numbers");
    }
    return found;
  }

  /** {@return the type of the scales, which must be floats of at least 16 bits} */
  static ElementType floats(ForeignModule module, String scales) {
    TensorInfo tensor = module.find(scales).orElseThrow();
    if (!tensor.type().isQuantizable()) {
      throw module.fault(scales, "is " + tensor.type().wire() + ", and scales are floats");
    }
    return tensor.type();
  }

  private static long cells(long elements, long size) {
    return elements / size + (elements % size == 0 ? 0 : 1);
  }
}
