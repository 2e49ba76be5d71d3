package dev.monoquant.schemes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.model.BoundKernels;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Kernels;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Granularity;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/**
 * Codes and decoded values are the same with the loops for plain kernels, which work on many blocks
 * at once, and with those for others, which call a kernel for each block.
 */
class KernelPathsTest {

  private static final List<ElementType> TYPES =
      List.of(ElementType.FLOAT32, ElementType.FLOAT16, ElementType.BFLOAT16);

  private final AtomicInteger calls = new AtomicInteger();

  /** The plain kernels under another identity. */
  private Kernels others() {
    return (Kernels)
        Proxy.newProxyInstance(
            Kernels.class.getClassLoader(),
            new Class<?>[] {Kernels.class},
            (self, method, arguments) -> {
              if (method.getName().equals("now")) {
                return self;
              }
              calls.incrementAndGet();
              return method.invoke(BoundKernels.JVM, arguments);
            });
  }

  @Property(tries = 100)
  void integers(
      @ForAll long seed,
      @ForAll @IntRange(min = 2, max = 8) int bits,
      @ForAll @IntRange(min = 0, max = 2) int type,
      @ForAll boolean symmetric,
      @ForAll @IntRange(max = 4) int granularity,
      @ForAll @IntRange(min = -30, max = 5) int exponent) {
    OptionValues options = OptionValues.of(bits, symmetric, granularities().get(granularity));
    for (String search : List.of("none", "grid")) {
      OptionValues searched = options.with(CommonOptions.SEARCH, search);
      same(Run.scheme(bits), searched, weight(TYPES.get(type), seed, exponent), TYPES.get(type));
    }
  }

  @Property(tries = 100)
  void floats(
      @ForAll long seed,
      @ForAll @IntRange(min = 0, max = 2) int type,
      @ForAll boolean e5m2,
      @ForAll @IntRange(max = 4) int granularity,
      @ForAll @IntRange(min = -12, max = 5) int exponent) {
    Scheme scheme = e5m2 ? new Fp8E5m2Scheme() : new Fp8Scheme();
    OptionValues options = OptionValues.of(8, true, granularities().get(granularity));
    same(scheme, options, weight(TYPES.get(type), seed, exponent), TYPES.get(type));
  }

  private static List<Granularity> granularities() {
    return List.of(
        Granularity.CHANNEL,
        Granularity.TENSOR,
        Granularity.group(32),
        Granularity.group(48),
        Granularity.group(16));
  }

  private static float[] weight(ElementType type, long seed, int exponent) {
    Random random = new Random(seed);
    float[] weight = new float[3 * 96];
    for (int i = 0; i < weight.length; i++) {
      double value = random.nextInt(9) == 0 ? 0 : random.nextGaussian();
      weight[i] = (float) Math.scalb(value, exponent);
    }
    return Run.as(type, weight);
  }

  private void same(Scheme scheme, OptionValues options, float[] weight, ElementType type) {
    WeightMatrix rows = Run.rows(type, 3, 96);
    EncodedTile plain = Run.quantize(scheme, rows, options, weight, 2);
    float[] decoded = Run.decode(scheme, rows, options, plain);
    EncodedTile other =
        BoundKernels.with(others(), () -> Run.quantize(scheme, rows, options, weight, 2));
    for (String part : plain.names()) {
      assertThat(other.part(part)).as(part).isEqualTo(plain.part(part));
    }
    float[] again = BoundKernels.with(others(), () -> Run.decode(scheme, rows, options, plain));
    assertThat(Arrays.equals(decoded, again)).isTrue();
    assertThat(calls.get()).isPositive();
  }
}
