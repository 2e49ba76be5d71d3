package dev.monoquant.schemes;

import dev.monoquant.model.WeightMatrix;
import dev.monoquant.schemes.AffineSpec.Profile;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.ErrorBound;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Fit;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.Granularity;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Signed integer codes of b bits, 2 to 8, with a scale, and a zero point if asymmetric.
 *
 * <p><b>Parts</b> for a weight of (rows, cols):
 *
 * <table>
 * <caption>parts</caption>
 * <tr><td>{@code codes}</td><td>INTb, (rows, cols)</td></tr>
 * <tr><td>{@code scale}</td><td>of the weight's own type (FLOAT32 for FLOAT64): (1) per tensor, (rows,
 * 1) per channel, (rows, ceil(cols / n)) per group of n, (ceil(rows / r), ceil(cols / c)) per block
 * of r x c</td></tr>
 * <tr><td>{@code zero_point}</td><td>INTb, shaped as the scale; only if asymmetric</td></tr>
 * </table>
 *
 * <p>A group must divide the columns, unless the option {@code ragged} allows the last group of a
 * row to be shorter. A block may be cut off at either edge.
 *
 * <p><b>Formula</b> of the profile {@code compressed-tensors}, the default. Codes go from qmin =
 * -2^(b-1) to qmax = 2^(b-1) - 1, N = qmax - qmin (255 for 8 bits), and [low, high] is the range of
 * the values of a block, extended to include 0:
 *
 * <pre>
 *   symmetric    scale = max(-low, high) / (N / 2)    level = x / scale
 *   asymmetric   scale = (high - low) / N             level = x / scale + zero_point
 *                zero_point = rint(clamp(qmin - low / scale))
 *   code = rint(clamp(level))                         decoded = (code - zero_point) * scale
 * </pre>
 *
 * <p>{@code clamp} is to [qmin, qmax] and {@code rint} goes to the nearest integer, ties to even,
 * in that order. Division is by N / 2, such as 127.5, and not by qmax: both ends of the codes are
 * used, and a value of the largest magnitude is half a step beyond the largest code.
 *
 * <p><b>Other profiles</b>, with {@code rint}, {@code clamp} and decoding as above where nothing
 * else is said:
 *
 * <table>
 * <caption>profiles</caption>
 * <tr><td>{@code torchao}</td><td>scale = max(scale, 2^-23) with 8 bits, else at least the smallest
 * normal value of the type; zero_point = clamp(qmin - rint(low / scale)); code = clamp(rint(x *
 * (1/scale)) + zero_point). With 8 bits the scale is stored in FLOAT32, and values are multiplied in
 * FLOAT32.</td></tr>
 * <tr><td>{@code quanto}</td><td>symmetric: scale = max(-low, high) / qmax, 0 for zeros (these are
 * also the codes of {@code torch.quantize_per_channel}). Asymmetric, its integer zero points: scale
 * = (max - min) / N of the range without 0; zero_point = rint(-min / scale) + qmin; code =
 * clamp(rint(x / scale) + zero_point). A range without 0, whose zero point would be no code, is
 * refused.</td></tr>
 * <tr><td>{@code onnxruntime}</td><td>MatMulNBits, per channel or group: all in FLOAT32, ties away
 * from 0. Symmetric: scale = -m / 2^(b-1), m being the value of the largest magnitude with its sign
 * (the negative one of two); so scales may be negative, and 0 for zeros. code = clamp(round(x *
 * (1/scale) - qmin)) + qmin. Asymmetric: zero_point = clamp(round(-low / scale)) + qmin; code =
 * clamp(round(x * (1/scale) + (zero_point - qmin))) + qmin.</td></tr>
 * </table>
 *
 * <p><b>Search</b>, the option {@code search}: the same result for any tiles and threads.
 *
 * <ul>
 *   <li>{@code none}: the range as it is.
 *   <li>{@code grid}: of 12 shares of the range, taken for the range, the one with the least sum of
 *       squared errors: 1 to 0.6 in steps of 0.08, then at half the distance on both sides of the
 *       best, three times. Per tensor it is searched on a sample of at most {@value
 *       dev.monoquant.spi.Facts#SAMPLE_SIZE} values. For every profile. With a calibration, each
 *       squared error counts as much as the mean square of the inputs of its column, except per
 *       tensor.
 *   <li>{@code mse}: the observer {@code memoryless_mse} of llm-compressor: of the shares 1 to 0.81
 *       in steps of 0.01 the one with the least sum of |error|^2.4, computed in the weight's type.
 *       That observer also gives up after five shares that better no block of the tensor, which
 *       depends on all blocks; here all 20 are tried. Only for {@code compressed-tensors}, and not
 *       per tensor.
 *   <li>{@code hqq}: asymmetric codes with a zero point that has a fraction, refined as in HQQ;
 *       parts {@code scale} and {@code zero_point} are FLOAT32. Only for {@code torchao}, per
 *       channel or group. Outputs that store zero points as codes refuse it.
 * </ul>
 *
 * <p><b>Method</b>, the option {@code method}, once there are scales: {@code nearest}, or {@code
 * gptq} for what the inputs of a calibration make best; then {@code act-order} and {@code damping}
 * are options, too. Decoded values may be off by any number of steps, and no bound is declared. A
 * weight whose Gram matrix has no factors, or that the calibration lacks, is rounded to nearest,
 * which is said. {@code search=grid} goes well with it; {@code hqq} is refused.
 *
 * <p><b>Precision.</b> Every operation is done in the weight's type: for FLOAT16 and BFLOAT16 in
 * float32 and then rounded to the type, ties to even, as torch does on a CPU. FLOAT64 is computed
 * in float32.
 *
 * <p><b>Zero, NaN, infinity.</b> A scale of 0, for a block of zeros or of values near the smallest
 * subnormal, becomes the epsilon of its type (2^-23, 2^-10 or 2^-7) after the zero point was
 * computed; the zero point of a block of zeros, 0/0, is 0. Values must be finite: the framework
 * handles others before. A range without a finite scale (asymmetric, with high - low beyond the
 * type) is refused with a {@link dev.monoquant.ValidationException}, and so is a code that would
 * decode to infinity (a scale that was rounded down at the very end of the type's range), where
 * compressed-tensors continues silently.
 *
 * <p><b>Error.</b> With h(m) the half step of the type at a magnitude m, the error of a symmetric
 * decoded value is at most scale * max(1/2 + N/2 * h(scale)/scale, 1/2 + h(2^(b-1))) + h(2^(b-1) *
 * scale): for FLOAT32 slightly more than scale / 2; for BFLOAT16 with 8 bits, whose digits are no
 * more than those of the codes, up to 1.4 scales, and more if asymmetric. Of a searched scale,
 * values beyond the narrowed range are off by more. The full derivation is in the class that
 * computes it; every run is checked against it.
 *
 * <p><b>Source.</b> compressed-tensors at commit ac8e2ba, {@code quantization/utils/helpers.py}
 * ({@code calculate_qparams}) and {@code quantization/lifecycle/forward_helpers.py} ({@code
 * _quantize}, {@code _dequantize}), with ranges as its observers compute them; torchao at 36027d8
 * ({@code quant_primitives.py}); optimum-quanto at e33f820; ONNX Runtime 1.30.0 ({@code
 * q4_dq.cpp}). Codes, scales and zero points have the same bits.
 *
 * <p><b>Compute.</b> Java loops and, with {@link Compute#TORCH}, tensor operations give the same
 * bits; the loops are faster, and {@code AUTO} uses them. Other profiles than the default,
 * searches, blocks and short groups are always computed in Java, and so is decoding. Stateless, its
 * workers immutable and thread-safe.
 *
 * <p><b>What this does not do:</b> no activations, no stored reordering of columns, no packing:
 * each code takes a byte, and the output format packs them.
 */
public abstract class IntegerScheme implements Scheme {

  private final int bits;
  private final SchemeId id;
  private final List<OptionSpec<?>> options;

  IntegerScheme(int bits, String granularity) {
    this.bits = bits;
    this.id = new SchemeId("int" + bits, 1);
    List<OptionSpec<?>> own =
        List.of(
            CommonOptions.bits(bits),
            CommonOptions.symmetric(true, false),
            CommonOptions.granularity(granularity, "tensor", "channel", "group:N", "block:RxC"),
            CommonOptions.profile(
                Profile.COMPRESSED_TENSORS.wire(),
                Profile.TORCHAO.wire(),
                Profile.QUANTO.wire(),
                Profile.ONNXRUNTIME.wire()),
            CommonOptions.search(CommonOptions.NO_SEARCH, "grid", "mse", "hqq"),
            CommonOptions.RAGGED);
    this.options = Stream.concat(own.stream(), Calibrated.OPTIONS.stream()).toList();
  }

  @Override
  public final SchemeId id() {
    return id;
  }

  @Override
  public final List<OptionSpec<?>> options() {
    return options;
  }

  @Override
  public final Fit fit(WeightMatrix weight, OptionValues options) {
    return SchemeChecks.unfit(weight)
        .or(() -> unfit(weight, options))
        .or(() -> Calibrated.unfit(options))
        .or(() -> Fit.raggedGroups(weight, options))
        .orElseGet(() -> Fit.of(AffineSpec.of(bits, weight, options).encoding()));
  }

  /** Refuses combinations that have no formula. */
  private Optional<Fit> unfit(WeightMatrix weight, OptionValues options) {
    AffineSpec spec = AffineSpec.of(bits, weight, options);
    boolean rowwise = spec.blockRows() == 1 && !spec.perTensor();
    OptionValues perChannel = options.with(CommonOptions.GRANULARITY, Granularity.CHANNEL);
    List<OptionValues> nearest = new ArrayList<>();
    String reason = null;
    if (spec.search() == Search.HQQ
        && (spec.symmetric() || !rowwise || spec.profile() != Profile.TORCHAO)) {
      reason =
          "search=hqq has zero points with a fraction: it needs asymmetric codes, profile torchao,"
              + " and a scale for each channel or group";
      nearest.add(
          (rowwise ? options : perChannel)
              .with(CommonOptions.SYMMETRIC, false)
              .with(CommonOptions.PROFILE, Profile.TORCHAO.wire()));
    } else if (spec.search() == Search.HQQ && Calibrated.isGptq(options)) {
      reason = "search=hqq has zero points with a fraction, and method=gptq rounds with codes";
      nearest.add(options.with(CommonOptions.SEARCH, "grid"));
    } else if (spec.search() == Search.MSE && spec.profile() != Profile.COMPRESSED_TENSORS) {
      reason = "search=mse is that of profile compressed-tensors, not of " + spec.profile().wire();
      nearest.add(options.with(CommonOptions.SEARCH, "grid"));
    } else if (spec.search() == Search.MSE && spec.perTensor()) {
      reason = "search=mse needs several scales; with one for the tensor there is search=grid";
      nearest.add(options.with(CommonOptions.SEARCH, "grid"));
    } else if (spec.profile() == Profile.ONNXRUNTIME && !rowwise) {
      reason = "profile onnxruntime has a scale for each channel or group";
      nearest.add(perChannel);
    }
    return Optional.ofNullable(reason)
        .map(
            why ->
                new Fit.Unfit(
                    why,
                    nearest.stream()
                        .filter(near -> fit(weight, near) instanceof Fit.Fits)
                        .toList()));
  }

  @Override
  public final Set<Need> needs(OptionValues options) {
    Set<Need> needs = Calibrated.needs(options);
    if (options.granularity() instanceof Granularity.PerTensor) {
      needs.add(Need.TENSOR_RANGE);
      if (!options.get(CommonOptions.SEARCH).equals(CommonOptions.NO_SEARCH)) {
        needs.add(Need.TENSOR_SAMPLE);
      }
    }
    return needs;
  }

  @Override
  public final Set<Need> uses(OptionValues options) {
    boolean searches = options.get(CommonOptions.SEARCH).equals("grid");
    return Calibrated.uses(searches && !(options.granularity() instanceof Granularity.PerTensor));
  }

  @Override
  public final TileQuantizer begin(
      WeightMatrix weight, OptionValues options, Facts facts, Compute compute) {
    AffineSpec spec = AffineSpec.of(bits, weight, options);
    AffineTensorParts whole = AffineTensorParts.of(spec, facts);
    Calibrated calibrated = Calibrated.of(options, facts);
    return compute == Compute.TORCH && TorchAffineQuantizer.can(spec) && !Calibrated.isGptq(options)
        ? new TorchAffineQuantizer(spec, whole)
        : new JvmAffineQuantizer(spec, whole, calibrated);
  }

  @Override
  public final ErrorBound bound(WeightMatrix weight, OptionValues options) {
    return Calibrated.isGptq(options)
        ? ErrorBound.NONE
        : AffineErrorBound.of(AffineSpec.of(bits, weight, options));
  }
}
