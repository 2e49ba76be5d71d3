package com.example.kmeans;

import dev.monoquant.ConfigurationException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.ErrorBound;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.Options;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Sixteen levels for the whole weight, learned from a sample of its numbers by k-means. The least
 * and the greatest number are levels, so that no number lies beyond them.
 */
public final class KMeans implements Scheme {

  static final OptionSpec<Integer> ITERATIONS =
      OptionSpec.integer("iterations", 25, 0, 1000, "How often the levels move to their means");

  static final int COUNT = 16;
  static final Part LEVELS =
      new Part("levels", ElementType.FLOAT32, new Part.Whole(TensorShape.of(COUNT)));

  @Override
  public SchemeId id() {
    return new SchemeId("example/k-means", 1);
  }

  @Override
  public Options defaults(WeightMatrix rows) {
    return new Options(4, false, Granularity.TENSOR, "example", Compute.AUTO, Map.of());
  }

  @Override
  public List<OptionSpec<?>> options() {
    return List.of(ITERATIONS);
  }

  @Override
  public Encoding encoding(WeightMatrix rows, Options options) {
    Options fixed = options.withCompute(Compute.AUTO).withExtra(Map.of());
    if (!fixed.equals(defaults(rows))) {
      throw new ConfigurationException(
          "example/k-means has 4 bits, asymmetric, per tensor, profile example; not " + options);
    }
    return Encoding.lookup(Part.perElement(Part.CODES, ElementType.UINT4), LEVELS);
  }

  /** Both come from one reading pass before the first tile. */
  @Override
  public Set<Need> needs(Options options) {
    return Set.of(Need.TENSOR_RANGE, Need.TENSOR_SAMPLE);
  }

  @Override
  public TileQuantizer begin(WeightMatrix rows, Options options, Facts facts) {
    Levels levels = Levels.learn(facts, options.get(ITERATIONS), rows.tensor().type());
    return new LevelQuantizer(levels);
  }

  /** Half of the greatest gap: no number between the first and the last level is further off. */
  @Override
  public ErrorBound bound(WeightMatrix rows, Options options) {
    return (tile, row) -> Levels.read(tile.part(LEVELS.name())).greatestGap() / 2;
  }
}
