package dev.monoquant.files.zip;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import java.util.zip.CRC32;

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

  /** An entry whose compressed data is damaged. */
  ModelFormatException brokenStream(ArchiveEntry entry) {
    return structure(
        entry.name(),
        "its compressed data does not make the " + entry.size() + " bytes that it should");
  }

  /**
   * Compares the checksum of an entry.
   *
   * @param crc the checksum of its content
   * @throws ModelFormatException if the checksum differs
   */
  void requireChecksum(ArchiveEntry entry, CRC32 crc) {
    if (crc.getValue() != entry.crc()) {
      throw of(
          Reason.ZIP_CRC,
          entry.name(),
          String.format(
              "its checksum is %08x, the archive says %08x. The file is damaged; fetch it again.",
              crc.getValue(), entry.crc()));
    }
  }

  /** A limit that was exceeded. */
  ModelFormatException limit(String detail) {
    return new ModelFormatException(
        Reason.LIMIT, file, "", detail + " Raise the limit if the file can be trusted.");
  }
}
