package dev.monoquant.schemes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.QuantException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.ErrorBound;
import dev.monoquant.spi.Fit;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.testkit.contracts.Samples;
import dev.monoquant.testkit.data.ValuePattern;
import dev.monoquant.testkit.data.WeightSample;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Assume;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;

/**
 * Every profile, in every width and granularity that it has, against the plain references; blocks
 * and last groups may be cut off.
 */
class ReferenceProfilesTest {

  @Provide
  Arbitrary<WeightSample> weights() {
    return Samples.weights(EnumSet.allOf(ValuePattern.class), 7, 120, 1);
  }

  @Provide
  Arbitrary<Granularity> granularities() {
    return Arbitraries.of(
        Granularity.TENSOR,
        Granularity.CHANNEL,
        Granularity.group(1),
        Granularity.group(7),
        Granularity.group(32),
        Granularity.block(1, 5),
        Granularity.block(3, 8),
        Granularity.block(4, 200));
  }

  @Provide
  Arbitrary<String> profiles() {
    return Arbitraries.of("compressed-tensors", "torchao", "quanto", "onnxruntime");
  }

  @Property(tries = 4000)
  void equalsTheReference(
      @ForAll("weights") WeightSample weight,
      @ForAll("granularities") Granularity granularity,
      @ForAll("profiles") String profile,
      @ForAll @IntRange(min = 2, max = 8) int bits,
      @ForAll boolean symmetric,
      @ForAll @IntRange(min = 1, max = 2) int tileHeight) {
    if (profile.equals("onnxruntime")
        && (granularity.equals(Granularity.TENSOR)
            || granularity instanceof Granularity.PerBlock)) {
      return;
    }
    float[] numbers = weight.values(0, weight.height());
    ElementType source = weight.rows().tensor().type();
    ElementType type = source == ElementType.FLOAT64 ? ElementType.FLOAT32 : source;
    Blocks blocks = new Blocks(granularity, weight.height(), weight.cols());
    float[] scales = new float[blocks.count()];
    byte[] zeroPoints = new byte[scales.length];
    byte[] codes = new byte[numbers.length];
    float[] decoded = new float[numbers.length];
    boolean possible = true;
    for (int block = 0; block < scales.length; block++) {
      int[] members = blocks.members(block);
      float[] values = new float[members.length];
      for (int i = 0; i < values.length; i++) {
        values[i] = numbers[members[i]];
      }
      Outcome outcome = new Outcome(type, profile, bits, symmetric, values);
      scales[block] = outcome.scale;
      zeroPoints[block] = (byte) outcome.zeroPoint;
      possible &= outcome.possible;
      for (int i = 0; i < values.length; i++) {
        codes[members[i]] = outcome.codes[i];
        decoded[members[i]] = outcome.decoded[i];
      }
    }
    ElementType scaleType = ReferenceProfiles.scaleType(type, profile, bits);
    byte[] scaleBytes = new byte[scales.length * scaleType.cellBytes()];
    FloatBytes.narrow(scaleType, scales, 0, scales.length, scaleBytes, 0);

    Scheme scheme = Run.scheme(bits);
    OptionValues options =
        OptionValues.of(bits, symmetric, granularity)
            .with(CommonOptions.PROFILE, profile)
            .with(CommonOptions.RAGGED, true);
    EncodedTile got;
    try {
      int height = tileHeight * blocks.rows();
      got = Run.quantize(scheme, weight.rows(), options, numbers, height);
    } catch (QuantException e) {
      assertThat(possible).as(e.getMessage()).isFalse();
      return;
    }
    assertThat(possible).isTrue();
    assertThat(got.part(Part.SCALE)).isEqualTo(scaleBytes);
    assertThat(got.part(Part.CODES)).isEqualTo(codes);
    if (!symmetric) {
      assertThat(got.part(Part.ZERO_POINT)).isEqualTo(zeroPoints);
    }
    assertThat(Run.decode(scheme, weight.rows(), options, got)).isEqualTo(decoded);
    requireWithinBound(scheme, weight, options, got, decoded);
  }

