package dev.monoquant.testkit.fakes;

import static java.util.Objects.requireNonNull;

import dev.monoquant.layout.TensorPerPart;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;

/** The writer of an output in memory, and its result after the commit. Thread-safe. */
public final class MemoryWriter implements OutputWriter {

  private final Function<String, IllegalStateException> breach;
  private final Consumer<MemoryWriter> onCommit;
  private final OutputContents announced;
  private final Path target;
  private final Map<String, EncodedWeight> weights = new LinkedHashMap<>();
  private final Map<String, WeightLayout> layouts = new LinkedHashMap<>();
  private final Map<String, WeightLayout.Writer> writers = new LinkedHashMap<>();
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

  /**
   * @param breach records a breach of the protocol and makes the exception for it
   * @param onCommit receives the complete output
   */
  MemoryWriter(
      OutputContents announced,
      Path target,
      Function<String, IllegalStateException> breach,
      Consumer<MemoryWriter> onCommit) {
    this.breach = breach;
    this.onCommit = onCommit;
    this.announced = announced;
    this.target = target;
    for (EncodedWeight weight : announced.weights()) {
      weights.put(weight.name(), weight);
      WeightLayout layout = TensorPerPart.ofCells(weight.matrix(), weight.encoding());
      layout.tensors().forEach(tensor -> buffers.put(tensor.name(), new Buffer(tensor.bytes())));
      layouts.put(weight.name(), layout);
      writers.put(
          weight.name(), layout.writer((tensor, offset, data) -> put(tensor.name(), offset, data)));
    }
    for (TensorInfo tensor : announced.kept()) {
      buffers.put(tensor.name(), new Buffer(tensor.bytes()));
    }
  }

  @Override
  public synchronized void writeTile(EncodedWeight weight, EncodedTile tile) throws IOException {
    try {
      writer(weight).writeTile(tile);
    } catch (IllegalArgumentException | NoSuchElementException e) {
      throw breach.apply(String.valueOf(e.getMessage()));
    }
  }

  @Override
  public synchronized void writeWhole(EncodedWeight weight, Map<String, byte[]> parts)
      throws IOException {
    try {
      writer(weight).writeWhole(parts);
    } catch (IllegalArgumentException e) {
      throw breach.apply(String.valueOf(e.getMessage()));
    }
  }

  @Override
  public synchronized void writeKept(TensorInfo tensor, long offset, ByteBuffer data) {
    if (!announced.kept().contains(tensor)) {
      throw breach.apply(tensor + " is no kept tensor of the output");
    }
    put(tensor.name(), offset, data);
  }

  private WeightLayout.Writer writer(EncodedWeight weight) {
    if (!weight.equals(weights.get(weight.name()))) {
      throw breach.apply(weight.name() + " is no weight of the output");
    }
    return requireNonNull(writers.get(weight.name()));
  }

  private void put(String key, long offset, ByteBuffer data) {
    Buffer buffer = buffers.get(key);
    if (committed || closed) {
      throw breach.apply(key + " is written after " + (committed ? "the commit" : "the close"));
    }
    int length = data.remaining();
    if (buffer == null || offset < 0 || offset > buffer.bytes().length - length) {
      throw breach.apply("%d bytes at %d do not fit into %s".formatted(length, offset, key));
    }
    int from = (int) offset;
    int twice = buffer.written().nextSetBit(from);
    if (twice >= 0 && twice < from + length) {
      throw breach.apply("byte %d of %s is written twice".formatted(twice, key));
    }
    buffer.written().set(from, from + length);
    data.get(buffer.bytes(), from, length);
  }

  @Override
  public synchronized List<Path> commit() {
    if (committed || closed) {
      throw breach.apply(target + " is committed twice, or after the close");
    }
    buffers.forEach(
        (key, buffer) -> {
          int missing = buffer.written().nextClearBit(0);
          if (missing < buffer.bytes().length) {
            throw breach.apply("byte %d of %s was never written".formatted(missing, key));
          }
        });
    committed = true;
    onCommit.accept(this);
    return List.of(target);
  }

  @Override
  public synchronized void close() {
    closed = true;
  }

  synchronized boolean isClosed() {
    return closed;
  }

  /** {@return the announced contents} */
  public OutputContents announced() {
    return announced;
  }

  Path target() {
    return target;
  }

  /**
   * All written bytes, to compare runs with each other.
   *
   * @return copies of all bytes, by the name of an unquantized tensor or {@code weight/part}, in
   *     order
   */
  public synchronized Map<String, byte[]> contents() {
    Map<String, byte[]> all = new TreeMap<>();
    buffers.forEach((key, buffer) -> all.put(key, buffer.bytes().clone()));
    return all;
  }

  /**
   * A quantized weight as one tile, for a decoder.
   *
   * @param weight one of the announced weights
   * @return all its rows and all its parts
   */
  public synchronized EncodedTile tile(EncodedWeight weight) {
    WeightLayout layout = requireNonNull(layouts.get(weight.name()), weight.name());
    RowRange all = new RowRange(0, Math.toIntExact(weight.matrix().rowCount()));
    try {
      return layout.read(
          all,
          (tensor, offset, length) ->
              ByteBuffer.wrap(requireNonNull(buffers.get(tensor.name())).bytes())
                  .slice(Math.toIntExact(offset), length));
    } catch (IOException e) {
      throw new UncheckedIOException("memory cannot fail", e);
    }
  }
}
