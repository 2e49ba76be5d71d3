package dev.monoquant.schemes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.ErrorBound;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Granularity;
import java.util.SplittableRandom;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;

/**
 * That the bound is never exceeded is checked by the contract; here, that it is not idle: numbers
 * are found that are at least a quarter of it off.
 */
class AffineErrorBoundTest {

  private static final int ROWS = 4000;
  private static final int COLS = 64;

  @Provide
  Arbitrary<Tuple.Tuple3<ElementType, Integer, Boolean>> kinds() {
    return Combinators.combine(
            Arbitraries.of(
                ElementType.FLOAT16,
                ElementType.BFLOAT16,
                ElementType.FLOAT32,
                ElementType.FLOAT64),
            Arbitraries.of(3, 4, 8),
            Arbitraries.of(true, false))
        .as(Tuple::of);
  }

  @Property
  void someNumberComesNear(@ForAll("kinds") Tuple.Tuple3<ElementType, Integer, Boolean> kind) {
    ElementType type = kind.get1();
    WeightMatrix rows = Run.rows(type, ROWS, COLS);
    SplittableRandom random = new SplittableRandom(42);
    float[] weight = new float[ROWS * COLS];
    for (int i = 0; i < weight.length; i++) {
      // Every row has a range of its own, most of them off centre.
      int row = i / COLS;
      double shift = (row % 5) / 4.0 - 0.5;
      weight[i] = (float) ((random.nextDouble() - 0.5 + shift) * (1 + row / 997.0));
    }
    weight = Run.as(type, weight);
    Scheme scheme = Run.scheme(kind.get2());
    OptionValues options = OptionValues.of(kind.get2(), kind.get3(), Granularity.CHANNEL);
    EncodedTile tile = Run.quantize(scheme, rows, options, weight, ROWS);
    float[] decoded = Run.decode(scheme, rows, options, tile);
    ErrorBound bound = scheme.bound(rows, options);
    double nearest = 0;
    for (int i = 0; i < weight.length; i++) {
      double error = Math.abs((double) decoded[i] - weight[i]);
      nearest = Math.max(nearest, error / bound.of(tile, i / COLS));
    }
    assertThat(nearest).isBetween(0.25, 1.0);
  }
}
