package dev.monoquant.io.calibration;

import dev.monoquant.spi.Calibration;
import dev.monoquant.spi.InputStatistics;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * The importance matrix of a model of llama.cpp: mean squares of the inputs of layers, for several
 * experts in one tensor. Layers have the names of GGUF files and are found by those of
 * transformers, too ({@link GgufLayerNames}). An expert that no token reached has none.
 * Thread-safe.
 */
final class ImportanceMatrix implements Calibration {

  /** What a file has of a layer. */
  static final class Sums {

    private final float[] squares;
    private final float[] counts;

    /**
     * @param squares the sums of squares, one matrix after the other
     * @param counts for each matrix what its sums are divided by
     */
    Sums(float[] squares, float[] counts) {
      this.squares = squares;
      this.counts = counts;
    }
  }

  /**
   * One layer.
   *
   * @param matrices how many matrices it has; more than 1 for experts and heads
   * @param sums reads them
   */
  record Layer(int matrices, Supplier<Sums> sums) {}

  private final HashedFile file;
  private final Map<String, Layer> layers;
  private final Runnable release;
  private final Map<String, Optional<InputStatistics>> found = new ConcurrentHashMap<>();

  private String lastLayer = "";
  private Sums last = new Sums(new float[0], new float[0]);

  /**
   * @param layers by the name in GGUF files without {@code .weight}
   * @param release closes the file
   */
  ImportanceMatrix(Path file, Map<String, Layer> layers, Runnable release) {
    this.file = new HashedFile(file);
    this.layers = new TreeMap<>(layers);
    this.release = release;
  }

  @Override
  public String describe() {
    return file.describe();
  }

  @Override
  public String digest() {
    return file.digest();
  }

  @Override
  public Set<String> layers() {
    Set<String> names = new HashSet<>();
    layers.forEach(
        (name, layer) -> {
          for (int i = 0; i < layer.matrices(); i++) {
            names.add(layer.matrices() == 1 ? name : name + "." + i);
          }
        });
    return Set.copyOf(names);
  }

  @Override
  public Optional<InputStatistics> find(String layer) {
    return found.computeIfAbsent(layer, this::read);
  }

  private Optional<InputStatistics> read(String layer) {
    Optional<GgufLayerNames.Named> named =
        layers.containsKey(layer)
            ? Optional.of(new GgufLayerNames.Named(layer, 0))
            : GgufLayerNames.of(layer).or(() -> ofExpert(layer));
    if (named.isEmpty()) {
      return Optional.empty();
    }
    Layer there = layers.get(named.get().layer());
    // The name of a tensor with several matrices stands for none of them.
    return there == null || (there.matrices() > 1 && layers.containsKey(layer))
        ? Optional.empty()
        : statistics(named.get(), sums(named.get().layer(), there));
  }

  /** The experts of a tensor are asked for one after the other, and it is read once for them. */
  private synchronized Sums sums(String name, Layer layer) {
    if (!name.equals(lastLayer)) {
      last = layer.sums().get();
      lastLayer = name;
    }
    return last;
  }

  /** A name such as {@code blk.0.ffn_up_exps.7}. */
  private Optional<GgufLayerNames.Named> ofExpert(String layer) {
    int dot = layer.lastIndexOf('.');
    if (dot < 1 || !layers.containsKey(layer.substring(0, dot))) {
      return Optional.empty();
    }
    try {
      int expert = Integer.parseInt(layer.substring(dot + 1));
      return Optional.of(new GgufLayerNames.Named(layer.substring(0, dot), expert));
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }

  private static Optional<InputStatistics> statistics(GgufLayerNames.Named named, Sums sums) {
    int matrices = sums.counts.length;
    int columns = sums.squares.length / matrices;
    int expert = named.expert();
    if (expert < 0 || expert >= matrices || !(sums.counts[expert] > 0)) {
      return Optional.empty();
    }
    float[] squares = Arrays.copyOfRange(sums.squares, expert * columns, (expert + 1) * columns);
    for (int c = 0; c < columns; c++) {
      squares[c] /= sums.counts[expert];
    }
    // Each expert has inputs of its own, and so a name of its own.
    String own = matrices == 1 ? named.layer() : named.layer() + "." + expert;
    return Optional.of(InputStatistics.of(own).withMeanSquares(squares));
  }

  @Override
  public void close() {
    release.run();
  }
}
