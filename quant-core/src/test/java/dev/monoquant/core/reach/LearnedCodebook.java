package dev.monoquant.core.reach;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.TileDecoder;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.Tile;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Sixteen levels learned from a sample of the tensor (k-means), the extremes among them. */
final class LearnedCodebook extends ReachScheme {

  static final OptionSpec<Integer> ITERATIONS =
      OptionSpec.integer("iterations", 50, 0, 1000, "Steps of k-means");

  private static final int LEVELS = 16;

  LearnedCodebook() {
    super("kmeans", 4, false, "tensor", List.of(ITERATIONS));
  }

  @Override
  Encoding parts(WeightMatrix rows, OptionValues options) {
    return Encoding.opaque(
        Part.perElement(Part.CODES, ElementType.UINT4),
        new Part("codebook", ElementType.FLOAT32, new Part.Whole(TensorShape.of(LEVELS))));
  }

  @Override
  public Set<Need> needs(OptionValues options) {
    return Set.of(Need.TENSOR_RANGE, Need.TENSOR_SAMPLE);
  }

  @Override
  public TileQuantizer begin(
      WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
    float[] sample = facts.sample();
    Arrays.sort(sample);
    float[] levels = new float[LEVELS];
    for (int k = 0; k < LEVELS; k++) {
      levels[k] = sample[(int) ((long) k * (sample.length - 1) / (LEVELS - 1))];
    }
    for (int step = 0; step < options.get(ITERATIONS); step++) {
      levels = means(sample, levels);
    }
    levels[0] = facts.range().min();
    levels[LEVELS - 1] = facts.range().max();
    return new Worker(levels);
  }

  private static float[] means(float[] sample, float[] levels) {
    double[] sums = new double[levels.length];
    int[] counts = new int[levels.length];
    for (float x : sample) {
      int level = nearest(levels, x);
      sums[level] += x;
      counts[level]++;
    }
    float[] means = levels.clone();
    for (int k = 0; k < means.length; k++) {
      means[k] = counts[k] == 0 ? levels[k] : (float) (sums[k] / counts[k]);
    }
    Arrays.sort(means);
    return means;
  }

  private static final class Worker implements TileQuantizer {
    private final float[] levels;

    Worker(float[] levels) {
      this.levels = levels;
    }

    @Override
    public EncodedTile quantize(Tile tile) {
      byte[] codes = new byte[tile.height() * tile.cols()];
      for (int i = 0; i < codes.length; i++) {
        codes[i] = (byte) nearest(levels, tile.values()[i]);
      }
      return EncodedTile.of(tile, Map.of(Part.CODES, codes));
    }

    @Override
    public Map<String, byte[]> tensorParts() {
      return Map.of("codebook", bytes(levels));
    }
  }

  @Override
  public Optional<TileDecoder> decoder(WeightMatrix rows, OptionValues options) {
    int cols = Math.toIntExact(rows.columnCount());
    return decoder(
        rows, (tile, r, c) -> floatAt(tile.part("codebook"), tile.part(Part.CODES)[r * cols + c]));
  }
}
