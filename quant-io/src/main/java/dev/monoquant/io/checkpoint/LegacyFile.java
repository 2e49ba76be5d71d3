package dev.monoquant.io.checkpoint;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.input.MappedFile;
import dev.monoquant.files.pickle.PickleDict;
import dev.monoquant.files.pickle.PickleList;
import dev.monoquant.files.pickle.PickleReader;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.files.torch.LegacyStorages;
import dev.monoquant.files.torch.TorchGlobals;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads the format that {@code torch.save} wrote before 1.6, and still writes without its zip file:
 * five pickles, then the storages.
 *
 * <p>The pickles are a magic number, the protocol 1001, a dict about the system (its byte order),
 * the object, and the keys of the storages; then for each key, in this order, the number of its
 * elements in 64 bits and its bytes. Bytes after the last storage are ignored, since one file may
 * hold several objects.
 */
final class LegacyFile {

  /** {@code LONG1} of 10 bytes, 0x1950a86a20f9469cfc6c. */
  private static final byte[] MAGIC = {
    (byte) 0x8a,
    10,
    0x6c,
    (byte) 0xfc,
    (byte) 0x9c,
    0x46,
    (byte) 0xf9,
    0x20,
    0x6a,
    (byte) 0xa8,
    0x50,
    0x19
  };

  private static final String OBJECT = "the object";
  private static final int PROTOCOL = 1001;
  private static final int MAX_BEFORE_MAGIC = 16;

  private final MappedFile file;
  private final String label;
  private final ReadLimits limits;
  private long at;

  private LegacyFile(MappedFile file, String label, ReadLimits limits) {
    this.file = file;
    this.label = label;
    this.limits = limits;
  }

  /**
   * {@return whether a file begins with the magic number}
   *
   * @param head its first bytes, not consumed
   */
  static boolean fits(ByteBuffer head) {
    if (head.remaining() < 2 || head.get(0) != (byte) 0x80) {
      return false;
    }
    for (int from = 2; from < MAX_BEFORE_MAGIC; from++) {
      if (head.remaining() >= from + MAGIC.length
          && head.slice(from, MAGIC.length).equals(ByteBuffer.wrap(MAGIC))) {
        return true;
      }
    }
    return false;
  }

  static CheckpointFile open(Path path, String label, ReadLimits limits) throws IOException {
    MappedFile file = MappedFile.open(path);
    try {
      return new LegacyFile(file, label, limits).read();
    } catch (IOException | RuntimeException | Error e) {
      file.close();
      throw e;
    }
  }

  private CheckpointFile read() throws IOException {
    pickle("the magic number");
    PickleValue protocol = pickle("the protocol");
    if (!(protocol instanceof PickleValue.Int number) || number.value() != PROTOCOL) {
      String is =
          protocol instanceof PickleValue.Int n ? Long.toString(n.value()) : protocol.kind();
      throw fault(
          Reason.VERSION, "the protocol", "is " + is + "; " + PROTOCOL + " is the only one known.");
    }
    boolean bigEndian = bigEndian(pickle("the system"));
    ForeignObjects objects = ForeignObjects.of(inert(), label, OBJECT, limits);
    List<String> keys = keys(pickle("the storage keys"));
    LegacyStorages storages =
        LegacyStorages.read(
            new LegacyStorages.Place(file, label, at, bigEndian), objects.root(), keys);
    return new CheckpointFile(label, objects, objects.contents(), storages.tensors(limits), file);
  }

  private PickleValue pickle(String what) throws IOException {
    PickleReader.Read read =
        PickleReader.read(rest(), label, what, limits, TorchGlobals::inCheckpoint);
    at += read.bytes();
    return read.root();
  }

  /** Reads the object itself, which may hold more than weights. */
  private PickleReader.Read inert() throws IOException {
    PickleReader.Read read =
        PickleReader.readInert(rest(), label, OBJECT, limits, TorchGlobals::inCheckpoint);
    at += read.bytes();
    return read;
  }

  private ByteBuffer rest() throws IOException {
    return file.slice(at, (int) Math.min(file.size() - at, Integer.MAX_VALUE));
  }

  private boolean bigEndian(PickleValue system) {
    if (system instanceof PickleDict dict
        && dict.find("little_endian").orElse(null) instanceof PickleValue.Bool little) {
      return !little.value();
    }
    throw fault(
        Reason.BYTEORDER, "the system", "does not tell the byte order by \"little_endian\".");
  }

  private List<String> keys(PickleValue value) {
    if (!(value instanceof PickleList list)) {
      throw fault(Reason.PICKLE_SHAPE, "the storage keys", "are " + value.kind() + ", not a list.");
    }
    List<String> keys = new ArrayList<>();
    for (PickleValue key : list.items()) {
      if (!(key instanceof PickleValue.Text text)) {
        throw fault(Reason.PICKLE_SHAPE, "the storage keys", "hold " + key.kind() + ".");
      }
      keys.add(text.value());
    }
    return keys;
  }

  private ModelFormatException fault(Reason reason, String what, String detail) {
    return new ModelFormatException(
        reason, label, quote(what), detail + " The file is damaged or of an unknown kind.");
  }
}
