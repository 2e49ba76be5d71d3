package dev.monoquant.schemes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.QuantException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.testkit.contracts.Samples;
import dev.monoquant.testkit.data.ValuePattern;
import dev.monoquant.testkit.data.WeightSample;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.util.Arrays;
import java.util.EnumSet;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;

/** Both computations and the decoder against {@link ReferenceAffine}. */
class ReferenceAffineTest {

  @Provide
  Arbitrary<WeightSample> weights() {
    return Samples.weights(EnumSet.allOf(ValuePattern.class), 6, 120, 12);
  }

  @Provide
  Arbitrary<WeightSample> longRows() {
    return Samples.weights(EnumSet.allOf(ValuePattern.class), 3, 3 * AffineKernels.CHUNK, 12);
  }

  @Provide
  Arbitrary<Granularity> granularities() {
    return Arbitraries.of(
        Granularity.TENSOR,
        Granularity.CHANNEL,
        Granularity.group(1),
        Granularity.group(4),
        Granularity.group(12));
  }

  @Provide
  Arbitrary<Integer> widths() {
    return Arbitraries.of(3, 4, 8);
  }

  @Property(tries = 2000)
  void equalsTheReference(
      @ForAll("weights") WeightSample weight,
      @ForAll("granularities") Granularity granularity,
      @ForAll("widths") int bits,
      @ForAll boolean symmetric,
      @ForAll @IntRange(min = 1, max = 6) int tileHeight) {
    check(weight, OptionValues.of(bits, symmetric, granularity), tileHeight);
  }

  @Property(tries = 100)
  void equalsTheReferenceInLongRows(
      @ForAll("longRows") WeightSample weight,
      @ForAll("granularities") Granularity granularity,
      @ForAll("widths") int bits,
      @ForAll boolean symmetric) {
    check(weight, OptionValues.of(bits, symmetric, granularity), 2);
  }

  private static void check(WeightSample weight, OptionValues options, int tileHeight) {
    WeightMatrix rows = weight.rows();
    float[] numbers = weight.values(0, weight.height());
    ElementType type =
        rows.tensor().type() == ElementType.FLOAT64 ? ElementType.FLOAT32 : rows.tensor().type();
    int blockCols =
        options.granularity() instanceof Granularity.PerGroup group
            ? group.size()
            : options.granularity().equals(Granularity.TENSOR) ? numbers.length : weight.cols();
    int blocks = numbers.length / blockCols;
    float[] scales = new float[blocks];
    byte[] zeroPoints = new byte[blocks];
    byte[] codes = new byte[numbers.length];
    float[] decoded = new float[numbers.length];
    boolean finite = true;
    for (int block = 0; block < blocks; block++) {
      int from = block * blockCols;
      ReferenceAffine reference = new ReferenceAffine(type, options.bits(), options.symmetric());
      reference.choose(Arrays.copyOfRange(numbers, from, from + blockCols));
      scales[block] = reference.scale;
      zeroPoints[block] = (byte) reference.zeroPoint;
      for (int i = from; i < from + blockCols; i++) {
        codes[i] = reference.encode(numbers[i]);
        decoded[i] = reference.decode(codes[i]);
        finite &= Float.isFinite(decoded[i]);
      }
      finite &= Float.isFinite(reference.scale);
    }
    byte[] scaleBytes = new byte[blocks * type.cellBytes()];
    FloatBytes.narrow(type, scales, 0, blocks, scaleBytes, 0);

    Scheme scheme = Run.scheme(options.bits());
    for (Compute compute : Run.COMPUTES) {
      EncodedTile got;
      try {
        got = Run.quantize(scheme, rows, options, compute, numbers, tileHeight);
      } catch (QuantException e) {
        assertThat(finite).as(e.getMessage()).isFalse();
        continue;
      }
      assertThat(finite).isTrue();
      assertThat(got.part(Part.SCALE)).isEqualTo(scaleBytes);
      assertThat(got.part(Part.CODES)).isEqualTo(codes);
      if (options.symmetric()) {
        assertThat(got.names()).containsExactlyInAnyOrder(Part.CODES, Part.SCALE);
      } else {
        assertThat(got.part(Part.ZERO_POINT)).isEqualTo(zeroPoints);
      }
      assertThat(Run.decode(scheme, rows, options, got)).isEqualTo(decoded);
    }
  }

  /**
   * The reference is the peer's: a row of its own measuring, see the golden vectors for many more.
   */
  @Property(tries = 1)
  void referenceMeasuresUp() {
    float[] row = {-1f, .5f, .25f, .75f, .1f, -.2f, .3f, 1.4f};
    ReferenceAffine reference = new ReferenceAffine(ElementType.FLOAT32, 8, true);
    reference.choose(row);
    assertThat(reference.scale).isEqualTo(0.010980392f);
    byte[] codes = new byte[8];
    for (int i = 0; i < 8; i++) {
      codes[i] = reference.encode(row[i]);
    }
    assertThat(codes).containsExactly(-91, 46, 23, 68, 9, -18, 27, 127);
  }
}
