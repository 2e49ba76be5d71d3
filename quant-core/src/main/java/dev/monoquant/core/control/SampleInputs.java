package dev.monoquant.core.control;

import static java.util.Objects.requireNonNull;

import ai.djl.ndarray.NDList;
import java.nio.file.Path;

/**
 * What a model is called with to see what it makes of it: the inputs of one call.
 *
 * <p>A file names its tensors as {@code forward} names its parameters, or holds them in their
 * order; tensors that are named {@code labels}, {@code targets}, {@code logits} or {@code outputs}
 * are passed over.
 */
public sealed interface SampleInputs {

  /** {@return the name for people} */
  String describe();

  /**
   * {@return the inputs in a file}
   *
   * @param file a {@code .safetensors} or an {@code .npz} file
   */
  static SampleInputs of(Path file) {
    return new OfFile(file);
  }

  /**
   * {@return inputs that are at hand}
   *
   * @param arrays the arguments of {@code forward} in order; only read, and to stay open as long as
   *     they are used
   */
  static SampleInputs of(NDList arrays) {
    return new OfArrays(arrays);
  }

  /**
   * Inputs in a file.
   *
   * @param file the file
   */
  record OfFile(Path file) implements SampleInputs {

    /** Checks that it is there. */
    public OfFile {
      requireNonNull(file, "file");
    }

    @Override
    public String describe() {
      return file.toString();
    }
  }

  /**
   * Inputs in memory.
   *
   * @param arrays the arguments
   */
  record OfArrays(NDList arrays) implements SampleInputs {

    /** Checks that they are there. */
    public OfArrays {
      requireNonNull(arrays, "arrays");
    }

    @Override
    public String describe() {
      return arrays.size() + " arrays";
    }
  }
}
