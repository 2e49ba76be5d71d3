package dev.monoquant.files.zip;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;

/** Makes the exceptions for one archive. */
record ZipFault(String file) {

  private static final String AGAIN = ". The file is damaged or cut short; fetch it again.";

  /** A contradiction in the container as a whole. */
  ModelFormatException structure(String detail) {
    return new ModelFormatException(Reason.ZIP_STRUCTURE, file, "", detail + AGAIN);
  }

  /** A contradiction about one entry. */
  ModelFormatException structure(String entry, String detail) {
    return of(Reason.ZIP_STRUCTURE, entry, detail + AGAIN);
  }

  /** Any fault of one entry. */
  ModelFormatException of(Reason reason, String entry, String detail) {
    return new ModelFormatException(reason, file, "entry " + quote(entry), detail);
  }

  /** A limit that was exceeded. */
  ModelFormatException limit(String detail) {
    return new ModelFormatException(
        Reason.LIMIT, file, "", detail + " Raise the limit if the file can be trusted.");
  }
}
