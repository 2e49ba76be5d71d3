package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.control.SampleInputs;
import dev.monoquant.spi.ModelInput;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A scripted linear layer of 64 by 32 that returns its product and None. */
class UncomparableOutputsTest {

  private static final QuantizationConfig CONFIG =
      QuantizationConfig.builder().format("torchscript").build();

  @TempDir private Path folder;
  private Path model = Path.of("");

  @BeforeEach
  void copy() throws Exception {
    model = folder.resolve("model.pt");
    try (InputStream in = getClass().getResourceAsStream("/torchscript/tensor-and-none.pt")) {
      Files.copy(in, model);
    }
  }

  private void requireClearRefusal(Quantizer quantizer) {
    assertThatThrownBy(
            () -> quantizer.quantize(ModelInput.of(model), CONFIG, folder.resolve("out.pt"), false))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("it runs, but its outputs cannot be compared")
        .hasMessageContaining("None")
        .hasMessageContaining("--no-run");
    assertThat(folder.resolve("out.pt")).doesNotExist();
  }

  @Test
  void whatIsAmissAreTheOutputsNotTheInputs() {
    requireClearRefusal(Quantizer.create());
    try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
      NDList sample = new NDList(manager.ones(new Shape(2, 64)));
      requireClearRefusal(Quantizer.create().withSamples(List.of(SampleInputs.of(sample))));
    }
  }

  @Test
  void itsAdviceIsGood() throws Exception {
    Path out = folder.resolve("out.pt");
    Quantizer.create().withRunning(false).quantize(ModelInput.of(model), CONFIG, out, false);
    assertThat(out).isNotEmptyFile();
  }
}