  /** Every width, profile and search; here nothing is compared but the error and its bound. */
  @Property(tries = 2000)
  void searchesStayWithinTheirBounds(
      @ForAll("weights") WeightSample weight,
      @ForAll("granularities") Granularity granularity,
      @ForAll("profiles") String profile,
      @ForAll("searches") String search,
      @ForAll @IntRange(min = 2, max = 8) int bits,
      @ForAll boolean symmetric) {
    Scheme scheme = Run.scheme(bits);
    OptionValues options =
        OptionValues.of(bits, symmetric, granularity)
            .with(CommonOptions.PROFILE, profile)
            .with(CommonOptions.SEARCH, search)
            .with(CommonOptions.RAGGED, true);
    Assume.that(scheme.fit(weight.rows(), options) instanceof Fit.Fits);
    float[] numbers = weight.values(0, weight.height());
    EncodedTile got;
    try {
      got = Run.quantize(scheme, weight.rows(), options, numbers, weight.height());
    } catch (QuantException e) {
      return;
    }
    float[] decoded = Run.decode(scheme, weight.rows(), options, got);
    requireWithinBound(scheme, weight, options, got, decoded);
  }

  @Provide
  Arbitrary<String> searches() {
    return Arbitraries.of("grid", "grid", "mse", "hqq");
  }

  private static void requireWithinBound(
      Scheme scheme, WeightSample weight, OptionValues options, EncodedTile tile, float[] decoded) {
    ErrorBound bound = scheme.bound(weight.rows(), options);
    float[] numbers = weight.values(0, weight.height());
    for (int row = 0; row < weight.height(); row++) {
      double allowed = bound.of(tile, row);
      for (int col = 0; col < weight.cols(); col++) {
        int i = row * weight.cols() + col;
        double error = Math.abs((double) decoded[i] - numbers[i]);
        assertThat(error).as("row %d, column %d", row, col).isLessThanOrEqualTo(allowed);
      }
    }
  }

  /** What a reference makes of a block. */
  private static final class Outcome {
    final float scale;
    final int zeroPoint;
    final byte[] codes;
    final float[] decoded;
    final boolean possible;

    Outcome(ElementType type, String profile, int bits, boolean symmetric, float[] values) {
      codes = new byte[values.length];
      decoded = new float[values.length];
      boolean fine;
      if (profile.equals("compressed-tensors")) {
        ReferenceAffine reference = new ReferenceAffine(type, bits, symmetric);
        reference.choose(values);
        fine = true;
        scale = reference.scale;
        zeroPoint = reference.zeroPoint;
        for (int i = 0; i < values.length; i++) {
          codes[i] = reference.encode(values[i]);
          decoded[i] = reference.decode(codes[i]);
        }
      } else {
        ReferenceProfiles reference = new ReferenceProfiles(type, profile, bits, symmetric);
        fine = reference.choose(values);
        scale = reference.scale;
        zeroPoint = reference.zeroPoint;
        for (int i = 0; i < values.length; i++) {
          codes[i] = reference.encode(values[i]);
          decoded[i] = reference.decode(codes[i]);
        }
      }
      for (float value : decoded) {
        fine &= Float.isFinite(value);
      }
      possible = fine && Float.isFinite(scale);
    }
  }

  /** Which elements share a scale, from the words of {@link Granularity} alone. */
  private record Blocks(Granularity granularity, int height, int cols) {

    int rows() {
      return granularity instanceof Granularity.PerBlock block ? block.rows() : 1;
    }

    private int width() {
      return (int) Math.min(cols, granularity.columns(cols));
    }

    private int across() {
      return (cols + width() - 1) / width();
    }

    int count() {
      return granularity.equals(Granularity.TENSOR) ? 1 : (height + rows() - 1) / rows() * across();
    }

    int[] members(int block) {
      List<Integer> members = new ArrayList<>();
      for (int row = 0; row < height; row++) {
        for (int col = 0; col < cols; col++) {
          int own =
              granularity.equals(Granularity.TENSOR) ? 0 : row / rows() * across() + col / width();
          if (own == block) {
            members.add(row * cols + col);
          }
        }
      }
      return members.stream().mapToInt(Integer::intValue).toArray();
    }
  }
}
