package dev.monoquant.schemes;

import dev.monoquant.model.FloatBytes;
import dev.monoquant.spi.Facts;
import dev.monoquant.tile.Part;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The scale and zero point of a tensor with per-tensor granularity.
 *
 * @param spec the parameters of the scheme
 * @param parameters null if each block has its own
 */
record AffineTensorParts(AffineSpec spec, @Nullable AffineParameters parameters) {

  static AffineTensorParts of(AffineSpec spec, Facts facts) {
    if (!spec.perTensor()) {
      return new AffineTensorParts(spec, null);
    }
    Facts.Range range = facts.range();
    return new AffineTensorParts(
        spec, AffineParameters.of(spec, range.min(), range.max(), () -> "the whole"));
  }

  /** The bytes of the whole parts. */
  Map<String, byte[]> bytes() {
    if (parameters == null) {
      return Map.of();
    }
    Map<String, byte[]> parts = new HashMap<>();
    byte[] scale = new byte[spec.precision().type().cellBytes()];
    FloatBytes.narrow(spec.precision().type(), new float[] {parameters.scale()}, 0, 1, scale, 0);
    parts.put(Part.SCALE, scale);
    if (!spec.symmetric()) {
      parts.put(Part.ZERO_POINT, new byte[] {(byte) parameters.zeroPoint()});
    }
    return parts;
  }
}
