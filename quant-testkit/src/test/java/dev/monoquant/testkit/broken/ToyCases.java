package dev.monoquant.testkit.broken;

import dev.monoquant.model.ElementType;
import dev.monoquant.spi.Options;
import dev.monoquant.spi.Scheme;
import dev.monoquant.testkit.SchemeCase;
import dev.monoquant.testkit.contracts.Samples;
import dev.monoquant.testkit.data.ValuePattern;
import dev.monoquant.testkit.data.WeightSample;
import dev.monoquant.testkit.laws.SchemeLaws;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** What broken schemes are tried on. */
final class ToyCases {

  private ToyCases() {}

  static final List<WeightSample> WEIGHTS = weights();

  private static List<WeightSample> weights() {
    List<WeightSample> weights = new ArrayList<>();
    for (ValuePattern pattern : ValuePattern.values()) {
      for (ElementType type : Samples.floatTypes()) {
        weights.add(WeightSample.of(pattern, type, 5, 12, 3));
      }
      weights.add(WeightSample.of(pattern, ElementType.FLOAT32, 1, 1, 1));
      weights.add(WeightSample.of(pattern, ElementType.FLOAT32, 1, 9, 2));
      weights.add(WeightSample.of(pattern, ElementType.FLOAT32, 3, 7, 4));
    }
    return weights;
  }

  /** The first law that each of many weights breaks, under symmetric and asymmetric options. */
  static Set<String> caught(Scheme scheme) {
    List<SchemeCase> cases = new ArrayList<>();
    for (WeightSample weight : WEIGHTS) {
      Options options = scheme.defaults(weight.rows());
      cases.add(new SchemeCase(scheme, weight, options));
      cases.add(new SchemeCase(scheme, weight, options.withSymmetric(false)));
    }
    return Caught.by(SchemeLaws.all(), cases);
  }
}
