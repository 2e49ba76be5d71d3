package dev.monoquant.schemes.ggml;

import com.google.auto.service.AutoService;
import dev.monoquant.model.ElementType;
import dev.monoquant.spi.Scheme;

/**
 * {@code ggml/mxfp4}: 4-bit floats with a power of two for each block of 32 columns, as in type
 * MXFP4 of GGUF files.
 *
 * <p><b>Parts</b> for a weight of (rows, cols), where 32 divides cols: {@code codes} FLOAT4 (rows,
 * cols), {@code scale} FLOAT8_E8M0 (rows, cols / 32).
 *
 * <p><b>Formula</b>:
 *
 * <pre>
 *   scale = 2^(floor(float32(log2(largest magnitude))) - 2)
 *   code = the nearest 4-bit float to x / scale, of two equally near the one nearer to zero
 *   decoded = code * scale
 * </pre>
 *
 * <p>The logarithm is rounded to float32, so that a magnitude just below a power of two counts as
 * that power. <b>Zero, NaN, infinity.</b> A block of zeros has the scale 2^-127 and the codes 0;
 * one with magnitudes below 2^-125 only has codes of 0 and an exponent that wraps around, as in
 * ggml, but 0 in place of 255, which ggml refuses. What becomes zero loses its sign. Values must be
 * finite: the framework handles others before.
 *
 * <p><b>Source.</b> ggml at commit d99724f, {@code quantize_row_mxfp4_ref} of {@code
 * ggml-quants.c}: the same bits. It differs from {@code mxfp4}, which follows compressed-tensors,
 * in both roundings. Stateless, its workers immutable and thread-safe.
 *
 * <p><b>What this does not do:</b> no importance of columns, no other block size, no packing.
 */
@AutoService(Scheme.class)
public final class GgmlMxfp4Scheme extends FloatCodeScheme {

  private static final int BIAS = 127;
  private static final int MOST = 254;

  /** Makes the scheme; it has no state. */
  public GgmlMxfp4Scheme() {
    super("mxfp4", ElementType.FLOAT8_E8M0, 32, 32);
  }

  @Override
  int scale(float largest) {
    if (!(largest > 0)) {
      return 0;
    }
    double log = Math.log(largest) / Math.log(2);
    int bits = ((int) Math.floor((float) log) - 2 + BIAS) & 0xff;
    return bits > MOST ? 0 : bits;
  }

  @Override
  float value(int bits) {
    return Math.scalb(1f, bits - BIAS);
  }
}
