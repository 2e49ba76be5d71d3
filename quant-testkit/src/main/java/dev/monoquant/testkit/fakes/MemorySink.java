package dev.monoquant.testkit.fakes;

import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Part;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What was written to a {@link MemoryOutput}: a sink while it is made, the result once it is
 * committed. Thread-safe.
 */
public final class MemorySink implements OutputWriter {

  private final MemoryOutput output;
  private final OutputContents announced;
  private final Path target;
  private final Map<String, EncodedWeight> weights = new LinkedHashMap<>();
  private final Map<String, Buffer> buffers = new LinkedHashMap<>();
  private boolean committed;
  private boolean closed;

  /** Bytes, and which of them were written. */
  @SuppressWarnings("ArrayRecordComponent")
  private record Buffer(byte[] bytes, BitSet written) {
    Buffer(long size) {
      this(new byte[Math.toIntExact(size)], new BitSet());
    }
  }

  MemorySink(MemoryOutput output, OutputContents announced, Path target) {
    this.output = output;
    this.announced = announced;
    this.target = target;
    for (EncodedWeight weight : announced.weights()) {
      weights.put(weight.name(), weight);
      for (Part part : weight.encoding().parts()) {
        long cells = part.shape(weight.rows().rows(), weight.rows().cols()).elements();
        buffers.put(key(weight, part), new Buffer(cells * part.type().cellBytes()));
      }
    }
    for (TensorInfo tensor : announced.kept()) {
      buffers.put(tensor.name(), new Buffer(tensor.bytes()));
    }
  }

  private static String key(EncodedWeight weight, Part part) {
    return weight.name() + "/" + part.name();
  }

  @Override
  public synchronized void writeTile(EncodedWeight weight, EncodedTile tile) {
    requireWeight(weight);
    for (Part part : weight.encoding().parts()) {
      if (part.extent() instanceof Part.Grid grid) {
        long rowBytes = grid.cellCols(weight.rows().cols()) * part.type().cellBytes();
        if (tile.firstRow() % grid.rowsPerCell() != 0) {
          throw output.breach(
              "a tile of %s starts at %d".formatted(weight.name(), tile.firstRow()));
        }
        long offset = tile.firstRow() / grid.rowsPerCell() * rowBytes;
        byte[] bytes = tile.part(part.name());
        if (bytes.length != grid.cellRows(tile.height()) * rowBytes) {
          throw output.breach(
              "%d bytes for %d rows of %s"
                  .formatted(bytes.length, tile.height(), key(weight, part)));
        }
        put(key(weight, part), offset, ByteBuffer.wrap(bytes));
      }
    }
  }

  @Override
  public synchronized void writeWhole(EncodedWeight weight, Map<String, byte[]> parts) {
    requireWeight(weight);
    for (Part part : weight.encoding().parts()) {
      if (!part.tiled()) {
        byte[] bytes = parts.get(part.name());
        if (bytes == null) {
          throw output.breach("no part " + key(weight, part) + " among " + parts.keySet());
        }
        put(key(weight, part), 0, ByteBuffer.wrap(bytes));
      }
    }
  }

  @Override
  public synchronized void writeKept(TensorInfo tensor, long offset, ByteBuffer data) {
    if (!announced.kept().contains(tensor)) {
      throw output.breach(tensor + " is no kept tensor of the output");
    }
    put(tensor.name(), offset, data);
  }

  private void requireWeight(EncodedWeight weight) {
    if (!weight.equals(weights.get(weight.name()))) {
      throw output.breach(weight.name() + " is no weight of the output");
    }
  }

  private void put(String key, long offset, ByteBuffer data) {
    Buffer buffer = buffers.get(key);
    if (committed || closed) {
      throw output.breach(key + " is written after " + (committed ? "the commit" : "the close"));
    }
    int length = data.remaining();
    if (buffer == null || offset < 0 || offset > buffer.bytes().length - length) {
      throw output.breach("%d bytes at %d do not fit into %s".formatted(length, offset, key));
    }
    int from = (int) offset;
    int twice = buffer.written().nextSetBit(from);
    if (twice >= 0 && twice < from + length) {
      throw output.breach("byte %d of %s is written twice".formatted(twice, key));
    }
    buffer.written().set(from, from + length);
    data.get(buffer.bytes(), from, length);
  }

  @Override
  public synchronized List<Path> commit() {
    if (committed || closed) {
      throw output.breach(target + " is committed twice, or after the close");
    }
    buffers.forEach(
        (key, buffer) -> {
          int missing = buffer.written().nextClearBit(0);
          if (missing < buffer.bytes().length) {
            throw output.breach("byte %d of %s was never written".formatted(missing, key));
          }
        });
    committed = true;
    output.commit(this);
    return List.of(target);
  }

  @Override
  public synchronized void close() {
    closed = true;
  }

  synchronized boolean isClosed() {
    return closed;
  }

  /** {@return what was announced} */
  public OutputContents announced() {
    return announced;
  }

  Path target() {
    return target;
  }

  /**
   * Everything that was written, to compare runs with each other.
   *
   * @return copies of all bytes, by the name of a kept tensor or {@code weight/part}, in order
   */
  public synchronized Map<String, byte[]> contents() {
    Map<String, byte[]> all = new TreeMap<>();
    buffers.forEach((key, buffer) -> all.put(key, buffer.bytes().clone()));
    return all;
  }

  /**
   * A quantized weight as one tile, for a decoder.
   *
   * @param weight one of the weights that were announced
   * @return all its rows and all its parts
   */
  public synchronized EncodedTile tile(EncodedWeight weight) {
    Map<String, byte[]> parts = new LinkedHashMap<>();
    Map<String, byte[]> all = contents();
    for (Part part : weight.encoding().parts()) {
      byte[] bytes = all.get(key(weight, part));
      if (bytes != null) {
        parts.put(part.name(), bytes);
      }
    }
    return new EncodedTile(0, Math.toIntExact(weight.rows().rows()), parts);
  }
}
