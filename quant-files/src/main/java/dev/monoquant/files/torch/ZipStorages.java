package dev.monoquant.files.torch;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.zip.ArchiveEntry;
import java.util.Map;

/**
 * Finds the storages of tensors among the records of an archive: each is the record of its key, and
 * must have exactly the size that the pickle states.
 *
 * @param records the records of the archive
 * @param directory the folder of the storages, such as {@code data/}
 * @param bigEndian whether their numbers are big-endian
 * @param more storages that are not records, by key
 */
record ZipStorages(
    TorchRecords records, String directory, boolean bigEndian, Map<String, Storage> more)
    implements TensorReader.StorageFinder {

  @Override
  public Storage find(StorageId id, String where) {
    Storage known = more.get(id.key());
    if (known != null) {
      return known;
    }
    ArchiveEntry entry = records.required(directory + id.key(), where);
    if (id.elements() < 0 || id.view().isPresent()) {
      throw new ModelFormatException(
          Reason.TENSOR_BOUNDS,
          records.label(),
          where,
          "its storage is said to have " + id.elements() + " elements. The file is damaged.");
    }
    // Not a product: numel times bytes may exceed 64 bits.
    if (entry.size() % id.elementBytes() != 0
        || entry.size() / id.elementBytes() != id.elements()) {
      throw new ModelFormatException(
          Reason.RECORD_SIZE,
          records.label(),
          where,
          "its storage "
              + quote(entry.name())
              + " has "
              + entry.size()
              + " bytes, "
              + id.elements()
              + " elements of "
              + id.elementBytes()
              + " bytes were expected. The file is damaged; fetch it again.");
    }
    return new ZipStorage(records.archive(), entry, bigEndian);
  }
}
