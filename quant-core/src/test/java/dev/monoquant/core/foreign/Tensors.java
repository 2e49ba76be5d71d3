package dev.monoquant.core.foreign;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Tensors from a text. */
final class Tensors {

  private Tensors() {}

  /** Such as {@code fc.weight F8_E4M3 64x32, fc.scale F32 scalar}; each is in another shard. */
  static List<TensorInfo> of(String text) {
    List<TensorInfo> tensors = new ArrayList<>();
    for (String tensor : text.split(",", -1)) {
      String[] parts = tensor.strip().split(" ", -1);
      long[] dims =
          parts[2].equals("scalar")
              ? new long[0]
              : Arrays.stream(parts[2].split("x")).mapToLong(Long::parseLong).toArray();
      tensors.add(
          new TensorInfo(
              parts[0], ElementType.of(parts[1]), TensorShape.of(dims), "shard" + tensors.size()));
    }
    return tensors;
  }
}
