package dev.monoquant.testkit.broken;

import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.testkit.SchemeCase;
import dev.monoquant.testkit.data.WeightSample;
import dev.monoquant.testkit.laws.SchemeLaws;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/** What broken schemes are tried on. */
final class ToyCases {

  private ToyCases() {}

  /** Every third weight, or all of them with the system property {@code quant.test.sweep=all}. */
  static final List<WeightSample> WEIGHTS =
      some("all".equals(System.getProperty("quant.test.sweep")) ? 1 : 3);

  private static List<WeightSample> some(int stride) {
    List<WeightSample> all = WeightSample.all();
    return IntStream.range(0, all.size()).filter(i -> i % stride == 0).mapToObj(all::get).toList();
  }

  /** The first law that each of many weights breaks, under symmetric and asymmetric options. */
  static Set<String> caught(Scheme scheme) {
    List<SchemeCase> cases = new ArrayList<>();
    for (WeightSample weight : WEIGHTS) {
      OptionValues options = SchemeCase.defaults(scheme, weight.rows());
      cases.add(new SchemeCase(scheme, weight, options));
      cases.add(new SchemeCase(scheme, weight, options.with(CommonOptions.SYMMETRIC, false)));
    }
    return Caught.by(SchemeLaws.all(), cases);
  }
}
