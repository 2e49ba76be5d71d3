package dev.monoquant.files.torch;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.input.MappedFile;
import dev.monoquant.files.pickle.PicklePersistent;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.files.pickle.PickleWalk;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The storages at the end of a legacy checkpoint, in the order of their keys. */
public final class LegacyStorages {

  private static final String AGAIN = " The file is damaged or cut short; fetch it again.";
  private static final int LENGTH_BYTES = 8;

  private final Place place;
  private final Map<String, FileStorage> storages = new HashMap<>();

  /**
   * The location of the storages.
   *
   * @param file the file
   * @param label its name, for messages
   * @param start the offset of the first byte after the pickles
   * @param bigEndian whether numbers are big-endian
   */
  public record Place(MappedFile file, String label, long start, boolean bigEndian) {}

  private LegacyStorages(Place place) {
    this.place = place;
  }

  /**
   * Finds the storages. The keys and the ids in the object must name the same storages.
   *
   * @param place the location of the storages
   * @param root the object, whose ids have the types
   * @param keys the keys in the order of the storages
   * @return the storages
   * @throws IOException if the file cannot be mapped
   * @throws ModelFormatException if a storage is missing, cut off, or has another size
   */
  public static LegacyStorages read(Place place, PickleValue root, List<String> keys)
      throws IOException {
    LegacyStorages storages = new LegacyStorages(place);
    Map<String, StorageId> ids = new HashMap<>();
    for (PicklePersistent persistent : PickleWalk.persistentIds(root)) {
      StorageId id = StorageId.of(persistent, place.label(), "");
      ids.putIfAbsent(id.key(), id);
    }
    long at = place.start();
    for (String key : keys) {
      StorageId id = ids.get(key);
      if (id == null) {
        throw storages.fault(
            Reason.RECORD_MISSING, key, "no tensor names it, so its type is not known.");
      }
      at = storages.add(key, id, at);
    }
    return storages;
  }

  private long add(String key, StorageId id, long at) throws IOException {
    long left = place.file().size() - at;
    if (left < LENGTH_BYTES) {
      throw fault(Reason.TRUNCATED, key, "the file ends before it.");
    }
    ByteBuffer length = place.file().slice(at, LENGTH_BYTES);
    // Written in the byte order of the machine, as is the data.
    long elements = place.bigEndian() ? Long.reverseBytes(length.getLong()) : length.getLong();
    if (elements < 0 || elements != id.elements()) {
      throw fault(
          Reason.RECORD_SIZE,
          key,
          "has " + elements + " elements, the tensors name " + id.elements() + ".");
    }
    if (elements > (left - LENGTH_BYTES) / id.elementBytes()) {
      throw fault(
          Reason.TRUNCATED,
          key,
          "has "
              + elements
              + " elements of "
              + id.elementBytes()
              + " bytes, only "
              + (left - LENGTH_BYTES)
              + " bytes follow.");
    }
    long size = elements * id.elementBytes();
    long start = at + LENGTH_BYTES;
    if (storages.put(key, new FileStorage(place, "storage " + key, start, size)) != null) {
      throw fault(Reason.DUPLICATE_KEY, key, "is named twice among the keys.");
    }
    return start + size;
  }

  /**
   * {@return a reader of tensors in these storages}
   *
   * @param limits bounds on sizes and counts read from untrusted input
   */
  public TensorReader tensors(ReadLimits limits) {
    return new TensorReader(place.label(), limits, this::find);
  }

  private Storage find(StorageId id, String where) {
    FileStorage storage = storages.get(id.key());
    if (storage == null) {
      throw new ModelFormatException(
          Reason.RECORD_MISSING,
          place.label(),
          where,
          "its storage " + quote(id.key()) + " is not among the storage keys." + AGAIN);
    }
    if (id.view().isEmpty()) {
      return storage;
    }
    StorageId.View view = id.view().get();
    if (view.offset() < 0
        || view.elements() < 0
        || view.offset() > id.elements() - view.elements()) {
      throw new ModelFormatException(
          Reason.TENSOR_BOUNDS,
          place.label(),
          where,
          "its storage is elements "
              + view.offset()
              + " on, "
              + view.elements()
              + " of them, of one that has "
              + id.elements()
              + "."
              + AGAIN);
    }
    return new FileStorage(
        place,
        storage.label() + " from " + view.offset() + " on",
        storage.start() + view.offset() * id.elementBytes(),
        view.elements() * id.elementBytes());
  }

  private ModelFormatException fault(Reason reason, String key, String detail) {
    return new ModelFormatException(reason, place.label(), "storage " + quote(key), detail + AGAIN);
  }

  /** A range of the file; there are no checksums. */
  private record FileStorage(Place place, String label, long start, long size) implements Storage {

    @Override
    public boolean bigEndian() {
      return place.bigEndian();
    }

    @Override
    public ByteBuffer slice(long offset, int length) throws IOException {
      return place.file().slice(start + offset, length);
    }
  }
}
