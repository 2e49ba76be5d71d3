package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.nn.Block;
import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.hand.QuantizedModel;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.tile.Granularity;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Trained models keep their accuracy: written, loaded again, decoded into the program, and run. */
class DigitsAccuracyTest {

  private static final double HALF_A_POINT = 0.005;

  @TempDir private Path folder;

  static Stream<Arguments> everyModelInEveryWay() {
    return Stream.of(Digits.values())
        .flatMap(
            model ->
                Stream.of(
                    Arguments.of(model, scheme("int8").build(), "int8.safetensors"),
                    Arguments.of(model, scheme("int8").build(), "compressed-tensors-directory"),
                    Arguments.of(model, scheme("int8").symmetric(false).build(), "a.safetensors"),
                    Arguments.of(model, perTensor(), "tensor.safetensors"),
                    Arguments.of(model, scheme("float16").build(), "f16.safetensors"),
                    Arguments.of(model, scheme("bfloat16").build(), "bf16.safetensors")));
  }

  private static QuantizationConfig.Builder scheme(String id) {
    return QuantizationConfig.builder().scheme(id);
  }

  private static QuantizationConfig perTensor() {
    return scheme("int8").granularity(Granularity.TENSOR).build();
  }

  @ParameterizedTest
  @MethodSource("everyModelInEveryWay")
  void isWithinHalfAPointOfFloat(Digits digits, QuantizationConfig config, String target)
      throws Exception {
    Path out = folder.resolve(target);
    Quantizer.create().quantize(ModelInput.of(digits.weights()), config, out, false);

    try (NDManager manager = NDManager.newBaseManager("PyTorch");
        Model original = digits.program();
        Model architecture = digits.program();
        QuantizedModel loaded = Quantizer.create().load(out)) {
      Block filled = loaded.toBlock(architecture::getBlock, manager);

      assertThat(filled).isSameAs(architecture.getBlock());
      assertThat(digits.accuracy(filled, manager))
          .isGreaterThanOrEqualTo(digits.accuracy(original.getBlock(), manager) - HALF_A_POINT);
      assertThat(different(digits, filled, original.getBlock(), manager))
          .as("the program runs with other weights than before")
          .isTrue();
    }
  }

  @ParameterizedTest
  @EnumSource
  void theProgramItselfGivesTheStoredLogits(Digits digits) throws Exception {
    try (NDManager manager = NDManager.newBaseManager("PyTorch");
        Model original = digits.program()) {
      NDArray logits = digits.logits(original.getBlock(), manager);
      NDArray difference = logits.sub(digits.testData("logits", manager)).abs().max();
      assertThat(difference.getFloat()).isLessThan(1e-4f);
    }
  }

  @Test
  void aStateDictIsNoRunnableModel() {
    try (NDManager manager = NDManager.newBaseManager("PyTorch");
        QuantizedModel quantized =
            Quantizer.create().quantize(Digits.CNN.weights(), scheme("int8").build())) {
      assertThatThrownBy(() -> quantized.toBlock(manager))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("no architecture")
          .hasMessageContaining("model.toBlock(() -> ");
    }
  }

  @Test
  void anotherArchitectureIsRefusedByTheNamesThatDoNotFit() throws Exception {
    try (NDManager manager = NDManager.newBaseManager("PyTorch");
        Model other = Digits.LSTM.program();
        QuantizedModel quantized =
            Quantizer.create().quantize(Digits.CNN.weights(), scheme("int8").build())) {
      assertThatThrownBy(() -> quantized.toBlock(other::getBlock, manager))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("does not fit the model")
          .hasMessageContaining("lstm");
    }
  }

  private static boolean different(Digits digits, Block a, Block b, NDManager manager)
      throws Exception {
    NDArray difference = digits.logits(a, manager).sub(digits.logits(b, manager));
    return difference.abs().max().getFloat() > 0;
  }
}
