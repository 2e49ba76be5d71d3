package dev.monoquant.files.testing;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.Provenance;
import dev.monoquant.spi.WriteOptions;
import dev.monoquant.testkit.fakes.MemoryModel;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * A random model: kept tensors, and quantized weights with the cells of every part. The bytes are
 * drawn, not computed: formats carry them and know no arithmetic.
 */
public final class Sample {

  private final Random random;
  public final Map<TensorInfo, byte[]> kept = new LinkedHashMap<>();
  public final Map<EncodedWeight, Map<String, byte[]>> weights = new LinkedHashMap<>();
  public final Map<String, String> metadata = new LinkedHashMap<>();
  public final List<Layer> layers = new ArrayList<>();

  public Sample(long seed) {
    this.random = new Random(seed);
  }

  public Random random() {
    return random;
  }

  public Sample keep(TensorInfo tensor) {
    byte[] bytes = new byte[(int) tensor.bytes()];
    random.nextBytes(bytes);
    kept.put(tensor, bytes);
    return this;
  }

  public Sample keep(String name, ElementType type, long... dims) {
    return keep(new TensorInfo(name, type, TensorShape.of(dims)));
  }

  public Sample quantize(EncodedWeight weight) {
    WeightMatrix rows = weight.matrix();
    Map<String, byte[]> parts = new LinkedHashMap<>();
    for (Part part : weight.encoding().parts()) {
      long cells = part.shape(rows.rowCount(), rows.columnCount()).elements();
      byte[] bytes = new byte[(int) cells * part.type().cellBytes()];
      random.nextBytes(bytes);
      if (part.type().bits() < 8 && part.type().isCode()) {
        int span = part.type().maxCode() - part.type().minCode() + 1;
        for (int i = 0; i < bytes.length; i++) {
          bytes[i] = (byte) (part.type().minCode() + (bytes[i] & 0xff) % span);
        }
      } else if (part.type().bits() < 8) {
        for (int i = 0; i < bytes.length; i++) {
          bytes[i] &= (byte) ((1 << part.type().bits()) - 1);
        }
      }
      parts.put(part.name(), bytes);
    }
    weights.put(weight, parts);
    return this;
  }

  public Sample layer(String name, LayerKind kind, TensorInfo... tensors) {
    Map<String, TensorInfo> local = new LinkedHashMap<>();
    for (TensorInfo t : tensors) {
      local.put(t.name().substring(t.name().lastIndexOf('.') + 1), t);
    }
    layers.add(new Layer(name, kind, Layer.Evidence.CONFIGURED, local));
    return this;
  }

  /** What is kept, with the metadata, as a model of its own. */
  public MemoryModel.Builder model() {
    MemoryModel.Builder model = MemoryModel.named("memory").metadata(metadata);
    kept.forEach(model::tensor);
    return model;
  }

  public ModelSource source() {
    return model().build().open();
  }

  /** What an output of this holds. */
  public OutputContents contents(Optional<Provenance> provenance) {
    return new OutputContents(
        layers, List.copyOf(weights.keySet()), List.copyOf(kept.keySet()), provenance);
  }

  public Request request(Path target, boolean overwrite, ModelSource source) {
    return new Request(
        source,
        contents(Optional.of(Provenance.of("test", "1"))),
        new WriteOptions(target, overwrite, random.nextBoolean(), false));
  }

  public Request request(Path target) {
    return request(target, false, source());
  }

  /** Writes everything by several threads in random pieces and order. */
  public List<Path> write(OutputFormat format, Request request) throws IOException {
    try (OutputWriter sink = request.open(format)) {
      fill(sink);
      return sink.commit();
    }
  }

  public void fill(OutputWriter sink) throws IOException {
    List<Job> jobs = new ArrayList<>();
    kept.forEach((tensor, bytes) -> keptJobs(sink, jobs, tensor, bytes));
    weights.forEach((weight, parts) -> weightJobs(sink, jobs, weight, parts));
    java.util.Collections.shuffle(jobs, random);
    ExecutorService pool = Executors.newFixedThreadPool(3);
    try {
      List<Future<?>> running = new ArrayList<>();
      for (Job job : jobs) {
        running.add(
            pool.submit(
                () -> {
                  job.run();
                  return null;
                }));
      }
      for (Future<?> f : running) {
        f.get();
      }
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException io) {
        throw io;
      }
      if (e.getCause() instanceof RuntimeException r) {
        throw r;
      }
      throw new AssertionError(e.getCause());
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    } finally {
      pool.shutdownNow();
    }
  }

  private interface Job {
    void run() throws IOException;
  }

  private void keptJobs(OutputWriter sink, List<Job> jobs, TensorInfo tensor, byte[] bytes) {
    int at = 0;
    while (at < bytes.length) {
      int from = at;
      int length = Math.min(bytes.length - at, 1 + random.nextInt(300));
      ByteBuffer data = ByteBuffer.wrap(bytes, from, length);
      jobs.add(() -> sink.writeKept(tensor, from, data));
      at += length;
    }
  }

  private void weightJobs(
      OutputWriter sink, List<Job> jobs, EncodedWeight weight, Map<String, byte[]> parts) {
    Map<String, byte[]> whole = new LinkedHashMap<>();
    weight.encoding().parts().stream()
        .filter(p -> !p.tiled())
        .forEach(p -> whole.put(p.name(), parts.get(p.name())));
    jobs.add(() -> sink.writeWhole(weight, whole));
    int alignment = weight.encoding().rowAlignment();
    long row = 0;
    while (row < weight.matrix().rowCount()) {
      int height =
          (int)
              Math.min(
                  weight.matrix().rowCount() - row, (long) alignment * (1 + random.nextInt(4)));
      EncodedTile tile = tile(weight, parts, row, height);
      jobs.add(() -> sink.writeTile(weight, tile));
      row += height;
    }
  }

  /** Some rows. */
  public static EncodedTile tile(
      EncodedWeight weight, Map<String, byte[]> parts, long firstRow, int height) {
    RowRange rows = new RowRange(firstRow, height);
    return new EncodedTile(0, Math.toIntExact(weight.matrix().rowCount()), parts)
        .slice(weight.encoding(), rows);
  }
}
