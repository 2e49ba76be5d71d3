package dev.monoquant.core.control;

import static java.util.Objects.requireNonNull;

import ai.djl.ndarray.NDList;
import java.nio.file.Path;

/**
 * The inputs of one call of a model, for side-by-side runs.
 *
 * <p>The tensors of a file have the names of the parameters of {@code forward}, or their order;
 * tensors named {@code labels}, {@code targets}, {@code logits} or {@code outputs} are ignored. For
 * a parameter {@code x} of another type, the array {@code x} is a number, a text or a list of
 * numbers; {@code x.0} and {@code x.1} are the items of a list or tuple, {@code x.KEY} those of a
 * dict. An array {@code encode:x} is for the method {@code encode}.
 */
public sealed interface SampleInputs {

  /** {@return the name for messages} */
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
   * {@return inputs in memory}
   *
   * @param arrays the arguments of {@code forward} in order; only read, and must stay open while
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

    /** Checks that the file is not null. */
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

    /** Checks that the arrays are not null. */
    public OfArrays {
      requireNonNull(arrays, "arrays");
    }

    @Override
    public String describe() {
      return arrays.size() + " arrays";
    }
  }
}
