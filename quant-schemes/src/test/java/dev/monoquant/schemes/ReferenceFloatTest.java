package dev.monoquant.schemes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.QuantException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Facts;
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

  /** What a block has by the reference, or that it has nothing that is finite. */
  private interface OfBlock {
    float scale(ReferenceFloat reference, float greatest);

    byte code(ReferenceFloat reference, float value, float scale);

    default float decoded(ReferenceFloat reference, byte code, float scale) {
      return reference.decode(code, scale);
    }
  }

  @Provide
  Arbitrary<WeightSample> weights() {
    return Samples.weights(EnumSet.allOf(ValuePattern.class), 6, 40, 1);
  }

  @Provide
  Arbitrary<WeightSample> groups() {
    return Samples.weights(EnumSet.allOf(ValuePattern.class), 4, 96, 32);
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
      @ForAll boolean wide,
      @ForAll @IntRange(min = 1, max = 2) int tiles) {
    Scheme scheme = wide ? new Fp8E5m2Scheme() : new Fp8Scheme();
    OptionValues options =
        scheme.defaults(weight.rows()).with(CommonOptions.GRANULARITY, granularity);
    int blockRows =
        granularity instanceof Granularity.PerBlock b
            ? b.rows()
            : granularity.equals(Granularity.TENSOR) ? weight.height() : 1;
    int blockCols = granularity instanceof Granularity.PerBlock b ? b.cols() : weight.cols();
    OfBlock block =
        new OfBlock() {
          @Override
          public float scale(ReferenceFloat reference, float greatest) {
            return reference.scale(greatest);
          }

          @Override
          public byte code(ReferenceFloat reference, float value, float scale) {
            return reference.encode8(value, scale);
          }
        };
    ElementType code = wide ? ElementType.FLOAT8_E5M2 : ElementType.FLOAT8_E4M3;
    Facts facts = Run.facts(scheme, options, weight.values());
    check(weight, scheme, options, facts, code, blockRows, blockCols, block, 4 * tiles);
  }

  @Property(tries = 1500)
  void powersOfTwo(@ForAll("groups") WeightSample weight, @ForAll boolean four) {
    Scheme scheme = four ? new Mxfp4Scheme() : new Mxfp8Scheme();
    OfBlock block =
        new OfBlock() {
          @Override
          public float scale(ReferenceFloat reference, float greatest) {
            return reference.scaleMx(greatest, four ? 2 : 8);
          }

          @Override
          public byte code(ReferenceFloat reference, float value, float scale) {
            return four
                ? reference.encode4(reference.round(value / scale))
                : reference.encode8(value, scale);
          }
        };
    OptionValues options = scheme.defaults(weight.rows());
    ElementType code = four ? ElementType.FLOAT4 : ElementType.FLOAT8_E4M3;
    check(weight, scheme, options, Facts.NONE, code, 1, 32, block, 3);
  }

  @Property(tries = 1500)
  void twoLevels(
      @ForAll("groups") WeightSample weight, @ForAll @IntRange(min = 0, max = 4) int family) {
    float own = ReferenceFloat.greatest(list(weight.values()));
    ElementType type = weight.type();
    // The family has a value that is so many times as large, as far as the type goes.
    float greatest = Math.min(own * (1 << family), type.maxValue());
    ReferenceFloat levels = new ReferenceFloat(computed(type), ElementType.FLOAT4);
    float global = levels.global(greatest);
    OfBlock block =
        new OfBlock() {
          @Override
          public float scale(ReferenceFloat reference, float most) {
            return reference.scaleNv(most, global);
          }

          @Override
          public byte code(ReferenceFloat reference, float value, float scale) {
            return reference.encode4(value / (scale / global));
          }

          @Override
          public float decoded(ReferenceFloat reference, byte code, float scale) {
            return reference.decode(code, scale / global);
          }
        };
    Scheme scheme = new Nvfp4Scheme();
    OptionValues options = scheme.defaults(weight.rows());
    Facts facts = Facts.NONE.withFamilyRange(-greatest, own);
    check(weight, scheme, options, facts, ElementType.FLOAT4, 1, 16, block, 3);
  }

  private static ElementType computed(ElementType type) {
    return type == ElementType.FLOAT64 ? ElementType.FLOAT32 : type;
  }

  private static List<Float> list(float[] values) {
    List<Float> list = new ArrayList<>();
    for (float value : values) {
      list.add(value);
    }
    return list;
  }

  private static void check(
      WeightSample weight,
      Scheme scheme,
      OptionValues options,
      Facts facts,
      ElementType code,
      int blockRows,
      int blockCols,
      OfBlock block,
      int tileHeight) {
    WeightMatrix rows = weight.rows();
    float[] values = weight.values();
    int cols = weight.cols();
    int across = (cols - 1) / blockCols + 1;
    int down = (weight.height() - 1) / blockRows + 1;
    ReferenceFloat reference = new ReferenceFloat(computed(weight.type()), code);
    float[] scales = new float[across * down];
    byte[] codes = new byte[values.length];
    float[] decoded = new float[values.length];
    boolean finite = true;
    for (int at = 0; at < scales.length; at++) {
      List<Integer> cells = new ArrayList<>();
      for (int i = 0; i < values.length; i++) {
        if (i / cols / blockRows * across + i % cols / blockCols == at) {
          cells.add(i);
        }
      }
      float greatest = ReferenceFloat.greatest(cells.stream().map(i -> values[i]).toList());
      scales[at] = block.scale(reference, greatest);
      finite &= Float.isFinite(scales[at]);
      for (int i : cells) {
        codes[i] = block.code(reference, values[i], scales[at]);
        decoded[i] = block.decoded(reference, codes[i], scales[at]);
        finite &= Float.isFinite(decoded[i]);
      }
    }
    EncodedTile got;
    try {
      got =
          Run.quantize(scheme.begin(rows, options, facts, Compute.AUTO), rows, values, tileHeight);
    } catch (QuantException e) {
      assertThat(finite).as(e.getMessage()).isFalse();
      return;
    }
    assertThat(finite).isTrue();
    Part part = scheme.fit(rows, options).orThrow(rows).part(Part.SCALE);
    byte[] scaleBytes = new byte[scales.length * part.type().cellBytes()];
    if (part.type().isSmallFloat()) {
      for (int i = 0; i < scales.length; i++) {
        scaleBytes[i] = part.type().encode(scales[i]);
      }
    } else {
      FloatBytes.narrow(part.type(), scales, 0, scales.length, scaleBytes, 0);
    }
    assertThat(got.part(Part.SCALE)).isEqualTo(scaleBytes);
    assertThat(got.part(Part.CODES)).isEqualTo(codes);
    assertThat(Run.decode(scheme, rows, options, got)).isEqualTo(decoded);
  }
}
