package dev.monoquant.script;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ValidationException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Fit;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.spi.ScriptRunner;
import dev.monoquant.spi.TileDecoder;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.testkit.SchemeCase;
import dev.monoquant.testkit.data.EncodedSamples;
import dev.monoquant.testkit.data.ValuePattern;
import dev.monoquant.testkit.data.WeightSample;
import dev.monoquant.testkit.laws.Law;
import dev.monoquant.testkit.laws.LawViolation;
import dev.monoquant.testkit.laws.TorchScriptLaws;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Part;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a scheme says in TorchScript is run, and a word that is wrong is found. */
class EngineScriptRunnerTest {

  private static final String RIGHT =
      "spread = torch.slice(torch.repeat_interleave(step, 8, 1), 1, 0, codes.size(1))\n"
          + "return torch.mul(torch.to(codes, 6), spread)";

  /** Three levels for each 8 columns: -step, 0 and step. */
  private record Ternary(String script) implements Scheme {

    @Override
    public SchemeId id() {
      return new SchemeId("acme/trit", 1);
    }

    @Override
    public List<OptionSpec<?>> options() {
      return List.of(
          CommonOptions.bits(2),
          CommonOptions.symmetric(true),
          CommonOptions.granularity("group:8"),
          CommonOptions.profile("acme"));
    }

    @Override
    public Fit fit(WeightMatrix rows, OptionValues options) {
      return Fit.of(
          Encoding.opaque(
              Part.perElement(Part.CODES, ElementType.INT2),
              Part.perGroup("step", rows.tensor().type(), 8)));
    }

    @Override
    public TileQuantizer begin(
        WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
      return tile -> {
        int cols = tile.cols();
        int groups = (cols + 7) / 8;
        byte[] codes = new byte[tile.height() * cols];
        float[] steps = new float[tile.height() * groups];
        for (int i = 0; i < codes.length; i++) {
          int group = i / cols * groups + i % cols / 8;
          steps[group] = Math.max(steps[group], Math.abs(tile.values()[i]));
        }
        for (int i = 0; i < codes.length; i++) {
          float step = steps[i / cols * groups + i % cols / 8];
          codes[i] = (byte) (step == 0 ? 0 : Math.rint(tile.values()[i] / step));
        }
        byte[] stored = new byte[steps.length * tile.sourceType().cellBytes()];
        FloatBytes.narrow(tile.sourceType(), steps, 0, steps.length, stored, 0);
        return EncodedTile.of(tile, Map.of(Part.CODES, codes, "step", stored));
      };
    }

    @Override
    public Optional<TileDecoder> decoder(WeightMatrix rows, OptionValues options) {
      int cols = Math.toIntExact(rows.columnCount());
      TileDecoder decoder =
          (tile, out) -> {
            int groups = (cols + 7) / 8;
            float[] steps = new float[tile.height() * groups];
            FloatBytes.widen(
                rows.tensor().type(),
                ByteBuffer.wrap(tile.part("step")).order(ByteOrder.LITTLE_ENDIAN),
                steps,
                0,
                steps.length);
            for (int i = 0; i < tile.height() * cols; i++) {
              out[i] = tile.part(Part.CODES)[i] * steps[i / cols * groups + i % cols / 8];
            }
          };
      return Optional.of(decoder);
    }

    @Override
    public Optional<String> torchScript(WeightMatrix rows, OptionValues options) {
      return script.isEmpty() ? Optional.empty() : Optional.of(script);
    }
  }

  private final ScriptRunner runner = new EngineScriptRunner();
  private final Law<SchemeCase> law =
      new Law<>(
          "torchScriptEqualsDecoder", c -> TorchScriptLaws.torchScriptEqualsDecoder(c, runner));

  private static SchemeCase trying(String script, ElementType type) {
    return new SchemeCase(
        new Ternary(script), WeightSample.of(ValuePattern.NORMAL, type, 5, 21, 3));
  }

  @Test
  void itIsFoundAndRunsHere() {
    assertThat(ServiceLoader.load(ScriptRunner.class))
        .hasAtLeastOneElementOfType(EngineScriptRunner.class);
    assertThat(runner.unavailable()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT16", "BFLOAT16", "FLOAT32", "FLOAT64"})
  void whatIsRightKeepsTheLaw(ElementType type) {
    assertThat(law.check(trying(RIGHT, type))).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "return torch.mul(torch.to(codes, 6), torch.mul(spread, 1.1))",
        "return torch.mul(torch.to(codes, 6), torch.mul(spread, 1.00001))",
        "return torch.mul(torch.to(codes, 6), torch.slice(step, 1, 0, 1))",
        "return torch.neg(torch.mul(torch.to(codes, 6), spread))",
        "return torch.div(torch.to(codes, 6), torch.sub(spread, spread))"
      })
  void whatDecodesToOtherNumbersBreaksIt(String wrong) {
    String script = RIGHT.substring(0, RIGHT.indexOf('\n') + 1) + wrong;
    assertThatThrownBy(() -> law.check(trying(script, ElementType.FLOAT32)))
        .isInstanceOfSatisfying(
            LawViolation.class, e -> assertThat(e.law()).isEqualTo("torchScriptEqualsDecoder"))
        .hasMessageContaining("by TorchScript");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"return torch.no_such_thing(codes)", "return torch.to(codes, 6", "return step"})
  void whatDoesNotRunBreaksItWithTheReason(String wrong) {
    assertThatThrownBy(() -> law.check(trying(wrong, ElementType.FLOAT32)))
        .isInstanceOf(LawViolation.class)
        .hasCauseInstanceOf(ValidationException.class)
        .hasMessageContaining("PyTorch does not run what decodes it");
  }

  @Test
  void aSchemeThatSaysNothingIsNotJudged() {
    assertThat(law.check(trying("", ElementType.FLOAT32)))
        .contains("TorchScript outputs do not know how to decode it");
  }

  /** Rows on the second axis come back in the order of the matrix. */
  @Test
  void rowsOnAnotherAxisComeBackAsRows() {
    EncodedWeight plain = EncodedSamples.int8("fc", ElementType.FLOAT32, 4, 6);
    TensorInfo tensor = new TensorInfo("fc.weight", ElementType.FLOAT32, TensorShape.of(2, 4, 3));
    EncodedWeight across =
        new EncodedWeight(
            new WeightMatrix("fc", LayerKind.UNKNOWN, "weight", tensor, 1),
            plain.scheme(),
            plain.options(),
            plain.encoding());
    EncodedTile parts = EncodedSamples.tile(plain, 7);
    float[] rows = runner.decode(plain, parts).orElseThrow();
    assertThat(runner.decode(across, parts).orElseThrow()).containsExactly(rows);
    byte[] codes = parts.part(Part.CODES);
    ByteBuffer scales = ByteBuffer.wrap(parts.part(Part.SCALE)).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < rows.length; i++) {
      assertThat(rows[i]).isEqualTo(codes[i] * scales.getFloat(i / 6 * Float.BYTES));
    }
  }
}
