package dev.monoquant.script;

import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PicklePersistent;
import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.files.pickle.PickleValue.Global;
import dev.monoquant.files.pickle.PickleValue.Int;
import dev.monoquant.files.pickle.PickleValue.Text;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The part of a storage that a pickled tensor refers to. Two tensors with equal views are the same
 * tensor.
 *
 * @param key the key of the storage
 * @param offset its first element
 * @param sizes its shape
 * @param strides the distance between neighbours on each axis, in elements
 */
public record TensorView(String key, long offset, List<Long> sizes, List<Long> strides) {

  private static final int LEAST = 4;

  public TensorView {
    sizes = List.copyOf(sizes);
    strides = List.copyOf(strides);
  }

  /**
   * {@return the view; empty unless the tensor is rebuilt by {@code _rebuild_tensor} or a variant}
   */
  public static Optional<TensorView> of(PickleObject tensor) {
    PickleTuple args = tensor.args();
    if (!tensor.callee().name().startsWith("_rebuild_tensor")
        || args.size() < LEAST
        || !(args.get(0) instanceof PicklePersistent persistent)
        || !(persistent.id() instanceof PickleTuple id)
        || id.size() < LEAST
        || !(id.get(2) instanceof Text key)
        || !(args.get(1) instanceof Int offset)) {
      return Optional.empty();
    }
    Optional<List<Long>> sizes = numbers(args.get(2));
    Optional<List<Long>> strides = numbers(args.get(3));
    return sizes.isPresent() && strides.isPresent()
        ? Optional.of(new TensorView(key.value(), offset.value(), sizes.get(), strides.get()))
        : Optional.empty();
  }

  /**
   * {@return the index after its last element; its offset if it has no elements, and {@link
   * Long#MAX_VALUE} if the index exceeds 63 bits or a stride is negative}
   */
  long end() {
    if (sizes.contains(0L)) {
      return offset;
    }
    try {
      long last = offset;
      for (int axis = 0; axis < sizes.size(); axis++) {
        if (strides.get(axis) < 0) {
          return Long.MAX_VALUE;
        }
        last = Math.addExact(last, Math.multiplyExact(sizes.get(axis) - 1, strides.get(axis)));
      }
      return Math.addExact(last, 1);
    } catch (ArithmeticException tooFar) {
      return Long.MAX_VALUE;
    }
  }

  /** {@return whether both refer to the same elements of one storage} */
  static boolean isSame(PickleObject one, PickleObject other) {
    return one == other || of(one).flatMap(v -> of(other).map(v::equals)).orElse(false);
  }

  /** {@return whether a tensor that has a view is FLOAT32} */
  static boolean isSingle(PickleObject tensor) {
    return of(tensor).isPresent()
        && tensor.args().get(0) instanceof PicklePersistent persistent
        && persistent.id() instanceof PickleTuple id
        && id.get(1) instanceof Global storage
        && storage.name().equals("FloatStorage");
  }

  private static Optional<List<Long>> numbers(PickleValue value) {
    if (!(value instanceof PickleTuple tuple)) {
      return Optional.empty();
    }
    List<Long> numbers = new ArrayList<>();
    for (PickleValue item : tuple.items()) {
      if (!(item instanceof Int number)) {
        return Optional.empty();
      }
      numbers.add(number.value());
    }
    return Optional.of(numbers);
  }
}
