package dev.monoquant.io.checkpoint;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.input.ForeignFile;
import dev.monoquant.files.input.MappedFile;
import dev.monoquant.files.pickle.PickleReader;
import dev.monoquant.files.torch.StateWalk;
import dev.monoquant.files.torch.TensorReader;
import dev.monoquant.files.torch.TorchGlobals;
import dev.monoquant.files.torch.TorchZip;
import dev.monoquant.spi.ReadLimits;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

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
}
