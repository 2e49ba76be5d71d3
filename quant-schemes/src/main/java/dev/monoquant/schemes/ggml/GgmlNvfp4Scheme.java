package dev.monoquant.schemes.ggml;

import com.google.auto.service.AutoService;
import dev.monoquant.model.ElementType;
import dev.monoquant.spi.Scheme;

/**
 * {@code ggml/nvfp4}: 4-bit floats with an 8-bit float for each group of 16 columns, as in type
 * NVFP4 of GGUF files, whose blocks have 64 columns.
 *
 * <p><b>Parts</b> for a weight of (rows, cols), where 64 divides cols: {@code codes} FLOAT4 (rows,
 * cols), {@code scale} FLOAT8_E4M3 (rows, cols / 16).
 *
 * <p><b>Formula</b>:
 *
 * <pre>
 *   scale = largest magnitude / 6 as E4M3, halves up; 448 from 256 on, 0 below 2^-10
 *   code = the nearest 4-bit float to x / scale, of two equally near the one nearer to zero
 *   decoded = code * scale
 * </pre>
 *
 * <p><b>Zero, NaN, infinity.</b> A group whose scale is 0 has codes of 0. What becomes zero loses
 * its sign. Magnitudes above 2688 become 2688. Values must be finite: the framework handles others
 * before.
 *
 * <p><b>Source.</b> ggml at commit d99724f, {@code quantize_row_nvfp4_ref} of {@code
 * ggml-quants.c}: the same bits. It differs from {@code nvfp4} in that there is no scale of the
 * whole tensor. Stateless, its workers immutable and thread-safe.
 *
 * <p><b>What this does not do:</b> no importance of columns, no scale of the tensor, no other group
 * size, no packing.
 */
@AutoService(Scheme.class)
public final class GgmlNvfp4Scheme extends FloatCodeScheme {

  private static final float GREATEST_CODE = 6;
  private static final int BIAS = 7;
  private static final int LARGEST = 0x7e;
  private static final float HALF_STEP = 0x1p-10f;

  /** Makes the scheme; it has no state. */
  public GgmlNvfp4Scheme() {
    super("nvfp4", ElementType.FLOAT8_E4M3, 16, 64);
  }

  @Override
  int scale(float largest) {
    float scale = largest / GREATEST_CODE;
    int exponent = Math.getExponent(scale) + BIAS;
    if (exponent <= 0) {
      return Math.min(7, (int) ((scale + HALF_STEP) / (2 * HALF_STEP)));
    }
    // The upper 3 digits of the significand behind the exponent; the fourth rounds up.
    int digits = Float.floatToRawIntBits(scale) >> 19 & 15;
    int bits = (exponent << 3) + ((digits + 1) >> 1);
    return bits < 15 << 3 ? bits : LARGEST;
  }

  @Override
  float value(int bits) {
    int digits = bits & 7;
    int exponent = bits >> 3;
    return exponent == 0 ? digits * 2 * HALF_STEP : Math.scalb(1 + digits / 8f, exponent - BIAS);
  }
}
