package dev.monoquant.schemes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.QuantException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
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
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;

/** Codes, scales and decoded values of the float schemes against {@link ReferenceFloat}. */
class ReferenceFloatTest {

  @Provide
  Arbitrary<WeightSample> weights() {
    return Samples.weights(EnumSet.allOf(ValuePattern.class), 6, 40, 1);
  }

  @Provide
  Arbitrary<Granularity> granularities() {
    return Arbitraries.of(
        Granularity.TENSOR,
        Granularity.CHANNEL,
        Granularity.block(2, 3),
        Granularity.block(4, 128),
        Granularity.block(1, 1));
  }

  @Property(tries = 1500)
  void eightBits(
      @ForAll("weights") WeightSample weight,
      @ForAll("granularities") Granularity granularity,
      @ForAll @IntRange(min = 1, max = 2) int tiles) {
    Scheme scheme = new Fp8Scheme();
    WeightMatrix rows = weight.rows();
    OptionValues options = scheme.defaults(rows).with(CommonOptions.GRANULARITY, granularity);
    float[] values = weight.values();
    int cols = weight.cols();
    int blockRows = granularity instanceof Granularity.PerBlock b ? b.rows() : 1;
    int blockCols = granularity instanceof Granularity.PerBlock b ? b.cols() : cols;
    if (granularity.equals(Granularity.TENSOR)) {
      blockRows = weight.height();
    }
    int across = (cols - 1) / blockCols + 1;
    int down = (weight.height() - 1) / blockRows + 1;
    ElementType type = weight.type() == ElementType.FLOAT64 ? ElementType.FLOAT32 : weight.type();
    ReferenceFloat reference = new ReferenceFloat(type, ElementType.FLOAT8_E4M3);
    float[] scales = new float[across * down];
    byte[] codes = new byte[values.length];
    float[] decoded = new float[values.length];
    boolean finite = true;
    for (int block = 0; block < scales.length; block++) {
      List<Integer> cells = new ArrayList<>();
      for (int i = 0; i < values.length; i++) {
        if (i / cols / blockRows * across + i % cols / blockCols == block) {
          cells.add(i);
        }
      }
      scales[block] =
          reference.scale(ReferenceFloat.greatest(cells.stream().map(i -> values[i]).toList()));
      for (int i : cells) {
        codes[i] = reference.encode8(values[i], scales[block]);
        decoded[i] = reference.decode(codes[i], scales[block]);
        finite &= Float.isFinite(decoded[i]);
      }
    }
    byte[] scaleBytes = new byte[scales.length * type.cellBytes()];
    FloatBytes.narrow(type, scales, 0, scales.length, scaleBytes, 0);
    EncodedTile got;
    try {
      got = Run.quantize(scheme, rows, options, values, 4 * tiles);
    } catch (QuantException e) {
      assertThat(finite).as(e.getMessage()).isFalse();
      return;
    }
    assertThat(finite).isTrue();
    assertThat(got.part(Part.SCALE)).isEqualTo(scaleBytes);
    assertThat(got.part(Part.CODES)).isEqualTo(codes);
    assertThat(Run.decode(scheme, rows, options, got)).isEqualTo(decoded);
  }
}
