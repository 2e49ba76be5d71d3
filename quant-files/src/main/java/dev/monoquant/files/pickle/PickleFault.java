package dev.monoquant.files.pickle;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;

/** Makes the exceptions for one pickle. */
record PickleFault(String file, String record) {

  private static final String AGAIN = " The file is damaged or was altered; fetch it again.";

  ModelFormatException truncated(String detail) {
    return of(Reason.PICKLE_TRUNCATED, detail + AGAIN);
  }

  ModelFormatException shape(String detail) {
    return of(Reason.PICKLE_SHAPE, detail + AGAIN);
  }

  ModelFormatException opcode(String detail) {
    return of(
        Reason.PICKLE_OPCODE,
        detail + ", which torch.save never writes. Save the model again with torch.save.");
  }

  ModelFormatException limit(long value, String what, long most, String setting) {
    return of(
        Reason.LIMIT,
        "the pickle has "
            + value
            + " "
            + what
            + ", at most "
            + most
            + " are read (limit "
            + setting
            + "). Raise the limit if the file can be trusted.");
  }

  ModelFormatException of(Reason reason, String detail) {
    return new ModelFormatException(reason, file, quote(record), detail);
  }
}
