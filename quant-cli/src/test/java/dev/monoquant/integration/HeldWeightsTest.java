package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.QuantizationConfig;
import dev.monoquant.ValidationException;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.control.SampleInputs;
import dev.monoquant.core.report.Report;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Fit;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.spi.TileDecoder;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Part;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What an output decodes at load is what was measured, or it is not accepted. */
class HeldWeightsTest {

  @TempDir private Path folder;

  /** A step for each row, and what TorchScript multiplies it by. */
  private record Steps(String factor) implements Scheme {

    @Override
    public SchemeId id() {
      return new SchemeId("acme/steps", 1);
    }

    @Override
    public List<OptionSpec<?>> options() {
      return List.of(
          CommonOptions.bits(8),
          CommonOptions.symmetric(true),
          CommonOptions.granularity("channel"),
          CommonOptions.profile("acme"));
    }

    @Override
    public Fit fit(WeightMatrix rows, OptionValues options) {
      return Fit.of(
          Encoding.opaque(
              Part.perElement(Part.CODES, ElementType.INT8),
              Part.perRow("step", ElementType.FLOAT32)));
    }

    @Override
    public TileQuantizer begin(
        WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
      return tile -> {
        int cols = tile.cols();
        byte[] codes = new byte[tile.height() * cols];
        ByteBuffer steps =
            ByteBuffer.allocate(tile.height() * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (int row = 0; row < tile.height(); row++) {
          float greatest = Float.MIN_NORMAL;
          for (int i = row * cols; i < (row + 1) * cols; i++) {
            greatest = Math.max(greatest, Math.abs(tile.values()[i]));
          }
          float step = greatest / 127;
          steps.putFloat(step);
          for (int i = row * cols; i < (row + 1) * cols; i++) {
            codes[i] = (byte) Math.rint(tile.values()[i] / step);
          }
        }
        return EncodedTile.of(tile, Map.of(Part.CODES, codes, "step", steps.array()));
      };
    }

    @Override
    public Optional<TileDecoder> decoder(WeightMatrix rows, OptionValues options) {
      int cols = Math.toIntExact(rows.columnCount());
      TileDecoder decoder =
          (tile, out) -> {
            ByteBuffer steps = ByteBuffer.wrap(tile.part("step")).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < tile.height() * cols; i++) {
              out[i] = tile.part(Part.CODES)[i] * steps.getFloat(i / cols * Float.BYTES);
            }
          };
      return Optional.of(decoder);
    }

    @Override
    public Optional<String> torchScript(WeightMatrix rows, OptionValues options) {
      return Optional.of(
          "return torch.mul(torch.to(codes, 6), torch.mul(step, %s))".formatted(factor));
    }
  }

  private Report quantize(String factor, String mode, boolean running) {
    return Quantizer.create()
        .withSync(false)
        .withRunning(running)
        .withSamples(running ? List.of(SampleInputs.of(Digits.CNN.testData())) : List.of())
        .withPlugins(Plugins.load().with(new Steps(factor)))
        .quantize(
            ModelInput.of(Digits.CNN.script("traced")),
            QuantizationConfig.builder()
                .format("torchscript")
                .option("small", "0")
                .option("mode", mode)
                .scheme("acme/steps")
                .build(),
            folder.resolve("made.pt"),
            false);
  }

  @ParameterizedTest
  @ValueSource(strings = {"weight-only", "dynamic"})
  void whatIsRightIsAccepted(String mode) {
    Report report = quantize("1.0", mode, true);
    assertThat(report.weights()).isNotEmpty();
    assertThat(report.run()).isPresent();
    assertThat(folder.resolve("made.pt")).exists();
  }

  /** No layer behind it, and no cosine, sees a tenth too much. */
  @ParameterizedTest
  @CsvSource({"1.1, weight-only", "1.1, dynamic", "1.000001, weight-only", "-1.0, dynamic"})
  void aWrongScaleIsRefusedWithTheWeightAndTheNumber(String factor, String mode) {
    assertThatThrownBy(() -> quantize(factor, mode, true))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining(
            "features.0.weight: what the output decodes when it is loaded is not what scheme"
                + " acme/steps@1 decodes: number 0 is ")
        .hasMessageContaining("nothing was written");
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void whatIsNotRunIsNotCompared() {
    quantize("1.1", "weight-only", false);
    assertThat(folder.resolve("made.pt")).exists();
  }
}
