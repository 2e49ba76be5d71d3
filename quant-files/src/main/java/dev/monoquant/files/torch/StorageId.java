package dev.monoquant.files.torch;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.QuantException;
import dev.monoquant.files.pickle.PicklePersistent;
import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.files.pickle.PickleValue.Global;
import dev.monoquant.files.pickle.PickleValue.Int;
import dev.monoquant.files.pickle.PickleValue.None;
import dev.monoquant.files.pickle.PickleValue.Text;
import java.util.Optional;

/**
 * The persistent id of a storage in a pickle: {@code ('storage', class, key, location, numel)}, in
 * the legacy format with a view of another storage as sixth item.
 *
 * @param type the type of its elements; empty if it is untyped
 * @param key its key in the file
 * @param elements the number of elements, or of bytes if it is untyped
 * @param view the part of the storage, in elements; only in the legacy format
 */
record StorageId(Optional<TorchTypes.Entry> type, String key, long elements, Optional<View> view) {

  /**
   * A part of a storage that is used as a storage.
   *
   * @param offset its first element
   * @param elements the number of elements
   */
  record View(long offset, long elements) {}

  /** {@return the size in bytes of an element} */
  int elementBytes() {
    return type.map(TorchTypes.Entry::bytes).orElse(1);
  }

  /**
   * Reads a persistent id.
   *
   * @param persistent the reference to the storage
   * @param file the file, for messages
   * @param where the tensor, for messages
   */
  static StorageId of(PicklePersistent persistent, String file, String where) {
    if (!(persistent.id() instanceof PickleTuple id)) {
      throw fault(file, where, "is " + persistent.id().kind() + ", not a tuple");
    }
    if (id.size() == 0 || !id.get(0).equals(new Text("storage"))) {
      String kind =
          id.size() > 0 && id.get(0) instanceof Text t ? QuantException.quote(t.value()) : "none";
      throw fault(file, where, "is of kind " + kind + ", only \"storage\" is known");
    }
    if (id.size() < 5
        || id.size() > 6
        || !(id.get(1) instanceof Global type)
        || !(id.get(3) instanceof Text)
        || !(id.get(4) instanceof Int elements)) {
      throw fault(
          file, where, "has " + id.size() + " parts that are not a class, key, location and size");
    }
    Optional<TorchTypes.Entry> known = TorchTypes.storage(type);
    if (known.isEmpty() && !TorchTypes.isUntyped(type)) {
      throw fault(
          file,
          where,
          "names " + QuantException.quote(type.path()) + ", which is no storage class");
    }
    Optional<View> view = id.size() == 6 ? view(id.get(5), file, where) : Optional.empty();
    return new StorageId(known, key(id.get(2), file, where), elements.value(), view);
  }

  private static String key(PickleValue key, String file, String where) {
    if (key instanceof Text text) {
      return text.value();
    }
    if (key instanceof Int number) {
      return Long.toString(number.value());
    }
    throw fault(file, where, "has " + key.kind() + " as its key");
  }

  private static Optional<View> view(PickleValue view, String file, String where) {
    if (view instanceof None) {
      return Optional.empty();
    }
    if (view instanceof PickleTuple t
        && t.size() == 3
        && t.get(1) instanceof Int offset
        && t.get(2) instanceof Int elements) {
      return Optional.of(new View(offset.value(), elements.value()));
    }
    throw fault(file, where, "has " + view.kind() + " as its view, not (key, offset, size)");
  }

  private static ModelFormatException fault(String file, String where, String detail) {
    return new ModelFormatException(
        Reason.PICKLE_SHAPE,
        file,
        where,
        "the persistent id of its storage "
            + detail
            + ". The file is damaged or of an unknown kind; save the model again with torch.save.");
  }
}
