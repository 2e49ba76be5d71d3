package dev.monoquant.schemes;

import dev.monoquant.schemes.AffineSpec.AffineParameters;
import dev.monoquant.spi.Facts;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The scale and zero point of a tensor with per-tensor granularity.
 *
 * @param spec the parameters of the scheme
 * @param parameters null if each block has its own
 */
record AffineTensorParts(AffineSpec spec, @Nullable AffineParameters parameters) {

  /** Computes them from the range of the tensor; a search takes a sample for the tensor. */
  static AffineTensorParts of(AffineSpec spec, Facts facts) {
    if (!spec.perTensor()) {
      return new AffineTensorParts(spec, null);
    }
    float[] least = {facts.range().min()};
    float[] greatest = {facts.range().max()};
    BlockRanges ranges = new BlockRanges(least, greatest, least);
    if (spec.search() == Search.GRID) {
      float[] sample = facts.sample();
      ranges = RangeSearch.narrow(spec.ofSample(sample.length), sample, 1, new float[0], ranges);
    }
    return new AffineTensorParts(
        spec,
        AffineParameters.of(
            spec, ranges.least()[0], ranges.greatest()[0], ranges.first()[0], () -> "the whole"));
  }

  /** The bytes of the whole parts. */
  Map<String, byte[]> bytes() {
    return parameters == null
        ? Map.of()
        : spec.shared(new float[] {parameters.scale()}, new float[] {parameters.zeroPoint()});
  }
}
