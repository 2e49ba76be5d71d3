package dev.monoquant.vector;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.model.BoundKernels;
import dev.monoquant.model.Kernels;
import dev.monoquant.testkit.laws.KernelLaws;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The results are the same before and after C2 has compiled a kernel, and while it does. */
class WarmingKernelsTest {

  @Test
  @Timeout(value = 2, unit = TimeUnit.MINUTES)
  void switchesToVectorsWithTheSameResults() throws InterruptedException {
    Kernels kernels = BoundKernels.find("vector").orElseThrow();
    assertThat(kernels).isInstanceOf(WarmingKernels.class);
    assertThat(BoundKernels.find("vector")).containsSame(kernels);
    Random random = new Random(1);
    boolean isUsed = false;
    // C2 is far slower in a debugger or under coverage; whether it is done does not matter then.
    for (int i = 0; i < 300 && !isUsed; i++) {
      KernelLaws.equalsJvm(kernels, random.ints(500).toArray(), random.ints(500).toArray());
      isUsed = ((WarmingKernels) kernels).isReady();
      Thread.sleep(20);
    }
    KernelLaws.equalsJvm(kernels, random.ints(500).toArray(), random.ints(500).toArray());
  }
}
