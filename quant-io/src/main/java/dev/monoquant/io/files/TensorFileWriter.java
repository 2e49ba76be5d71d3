package dev.monoquant.io.files;

import dev.monoquant.ValidationException;
import dev.monoquant.spi.ReadLimits;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.TreeMap;

/**
 * A safetensors file in the making. Pieces of tensors are written by many threads in any order; the
 * file is then read again as any other and compared with what was planned and written.
 */
public final class TensorFileWriter implements Closeable {

  private final SafetensorsLayout layout;
  private final StagedFile file;

  /**
   * Starts the file and writes its header.
   *
   * @param staging where the file is made
   * @param name its name relative to the target; empty if the output is a file
   * @param layout what it will hold
   * @throws IOException if writing fails
   */
  public TensorFileWriter(Staging staging, String name, SafetensorsLayout layout)
      throws IOException {
    this.layout = layout;
    this.file = staging.create(name, layout.fileBytes());
    try {
      file.write(0, ByteBuffer.wrap(layout.headerBytes()));
    } catch (IOException | RuntimeException | Error e) {
      file.close();
      throw e;
    }
  }

  /**
   * Writes a piece of a tensor; thread-safe.
   *
   * @param tensor the name of one of the layout's tensors
   * @param offset first byte within its data
   * @param data the bytes; consumed
   * @throws IOException if writing fails
   */
  public void write(String tensor, long offset, ByteBuffer data) throws IOException {
    StoredTensor place = layout.tensor(tensor);
    if (offset < 0 || offset > place.bytes() - data.remaining()) {
      throw new IllegalArgumentException(
          "bytes "
              + offset
              + " to "
              + (offset + data.remaining())
              + " of tensor "
              + tensor
              + ", which has "
              + place.bytes());
    }
    file.write(layout.headerBytes().length + place.begin() + offset, data);
  }

  /**
   * Flushes and closes the file, reads it again with the real reader, and compares header and data.
   *
   * @throws IOException if writing or reading fails
   * @throws ValidationException if what is read back is not what was written
   */
  public void finish() throws IOException {
    file.seal();
    file.audit();
    ReadLimits all =
        new ReadLimits(
            Long.MAX_VALUE,
            Long.MAX_VALUE,
            Integer.MAX_VALUE,
            Integer.MAX_VALUE,
            Integer.MAX_VALUE,
            ReadLimits.DEFAULT.maxDepth(),
            Integer.MAX_VALUE);
    try (SafetensorsFile read = SafetensorsFile.open(file.path(), file.path().toString(), all)) {
      // Empty tensors share their offset with a neighbour: the reader's order of those is free.
      boolean same =
          read.tensors().size() == layout.tensors().size()
              && layout.tensors().stream().allMatch(t -> t.equals(read.find(t.name()).orElse(null)))
              && new TreeMap<>(read.metadata()).equals(new TreeMap<>(layout.metadata()));
      if (!same) {
        throw new ValidationException(
            file.path() + ": the header read back is not the header that was written.");
      }
    }
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
