package dev.monoquant.files.output;

import static dev.monoquant.QuantException.quote;
import static java.util.Objects.requireNonNull;

import dev.monoquant.ValidationException;
import dev.monoquant.files.manifest.HashPool;
import dev.monoquant.files.manifest.Manifest;
import dev.monoquant.files.safetensors.SafetensorsFile;
import dev.monoquant.files.safetensors.SafetensorsLayout;
import dev.monoquant.files.safetensors.StoredTensor;
import dev.monoquant.spi.ReadLimits;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;

/**
 * A safetensors file in the making. Pieces of tensors are written by many threads in any order; the
 * file is then read again as any other and compared with what was planned and written.
 */
public final class TensorFileWriter implements Closeable {

  private final SafetensorsLayout layout;
  private final StagedFile file;
  private final HashPool pool;
  private final Map<String, AtomicLong> missing = new HashMap<>();
  private final AtomicLong unwritten;
  private final Map<String, Future<String>> hashes = new ConcurrentHashMap<>();

  /**
   * Starts the file. Its header is written last, so that half a file is never taken for a whole.
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
    this.pool = staging.pool();
    this.unwritten = new AtomicLong(layout.dataBytes());
    for (StoredTensor tensor : layout.tensors()) {
      missing.put(tensor.name(), new AtomicLong(tensor.bytes()));
      if (tensor.bytes() == 0) {
        hash(tensor);
      }
    }
  }

  /** What is complete is read back and hashed in the background, while others are in work. */
  private void hash(StoredTensor tensor) {
    long from = layout.headerBytes().length + tensor.begin();
    hashes.put(tensor.name(), pool.submit(file::read, from, tensor.bytes()));
  }

  /**
   * Writes a piece of a tensor; thread-safe.
   *
   * @param tensor the name of one of the layout's tensors
   * @param offset first byte within its data
   * @param data the bytes; consumed
   * @return whether these were the last bytes missing in the whole file; true to one caller
   * @throws IOException if writing fails
   */
  public boolean write(String tensor, long offset, ByteBuffer data) throws IOException {
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
    int length = data.remaining();
    file.write(layout.headerBytes().length + place.begin() + offset, data);
    if (length > 0 && requireNonNull(missing.get(tensor)).addAndGet(-length) == 0) {
      hash(place);
    }
    return length > 0 && unwritten.addAndGet(-length) == 0;
  }

  /**
   * Waits for the SHA-256 of every tensor; what was written is flushed meanwhile.
   *
   * @return the hashes by name
   * @throws IOException if reading fails
   * @throws IllegalStateException if a tensor is not complete
   */
  public SortedMap<String, String> hashes() throws IOException {
    file.flushSoon();
    SortedMap<String, String> all = Manifest.sorted();
    for (StoredTensor tensor : layout.tensors()) {
      Future<String> hash = hashes.get(tensor.name());
      if (hash == null) {
        throw new IllegalStateException(
            file.path()
                + ": tensor "
                + quote(tensor.name())
                + " was not written exactly once; every byte of every tensor must be");
      }
      all.put(tensor.name(), HashPool.await(hash));
    }
    return all;
  }

  /** {@return the SHA-256 of the file up to its data} */
  public String headerHash() {
    return HashPool.hash(layout.headerBytes());
  }

  /**
   * Writes the header, flushes and closes the file, reads it again with the real reader, and
   * compares header and data.
   *
   * @throws IOException if writing or reading fails
   * @throws ValidationException if what is read back is not what was written
   */
  public void finish() throws IOException {
    finish(layout);
  }

  /**
   * Finishes with a manifest in the header.
   *
   * @param withManifest makes the final layout, whose header must be as long as that announced
   * @param inputs hashes of the input files by name
   * @throws IOException if writing or reading fails
   * @throws ValidationException if what is read back is not what was written
   */
  public void finish(
      Function<Manifest, SafetensorsLayout> withManifest, SortedMap<String, String> inputs)
      throws IOException {
    Manifest open = Manifest.of(inputs, hashes());
    byte[] header = withManifest.apply(open).headerBytes();
    finish(withManifest.apply(open.withSelf(HashPool.hash(header))));
  }

  private void finish(SafetensorsLayout complete) throws IOException {
    hashes();
    if (complete.headerBytes().length != layout.headerBytes().length) {
      throw new IllegalStateException(
          "the header has "
              + complete.headerBytes().length
              + " bytes, announced were "
              + layout.headerBytes().length);
    }
    file.write(0, ByteBuffer.wrap(complete.headerBytes()));
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
              && new TreeMap<>(read.metadata()).equals(new TreeMap<>(complete.metadata()));
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
