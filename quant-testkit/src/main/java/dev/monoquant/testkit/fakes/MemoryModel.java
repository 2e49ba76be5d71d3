package dev.monoquant.testkit.fakes;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.Layer;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.SideFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A model in memory, which can be opened any number of times and counts sources that were not
 * closed.
 *
 * <p>A {@link MemoryFormat} makes it an input of the pipeline. Immutable except for the counts;
 * thread-safe.
 */
public final class MemoryModel {

  private final String name;
  private final Map<TensorInfo, byte[]> tensors;
  private final ModelInfo info;
  private final AtomicInteger open = new AtomicInteger();
  private final AtomicLong reads = new AtomicLong();

  private MemoryModel(Builder builder) {
    this.name = builder.name;
    this.tensors = new LinkedHashMap<>(builder.tensors);
    this.info =
        ModelInfo.of(name, List.copyOf(tensors.keySet()))
            .withLayers(builder.layers)
            .withTies(builder.ties)
            .withMetadata(builder.metadata)
            .withNotes(builder.notes)
            .withSideFiles(builder.sideFiles)
            .withFiles(builder.files);
  }

  /**
   * {@return a builder of a model without tensors}
   *
   * @param name its name in {@link #input()} and in messages
   */
  public static Builder named(String name) {
    return new Builder(name);
  }

  /** Collects tensors. Not thread-safe. */
  public static final class Builder {
    private final String name;
    private final Map<TensorInfo, byte[]> tensors = new LinkedHashMap<>();
    private final List<Layer> layers = new ArrayList<>();
    private final Map<String, String> ties = new LinkedHashMap<>();
    private final Map<String, String> metadata = new LinkedHashMap<>();
    private final List<String> notes = new ArrayList<>();
    private final List<SideFile> sideFiles = new ArrayList<>();
    private final List<Path> files = new ArrayList<>();

    private Builder(String name) {
      this.name = requireNonNull(name, "name");
    }

    /**
     * {@return this}
     *
     * @param tensor a tensor
     * @param data its bytes, little-endian; copied
     * @throws IllegalArgumentException if the number of bytes is wrong
     */
    public Builder tensor(TensorInfo tensor, byte[] data) {
      if (data.length != tensor.bytes()) {
        throw new IllegalArgumentException(
            "%s has %d bytes, not %d".formatted(tensor, tensor.bytes(), data.length));
      }
      tensors.put(tensor, data.clone());
      return this;
    }

    /**
     * {@return this}
     *
     * @param tensorName the full name
     * @param type FLOAT16, BFLOAT16, FLOAT32 or FLOAT64
     * @param shape the dimensions
     * @param values the values, rounded to the type
     */
    public Builder floats(String tensorName, ElementType type, TensorShape shape, float... values) {
      byte[] data = new byte[Math.multiplyExact(values.length, type.cellBytes())];
      FloatBytes.narrow(type, values, 0, values.length, data, 0);
      return tensor(new TensorInfo(tensorName, type, shape), data);
    }

    /**
     * A FLOAT32 tensor of the sines of 1, 2, 3 and so on: between -1 and 1, none zero, no two
     * equal.
     *
     * @param tensorName the full name
     * @param dims the dimensions
     * @return this
     */
    public Builder sines(String tensorName, long... dims) {
      TensorShape shape = TensorShape.of(dims);
      float[] values = new float[Math.toIntExact(shape.elements())];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) Math.sin(i + 1);
      }
      return floats(tensorName, ElementType.FLOAT32, shape, values);
    }

    /**
     * {@return this}
     *
     * @param layer a layer that the model declares
     */
    public Builder layer(Layer layer) {
      layers.add(layer);
      return this;
    }

    /**
     * {@return this}
     *
     * @param tensorName the name of a tensor
     * @param first the name of an earlier tensor that it is tied to
     */
    public Builder tie(String tensorName, String first) {
      ties.put(tensorName, first);
      return this;
    }

    /**
     * {@return this}
     *
     * @param text metadata of the model, added to earlier metadata
     */
    public Builder metadata(Map<String, String> text) {
      metadata.putAll(text);
      return this;
    }

    /**
     * {@return this}
     *
     * @param note a note of the reader for the user
     */
    public Builder note(String note) {
      notes.add(note);
      return this;
    }

    /**
     * {@return this}
     *
     * @param files side files of the model
     */
    public Builder sideFiles(List<SideFile> files) {
      sideFiles.addAll(files);
      return this;
    }

    /**
     * {@return this}
     *
     * @param paths the files that the model claims to be read from
     */
    public Builder files(List<Path> paths) {
      files.addAll(paths);
      return this;
    }

    /** {@return the model} */
    public MemoryModel build() {
      return new MemoryModel(this);
    }
  }

  /** {@return its name} */
  public String name() {
    return name;
  }

  /** {@return the tensors in order} */
  public List<TensorInfo> tensors() {
    return info.tensors();
  }

  /**
   * {@return a copy of the bytes of a tensor}
   *
   * @param tensorName the name of one of {@link #tensors()}
   * @throws IllegalArgumentException if there is no such tensor
   */
  public byte[] data(String tensorName) {
    return tensors.entrySet().stream()
        .filter(tensor -> tensor.getKey().name().equals(tensorName))
        .map(tensor -> tensor.getValue().clone())
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException(name + " has no tensor " + tensorName));
  }

  /** {@return the input for this model: a path that does not exist} */
  public ModelInput input() {
    return ModelInput.of(Path.of(name));
  }

  /** {@return a new source over this model; the caller closes it} */
  public ModelSource open() {
    open.incrementAndGet();
    return new Source();
  }

  /** {@return the number of open sources} */
  public int openSources() {
    return open.get();
  }

  /** {@return the number of reads, over all sources} */
  public long reads() {
    return reads.get();
  }

  private final class Source implements ModelSource {
    private volatile boolean closed;

    @Override
    public ModelInfo info() {
      return info;
    }

    @Override
    public ByteBuffer read(TensorInfo tensor, long offset, int length) {
      requireOpen();
      reads.incrementAndGet();
      byte[] data = tensors.get(tensor);
      if (data == null) {
        throw new IllegalArgumentException(name + " has no tensor " + tensor);
      }
      int from = Math.toIntExact(offset);
      if (from < 0 || length < 0 || from > data.length - length) {
        throw new IndexOutOfBoundsException(
            "%d bytes from %d on of the %d of %s".formatted(length, offset, data.length, tensor));
      }
      byte[] copy = Arrays.copyOfRange(data, from, from + length);
      return ByteBuffer.wrap(copy).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }

    private void requireOpen() {
      if (closed) {
        throw new IllegalStateException(name + " is used after it was closed");
      }
    }

    @Override
    public void close() {
      if (!closed) {
        closed = true;
        open.decrementAndGet();
      }
    }
  }
}
