package dev.monoquant.files.torch;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.input.ForeignFile;
import dev.monoquant.files.zip.Archive;
import dev.monoquant.files.zip.ArchiveEntry;
import java.util.List;
import java.util.Optional;

/**
 * The records of an archive by their names within its folder. A missing record gives an exception
 * that names it.
 *
 * @param archive the archive; not closed here
 * @param folder the folder of all entries, with a slash at its end
 */
record TorchRecords(Archive archive, String folder) {

  /**
   * Checks that {@code torch.save} or {@code torch.jit.save} wrote an archive.
   *
   * @throws ModelFormatException if another program or function wrote it
   */
  static void requireOwn(Archive archive) {
    Optional<String> foreign = ForeignFile.describeZip(names(archive));
    if (foreign.isPresent()) {
      throw new ModelFormatException(
          Reason.NOT_THIS_FORMAT, archive.label(), "", "this is " + foreign.get());
    }
  }

  /**
   * Finds the folder of an archive.
   *
   * @throws ModelFormatException if its entries are not in one folder
   */
  static TorchRecords of(Archive archive) {
    List<String> names = names(archive);
    String first = names.isEmpty() ? "" : names.get(0);
    String folder = first.substring(0, first.indexOf('/') + 1);
    for (String name : names.isEmpty() ? List.of(first) : names) {
      if (folder.isEmpty() || !name.startsWith(folder)) {
        throw new ModelFormatException(
            Reason.ZIP_STRUCTURE,
            archive.label(),
            "entry " + quote(name),
            "is not in the same folder as all others, as PyTorch has it. Pack the archive again, or"
                + " save the model again.");
      }
    }
    return new TorchRecords(archive, folder);
  }

  private static List<String> names(Archive archive) {
    return archive.entries().stream().map(ArchiveEntry::name).toList();
  }

  /** {@return the file's name for messages} */
  String label() {
    return archive.label();
  }

  /** {@return the record of that name, or empty} */
  Optional<ArchiveEntry> find(String name) {
    return archive.find(folder + name);
  }

  /**
   * {@return the record of that name}
   *
   * @param name its name within the folder
   * @param where the part of the model that needs it, for messages
   * @throws ModelFormatException if it is missing
   */
  ArchiveEntry required(String name, String where) {
    return find(name).orElseThrow(() -> missing(name, where));
  }

  /**
   * {@return the exception for an archive without that record}
   *
   * @param where the part of the model that needs it, for messages
   */
  ModelFormatException missing(String name, String where) {
    return new ModelFormatException(
        Reason.RECORD_MISSING,
        label(),
        where,
        "there is no record "
            + quote(folder + name)
            + " in the archive. The file is damaged or was altered; fetch it again.");
  }
}
