package dev.monoquant.testkit.contracts;

import dev.monoquant.model.ElementType;
import dev.monoquant.testkit.data.ModelSample;
import dev.monoquant.testkit.data.ValuePattern;
import dev.monoquant.testkit.data.WeightSample;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Tuple;

/** The generators of {@link dev.monoquant.testkit.data} as jqwik arbitraries. */
public final class Samples {

  private Samples() {}

  /** {@return the element types that weights may have} */
  public static List<ElementType> floatTypes() {
    return Arrays.stream(ElementType.values()).filter(ElementType::isQuantizable).toList();
  }

  /**
   * Weights of all element types, often with one row or one column; shrinking reduces rows and
   * columns and simplifies the pattern.
   *
   * @param patterns how to fill them
   * @param maxRows at least 1
   * @param maxCols at least {@code colMultiple}
   * @param colMultiple columns are a multiple of this, as required by group sizes
   * @return the arbitrary
   */
  public static Arbitrary<WeightSample> weights(
      Set<ValuePattern> patterns, int maxRows, int maxCols, int colMultiple) {
    // Edge cases of five parameters are thousands of combinations, and would use all tries.
    return Combinators.combine(
            Arbitraries.of(patterns.stream().sorted().toList()),
            Arbitraries.of(floatTypes()),
            sizes(maxRows),
            sizes(maxCols / colMultiple),
            Arbitraries.longs().between(0, 999_999))
        .as((p, t, rows, cols, seed) -> WeightSample.of(p, t, rows, cols * colMultiple, seed))
        .withoutEdgeCases();
  }

  /**
   * Small models; shrinking reduces the layers.
   *
   * @param maxLayers the maximum number of layers
   * @return the arbitrary
   */
  public static Arbitrary<ModelSample> models(int maxLayers) {
    return Combinators.combine(
            Arbitraries.longs().between(0, 999_999), Arbitraries.integers().between(0, maxLayers))
        .as(ModelSample::of);
  }

  private static Arbitrary<Integer> sizes(int max) {
    return Arbitraries.frequencyOf(
        Tuple.of(1, Arbitraries.just(1)), Tuple.of(5, Arbitraries.integers().between(1, max)));
  }
}
