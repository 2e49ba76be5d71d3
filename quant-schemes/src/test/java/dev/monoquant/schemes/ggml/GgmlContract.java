package dev.monoquant.schemes.ggml;

import dev.monoquant.spi.Need;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.testkit.SchemeCase;
import dev.monoquant.testkit.contracts.SchemeContract;
import dev.monoquant.testkit.fakes.ForwardingScheme;
import java.util.Set;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Provide;

/** The contract of schemes for those of ggml: with a calibration and without. */
interface GgmlContract extends SchemeContract {

  /** A scheme in a run without a calibration. */
  final class Uncalibrated extends ForwardingScheme {
    Uncalibrated(Scheme inside) {
      super(inside);
    }

    @Override
    public Set<Need> uses(OptionValues options) {
      return Set.of();
    }
  }

  @Provide
  @Override
  default Arbitrary<SchemeCase> schemeCases() {
    Arbitrary<SchemeCase> cases = SchemeContract.super.schemeCases();
    return Arbitraries.oneOf(
            cases,
            cases.map(
                c ->
                    new SchemeCase(
                        new Uncalibrated(c.scheme()), c.weight(), c.options(), c.compute())))
        .withoutEdgeCases();
  }

  /** Two blocks at most, since the search for scales takes time. */
  @Override
  default int maxCols() {
    return 2 * Math.max(64, colMultiple());
  }

  /** A block of zeros has the scale 0, as in ggml. */
  @Override
  default boolean allowsZeroScales() {
    return true;
  }

  /** Halves go up, or the scale that is divided by is rounded before. */
  @Override
  default boolean roundsToEven() {
    return false;
  }
}
