package dev.monoquant.core.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ConfigurationException;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.model.BoundKernels;
import dev.monoquant.spi.Compute;
import org.junit.jupiter.api.Test;

/** Without the vector kernels, which are not on the class path of these tests. */
class KernelChoiceTest {

  private static final Settings SETTINGS = Settings.defaults();

  @Test
  void autoNeedsNothing() {
    assertThat(KernelChoice.of(SETTINGS, 1)).isSameAs(BoundKernels.JVM);
    assertThat(KernelChoice.of(SETTINGS, Long.MAX_VALUE)).isSameAs(BoundKernels.JVM);
  }

  @Test
  void vectorThatIsAbsentIsAnError() {
    assertThat(KernelChoice.of(SETTINGS.withCompute(Compute.JVM), 1)).isSameAs(BoundKernels.JVM);
    assertThatThrownBy(() -> KernelChoice.of(SETTINGS.withCompute(Compute.VECTOR), 1))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("--add-modules jdk.incubator.vector");
  }
}
