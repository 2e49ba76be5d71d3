package dev.monoquant.vector;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.model.BoundKernels;
import dev.monoquant.model.Kernels;
import dev.monoquant.testkit.laws.KernelLaws;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/**
 * The kernels in vector instructions give the bits of the plain loops. Lanes are the processor's;
 * {@code -XX:UseAVX=2} has half of those of AVX-512.
 */
class VectorKernelsTest {

  private static final float[] SPECIAL = {
    0f,
    -0f,
    Float.NaN,
    Float.POSITIVE_INFINITY,
    Float.NEGATIVE_INFINITY,
    Float.MIN_VALUE,
    -Float.MIN_VALUE,
    Float.MIN_NORMAL,
    Float.MAX_VALUE,
    -Float.MAX_VALUE,
    65504f,
    65519.996f,
    65520f,
    -65536f,
    0x1p-14f,
    0x1p-24f,
    0x1p-25f,
    0x1.FEp127f,
    0x1.FFp127f,
    448f,
    464f,
    57344f,
    0x1p-10f
  };

  private static final Kernels KERNELS = vectors();

  /** The provider loads the module; its kernels start as plain loops. */
  private static Kernels vectors() {
    assertThat(BoundKernels.find("vector")).isPresent();
    return new VectorKernels();
  }

  @Test
  void theModuleIsLoaded() {
    assertThat(KERNELS.name()).isEqualTo("vector");
    assertThat(BoundKernels.bound()).isSameAs(BoundKernels.JVM);
  }

  @Property
  void anyBits(@ForAll long seed, @ForAll @IntRange(max = 700) int count) {
    Random random = new Random(seed);
    KernelLaws.equalsJvm(KERNELS, random.ints(count).toArray(), random.ints(count).toArray());
  }

  @Property
  void specialNumbers(@ForAll long seed, @ForAll @IntRange(max = 300) int count) {
    Random random = new Random(seed);
    int[] bits = new int[count];
    int[] others = new int[count];
    for (int i = 0; i < count; i++) {
      bits[i] = Float.floatToRawIntBits(SPECIAL[random.nextInt(SPECIAL.length)]);
      others[i] = bits[i] + random.nextInt(3) - 1;
    }
    KernelLaws.equalsJvm(KERNELS, bits, others);
  }

  /** As weights are: the sums of blocks are in float, but where the scale is extreme. */
  @Property
  void weights(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 1500) int count,
      @ForAll @IntRange(min = -70, max = 70) int exponent) {
    Random random = new Random(seed);
    int[] bits = new int[count];
    int[] others = new int[count];
    for (int i = 0; i < count; i++) {
      float value = Math.scalb((float) random.nextGaussian(), exponent);
      bits[i] = Float.floatToRawIntBits(value);
      others[i] = Float.floatToRawIntBits(value + Math.scalb(value, -6 - random.nextInt(3)));
    }
    KernelLaws.equalsJvm(KERNELS, bits, others);
  }
}
