package dev.monoquant.io.checkpoint;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.input.ForeignFile;
import dev.monoquant.files.input.MappedFile;
import dev.monoquant.files.pickle.PickleDict;
import dev.monoquant.files.pickle.PickleList;
import dev.monoquant.files.pickle.PickleReader;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.files.torch.LegacyStorages;
import dev.monoquant.files.torch.StateWalk;
import dev.monoquant.files.torch.TensorReader;
import dev.monoquant.files.torch.TorchGlobals;
import dev.monoquant.files.torch.TorchZip;
import dev.monoquant.spi.ReadLimits;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * An open file of {@code torch.save}: the tensors in its pickle are found, but not yet read.
 *
 * @param label the file for messages
 * @param objects its pickle
 * @param contents the tensors in the order of the file, and the objects of unknown classes
 * @param reader reads the tensors
 * @param owned the open file
 */
record CheckpointFile(
    String label,
    ForeignObjects objects,
    StateWalk.Contents contents,
    TensorReader reader,
    Closeable owned)
    implements Closeable {

  private static final int SNIFF = 512;

  /**
   * Opens a zip archive or a legacy file.
   *
   * @param path the file
   * @param label its name for messages
   * @param limits bounds on sizes and counts read from untrusted input
   * @return the open file; the caller closes it
   */
  static CheckpointFile open(Path path, String label, ReadLimits limits) throws IOException {
    boolean zip;
    try (MappedFile file = MappedFile.open(path)) {
      ByteBuffer head = file.slice(0, (int) Math.min(file.size(), SNIFF));
      if (!head.hasRemaining()) {
        throw new ModelFormatException(
            Reason.TRUNCATED, label, "", "the file has 0 bytes. Fetch it again.");
      }
      zip = head.remaining() >= 2 && head.get(0) == 'P' && head.get(1) == 'K';
      if (!zip && !LegacyFile.fits(head)) {
        throw foreign(head, label);
      }
    }
    return zip ? openZip(path, label, limits) : LegacyFile.open(path, label, limits);
  }

  private static ModelFormatException foreign(ByteBuffer head, String label) {
    return new ModelFormatException(
        Reason.NOT_THIS_FORMAT,
        label,
        "",
        "this is "
            + ForeignFile.describe(head)
                .orElse("no file of torch.save. Give the checkpoint itself, or its safetensors."));
  }

  private static CheckpointFile openZip(Path path, String label, ReadLimits limits)
      throws IOException {
    TorchZip zip = TorchZip.open(path, label, limits);
    try {
      if (zip.isScript()) {
        throw new ModelFormatException(
            Reason.NOT_THIS_FORMAT,
            label,
            "",
            "this is a TorchScript archive, not a checkpoint. Read it as torchscript.");
      }
      ByteBuffer pickle = zip.pickle(TorchZip.PICKLE);
      PickleReader.Read read =
          PickleReader.readInert(
              pickle, label, TorchZip.PICKLE, limits, TorchGlobals::inCheckpoint);
      ForeignObjects objects = ForeignObjects.of(read, label, TorchZip.PICKLE, limits);
      PickleReader.whole(read, pickle, label, TorchZip.PICKLE);
      return new CheckpointFile(label, objects, objects.contents(), zip.tensors("data/"), zip);
    } catch (IOException | RuntimeException | Error e) {
      zip.close();
      throw e;
    }
  }

  @Override
  public void close() throws IOException {
    owned.close();
  }

  /**
   * Reads the format that {@code torch.save} wrote before 1.6, and still writes without its zip
   * file: five pickles, then the storages.
   *
   * <p>The pickles are a magic number, the protocol 1001, a dict about the system (its byte order),
   * the object, and the keys of the storages; then for each key, in this order, the number of its
   * elements in 64 bits and its bytes. Bytes after the last storage are ignored, since one file may
   * hold several objects.
   */
  static final class LegacyFile {

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
            Reason.VERSION,
            "the protocol",
            "is " + is + "; " + PROTOCOL + " is the only one known.");
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
        throw fault(
            Reason.PICKLE_SHAPE, "the storage keys", "are " + value.kind() + ", not a list.");
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
}
