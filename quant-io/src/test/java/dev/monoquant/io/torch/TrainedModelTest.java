package dev.monoquant.io.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.io.testing.Surest;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadChoices;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Checkpoints of trainings that torch 2.13 wrote: parametrized weights, with the weights that torch
 * makes of them, and objects of many classes beside the weights.
 */
class TrainedModelTest {

  /** Units in the last place; torch sums in float32 and this project in float64. */
  private static final double MOST = 2.5;

  private static ModelSource open(Path path, ReadChoices choices) throws IOException {
    return Surest.of(path).open(ModelInput.of(path, choices), ReadLimits.DEFAULT);
  }

  private static ModelSource open(String name) throws IOException {
    return open(TorchOracleTest.oracle(name), ReadChoices.DEFAULT);
  }

  @ParameterizedTest
  @ValueSource(strings = {"parametrized.pt", "parametrized.safetensors"})
  void parametrizedWeightsAreThoseOfTorch(String name) throws IOException {
    ReadChoices fold = ReadChoices.DEFAULT.withFold(true);
    try (ModelSource source = open(TorchOracleTest.oracle(name), fold);
        ModelSource torch = open("parametrized_weights.safetensors")) {
      assertThat(torch.info().tensors()).hasSize(23);
      for (TensorInfo wanted : torch.info().tensors()) {
        TensorInfo own = tensor(source, wanted.name());
        assertThat(own.type()).isEqualTo(wanted.type());
        assertThat(own.shape()).isEqualTo(wanted.shape());
        double[] expected = numbers(torch, wanted, (int) wanted.bytes());
        // In pieces of an odd size, so that elements and rows are cut in the middle too.
        assertThat(numbers(source, own, 7)).as(own.name()).isEqualTo(numbers(source, own, 4096));
        double[] actual = numbers(source, own, 4096);
        for (int i = 0; i < expected.length; i++) {
          double unit = Math.abs(expected[i]) * epsilon(own.type());
          assertThat(actual[i])
              .as(own.name() + " at " + i)
              .isBetween(expected[i] - MOST * unit, expected[i] + MOST * unit);
        }
      }
      assertThat(names(source))
          .noneMatch(n -> n.matches(".*(_g|_v|_u|_orig|_mask|original0|original1|_u|_v)$"))
          .contains("ort.parametrizations.weight.original", "ort2.parametrizations.weight.original")
          .hasSize(52);
      assertThat(String.join("\n", source.info().notes()))
          .contains("Folded weight_norm of 12 tensors", "Folded spectral_norm of 8 tensors")
          .contains("Folded pruning of 3 tensors", "remove_parametrizations");
    }
  }

  @Test
  void detectorsGiveWhatIsStored() throws IOException {
    try (ModelSource kept = open("parametrized.safetensors")) {
      assertThat(names(kept)).hasSize(83).contains("wn0.weight_g").doesNotContain("wn0.weight");
      assertThat(kept.info().notes()).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"objects.pt", "objects_protocol5.pt", "objects_legacy.pt"})
  void objectsBesideTheWeightsAreSkipped(String name) throws IOException {
    try (ModelSource source = open(name)) {
      assertThat(names(source)).containsExactly("weight", "bias");
      assertThat(String.join("\n", source.info().notes()))
          .contains("The weights are those of entry \"state_dict\".")
          .contains("Skipped objects beside the weights", "\"args\" (argparse.Namespace)");
    }
    assertThatThrownBy(
            () -> open(TorchOracleTest.oracle(name), ReadChoices.DEFAULT.withEntry("/")).close())
        .isInstanceOfSatisfying(
            ModelFormatException.class, e -> assertThat(e.reason()).isEqualTo(Reason.PICKLE_GLOBAL))
        .hasMessageContaining("argparse.Namespace (under \"args\")");
  }

  /** A file of before torch 1.6 holds the source of each class of a module beside its name. */
  @Test
  void aModuleBesideTheWeightsIsSkippedInOldFilesToo() throws IOException {
    try (ModelSource source = open("module_legacy.pt")) {
      assertThat(names(source)).containsExactly("fc.weight", "fc.bias");
      assertThat(numbers(source, tensor(source, "fc.weight"), 128)[1])
          .isEqualTo(0.1897, within(1e-4));
      assertThat(String.join("\n", source.info().notes()))
          .contains("The weights are those of entry \"state_dict\".")
          .contains("\"net\" (made_up_net.Net, with tensors: 2)")
          .contains("\"criterion\" (torch.nn.modules.loss.MSELoss)");
    }
    assertThatThrownBy(
            () ->
                open(TorchOracleTest.oracle("module_legacy.pt"), ReadChoices.DEFAULT.withEntry("/"))
                    .close())
        .hasMessageContaining("made_up_net.Net (under \"net\")");
  }

  @Test
  void partsThatWereSpreadOverDevicesAreTold(@TempDir Path folder) throws IOException {
    Path first = folder.resolve("consolidated.00.pth");
    Files.copy(TorchOracleTest.oracle("objects.pt"), first);
    try (ModelSource alone = open(first, ReadChoices.DEFAULT)) {
      assertThat(alone.info().notes()).noneMatch(note -> note.contains("several devices"));
    }
    Files.copy(first, folder.resolve("consolidated.01.pth"));
    try (ModelSource part = open(first, ReadChoices.DEFAULT)) {
      assertThat(part.info().notes())
          .anyMatch(note -> note.startsWith("\"consolidated.01.pth\" lies beside it"));
    }
  }

  private static TensorInfo tensor(ModelSource source, String name) {
    return source.info().tensors().stream()
        .filter(t -> t.name().equals(name))
        .findFirst()
        .orElseThrow(() -> new AssertionError(name + " is not there"));
  }

  private static List<String> names(ModelSource source) {
    return source.info().tensors().stream().map(TensorInfo::name).toList();
  }

  private static double epsilon(ElementType type) {
    return switch (type) {
      case BFLOAT16 -> 0x1p-7;
      case FLOAT64 -> 0x1p-52;
      default -> 0x1p-23;
    };
  }

  private static double[] numbers(ModelSource source, TensorInfo tensor, int piece)
      throws IOException {
    ByteBuffer all = ByteBuffer.allocate((int) tensor.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    for (long at = 0; at < tensor.bytes(); at += piece) {
      all.put(source.read(tensor, at, (int) Math.min(piece, tensor.bytes() - at)));
    }
    all.flip();
    double[] numbers = new double[(int) tensor.shape().elements()];
    if (tensor.type() == ElementType.FLOAT64) {
      all.asDoubleBuffer().get(numbers);
      return numbers;
    }
    float[] floats = new float[numbers.length];
    FloatBytes.widen(tensor.type(), all, floats, 0, floats.length);
    Arrays.setAll(numbers, i -> floats[i]);
    return numbers;
  }
}
