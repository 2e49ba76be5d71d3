package dev.monoquant.files.torch;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.pickle.PickleObject;

/**
 * Makes the exceptions for one tensor of a pickle.
 *
 * @param file the file, for messages
 * @param where the tensor, for messages
 */
record TensorFault(String file, String where) {

  private static final String AGAIN = " The file is damaged or was altered; fetch it again.";

  /** {@return the exception for a valid tensor of an unsupported kind} */
  ModelFormatException unreadable(String kind) {
    return new ModelFormatException(
        Reason.UNSUPPORTED_TENSOR,
        file,
        where,
        "is "
            + kind
            + "; only plain dense tensors are read, of floats up to 64 bits, complex64 and whole-byte"
            + " integers. Convert it or leave it out, and save the model again.");
  }

  /** {@return the exception for a call with the wrong arguments} */
  ModelFormatException arity(PickleObject object) {
    return shape(
        quote(object.callee().path())
            + " is called with "
            + object.args().size()
            + " arguments that do not fit it.");
  }

  /** {@return the exception for data that PyTorch does not write} */
  ModelFormatException shape(String detail) {
    return of(Reason.PICKLE_SHAPE, detail);
  }

  /** {@return the exception for a damaged or altered file} */
  ModelFormatException of(Reason reason, String detail) {
    return new ModelFormatException(reason, file, where, detail + AGAIN);
  }
}
