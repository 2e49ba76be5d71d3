package dev.monoquant.testkit.broken;

import dev.monoquant.spi.Options;
import dev.monoquant.spi.Scheme;
import dev.monoquant.testkit.SchemeCase;
import dev.monoquant.testkit.data.WeightSample;
import dev.monoquant.testkit.laws.SchemeLaws;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** What broken schemes are tried on. */
final class ToyCases {

  private ToyCases() {}

  static final List<WeightSample> WEIGHTS = WeightSample.all();

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
