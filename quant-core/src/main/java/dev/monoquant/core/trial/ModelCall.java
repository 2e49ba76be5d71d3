package dev.monoquant.core.trial;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import java.util.List;
import java.util.Map;

/**
 * A call of a method of a model.
 *
 * @param method its name
 * @param tensors its arguments in order if all are tensors; otherwise empty
 * @param arguments its arguments in order if some are not; otherwise empty
 */
record ModelCall(String method, NDList tensors, List<Argument> arguments) {

  /** The method that a model is called by. */
  static final String FORWARD = "forward";

  ModelCall {
    arguments = List.copyOf(arguments);
  }

  /** {@return a call of {@code forward}} */
  static ModelCall of(NDList tensors) {
    return new ModelCall(FORWARD, tensors, List.of());
  }

  /** {@return whether the engine's block takes it: {@code forward} of tensors} */
  boolean isPlain() {
    return method.equals(FORWARD) && arguments.isEmpty();
  }

  /** A value of TorchScript. */
  sealed interface Argument {

    /** {@code Tensor}. */
    record OfTensor(NDArray array) implements Argument {}

    /** {@code int}. */
    record OfInt(long number) implements Argument {}

    /** {@code float}. */
    record OfFloat(double number) implements Argument {}

    /** {@code bool}. */
    record OfBool(boolean value) implements Argument {}

    /** {@code str}. */
    record OfText(String text) implements Argument {}

    /** {@code List[Tensor]}. */
    record OfTensors(List<NDArray> arrays) implements Argument {}

    /** {@code List[int]}. */
    record OfInts(List<Long> numbers) implements Argument {}

    /** {@code List[float]}. */
    record OfFloats(List<Double> numbers) implements Argument {}

    /** {@code List[bool]}. */
    record OfBools(List<Boolean> values) implements Argument {}

    /** {@code Dict[str, Tensor]}. */
    record OfDict(Map<String, NDArray> arrays) implements Argument {}

    /** {@code Tuple[...]}. */
    record OfTuple(List<Argument> items) implements Argument {}
  }
}
