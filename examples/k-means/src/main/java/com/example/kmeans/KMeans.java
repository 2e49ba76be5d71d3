package com.example.kmeans;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.ErrorBound;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Fit;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Part;
import java.util.List;
import java.util.Set;

/**
 * Sixteen levels for the whole weight, learned from a sample of its numbers by k-means. The least
 * and the greatest number are levels, so that no number lies beyond them.
 */
public final class KMeans implements Scheme {

  static final OptionSpec<Integer> ITERATIONS =
      OptionSpec.integer("iterations", 25, 0, 1000, "Iterations of k-means");

  static final int COUNT = 16;
  static final Part LEVELS =
      new Part("levels", ElementType.FLOAT32, new Part.Whole(TensorShape.of(COUNT)));

  @Override
  public SchemeId id() {
    return new SchemeId("example/k-means", 1);
  }

  @Override
  public List<OptionSpec<?>> options() {
    return List.of(
        CommonOptions.bits(4),
        CommonOptions.symmetric(false),
        CommonOptions.granularity("tensor"),
        CommonOptions.profile("example"),
        ITERATIONS);
  }

  @Override
  public Fit fit(WeightMatrix weight, OptionValues options) {
    return Fit.of(Encoding.lookup(Part.perElement(Part.CODES, ElementType.UINT4), LEVELS));
  }

  /** Both come from one reading pass before the first tile. */
  @Override
  public Set<Need> needs(OptionValues options) {
    return Set.of(Need.TENSOR_RANGE, Need.TENSOR_SAMPLE);
  }

  @Override
  public TileQuantizer begin(
      WeightMatrix weight, OptionValues options, Facts facts, Compute compute) {
    Levels levels = Levels.learn(facts, options.get(ITERATIONS), weight.tensor().type());
    return new LevelQuantizer(levels);
  }

  /** Half of the greatest gap: no number between the first and the last level is further off. */
  @Override
  public ErrorBound bound(WeightMatrix weight, OptionValues options) {
    return (tile, row) -> Levels.read(tile.part(LEVELS.name())).greatestGap() / 2;
  }
}
