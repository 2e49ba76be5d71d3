package dev.monoquant.files.torch;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.zip.ArchiveEntry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * The one-word records of an archive that are read before all others: its {@code version}, which
 * TorchScript has under {@code .data/}, and its {@code byteorder}.
 *
 * <p>Source: {@code caffe2/serialize/inline_container.cc} of torch 2.13.
 *
 * @param records the records of the archive
 */
record ArchivePreamble(TorchRecords records) {

  private static final int MIN_VERSION = 1;
  private static final int MAX_VERSION = 10;
  private static final int MAX_WORD_BYTES = 64;

  /**
   * Checks the version.
   *
   * @throws ModelFormatException if the version is absent or unknown
   */
  void requireVersion() throws IOException {
    Optional<ArchiveEntry> record = records.find(".data/version");
    if (record.isEmpty()) {
      record = records.find("version");
    }
    String text = word(record.orElseThrow(() -> records.missing("version", "")));
    String digits = text.endsWith("\n") ? text.substring(0, text.length() - 1) : text;
    if (!digits.matches("[1-9][0-9]?") || Integer.parseInt(digits) > MAX_VERSION) {
      throw new ModelFormatException(
          Reason.VERSION,
          records.label(),
          quote("version"),
          "the archive is of version "
              + quote(digits)
              + "; "
              + MIN_VERSION
              + " to "
              + MAX_VERSION
              + " are read. Save it with a version of PyTorch that is known.");
    }
  }

  /** {@return whether numbers are big-endian; an archive without the record is little-endian} */
  boolean bigEndian() throws IOException {
    Optional<ArchiveEntry> record = records.find("byteorder");
    if (record.isEmpty()) {
      return false;
    }
    String text = word(record.get());
    if (!text.equals("little") && !text.equals("big")) {
      throw new ModelFormatException(
          Reason.BYTEORDER,
          records.label(),
          quote("byteorder"),
          "says " + quote(text) + "; little and big are known. The file is damaged or altered.");
    }
    return text.equals("big");
  }

  private String word(ArchiveEntry entry) throws IOException {
    if (entry.size() > MAX_WORD_BYTES) {
      throw new ModelFormatException(
          Reason.RECORD_SIZE,
          records.label(),
          quote(entry.name()),
          "has " + entry.size() + " bytes, a word was expected. The file is damaged or altered.");
    }
    return StandardCharsets.ISO_8859_1
        .decode(records.archive().content(entry, MAX_WORD_BYTES, ""))
        .toString();
  }
}
