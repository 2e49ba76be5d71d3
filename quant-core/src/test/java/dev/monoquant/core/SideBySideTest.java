package dev.monoquant.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.monoquant.ValidationException;
import dev.monoquant.core.control.SampleInputs;
import dev.monoquant.core.report.RunComparison;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.trial.ModelRunner;
import dev.monoquant.core.trial.RunJob;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Models that do not give what they gave before, or only where memory happens to be zero. */
class SideBySideTest {

  /** Blocks as large as that of an input come from the system, all zero, in a fresh process. */
  private static final int COLUMNS = 16384;

  /** Four rows, of which the last is zero. */
  private static final String SAME = "return torch.mul(x, 1.)";

  /** The last row is never written. */
  private static final String UNWRITTEN =
      """
      u = torch.empty([4, 16384])
      v = torch.copy_(torch.slice(u, 0, 0, 3), torch.slice(x, 0, 0, 3))
      return u""";

  /** The same of bytes, as codes of activations are. */
  private static final String UNWRITTEN_CODES =
      """
      u = torch.empty([4, 16384], dtype=0)
      v = torch.copy_(torch.slice(u, 0, 0, 3), torch.slice(x, 0, 0, 3))
      return torch.to(u, 6)""";

  private static final String RANDOM = "return torch.add(x, torch.mul(torch.rand([4, 16384]), 5.))";

  private static final String COUNTING =
      """
      calls = torch.add_(self.calls, 1)
      return torch.ones([int(calls)])""";

  @TempDir private Path folder;

  private Path model(String name, String forward) throws IOException {
    return model(name, forward, "torch.zeros([1])");
  }

  /** An archive of one module that has a tensor, made when it is loaded. */
  private Path model(String name, String forward, String tensor) throws IOException {
    String code =
        """
        class Net(Module):
          training : bool
          calls : Tensor
          def __getstate__(self: __torch__.Net) -> bool:
            return self.training
          def __setstate__(self: __torch__.Net, state: bool) -> NoneType:
            self.training = state
            self.calls = %s
            return None
          def forward(self: __torch__.Net, x: Tensor) -> Tensor:
        %s
        """
            .formatted(tensor, forward.indent(4).stripTrailing());
    Path file = folder.resolve(name);
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
      entry(zip, "version", "3\n");
      entry(zip, "constants.pkl", "\u0080\2).");
      entry(zip, "data.pkl", "\u0080\2c__torch__\nNet\n)\u0081\u0089b.");
      entry(zip, "code/__torch__.py", code);
    }
    return file;
  }

  private static void entry(ZipOutputStream zip, String name, String content) throws IOException {
    zip.putNextEntry(new ZipEntry("model/" + name));
    zip.write(content.getBytes(StandardCharsets.ISO_8859_1));
    zip.closeEntry();
  }

  private RunComparison run(Path original, Path result) {
    try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
      float[] numbers = new float[4 * COLUMNS];
      for (int i = 0; i < 3 * COLUMNS; i++) {
        numbers[i] = i % 100;
      }
      NDList inputs = new NDList(manager.create(numbers, new Shape(4, COLUMNS)));
      Settings settings = Settings.defaults().withSamples(List.of(SampleInputs.of(inputs)));
      return new ModelRunner.InProcess(settings)
          .run(
              List.of(
                  new RunJob.Candidate("original.pt", original),
                  new RunJob.Candidate("result.pt", result)),
              List.of(),
              List.of(),
              RunJob.Purpose.COMPARE);
    }
  }

  @Test
  void whatGivesTheSameEachTimeIsAccepted() throws IOException {
    RunComparison run = run(model("original.pt", SAME), model("result.pt", SAME));
    assertThat(run.models().get(1).outputs().cosine()).isEqualTo(1);
    assertThat(run.models().get(1).outputs().elements()).isEqualTo(4 * COLUMNS);
    assertThat(run.inputs()).doesNotContain("run to run");
    assertThat(run.models())
        .allSatisfy(
            model -> {
              assertThat(model.loadNanos()).isPositive();
              assertThat(model.firstNanos()).isPositive();
            });
  }

  @ParameterizedTest
  @ValueSource(strings = {UNWRITTEN, UNWRITTEN_CODES, RANDOM})
  void whatDiffersFromRunToRunIsRefused(String forward) throws IOException {
    Path original = model("original.pt", SAME);
    Path result = model("result.pt", forward);
    assertThatThrownBy(() -> run(original, result))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("result.pt: run on the same inputs again (")
        .hasMessageContaining("its outputs differ by ")
        .hasMessageContaining("those of the original by 0.00 %: it reads memory that nothing was")
        .hasMessageContaining("--option mode=weight-only");
  }

  @Test
  void randomNumbersOfTheOriginalAreItsOwn() throws IOException {
    RunComparison run = run(model("original.pt", RANDOM), model("result.pt", RANDOM));
    assertThat(run.models().get(1).outputs().cosine()).isCloseTo(1, within(0.01));
    assertThat(run.inputs())
        .contains("the original itself differs by ", "from run to run", "training mode");
    Path unwritten = model("unwritten.pt", UNWRITTEN);
    assertThatThrownBy(() -> run(folder.resolve("original.pt"), unwritten))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("result.pt: run on the same inputs again (")
        .hasMessageNotContaining("by 0.00 %");
  }

  @Test
  void outputsWhoseSizeChangesFromCallToCallAreThoseOfTheOriginal() throws IOException {
    RunComparison run = run(model("original.pt", COUNTING), model("result.pt", COUNTING));
    assertThat(run.models().get(1).outputs().cosine()).isCloseTo(1, within(1e-9));
    Path other = model("other.pt", COUNTING.replace("calls, 1)", "calls, 2)"));
    assertThatThrownBy(() -> run(folder.resolve("original.pt"), other))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("shape")
        .hasMessageContaining("a size depends on numbers")
        .hasMessageContaining("mode=weight-only");
  }

  /** Memory that is read once, while the model is loaded, is the same in each run. */
  @Test
  void whatIsReadUnwrittenAtLoadIsFarFromTheOriginal() throws IOException {
    String added = "return torch.add(x, self.calls)";
    RunComparison run =
        run(
            model("original.pt", added, "torch.zeros([4, 16384])"),
            model("result.pt", added, "torch.empty([4, 16384])"));
    assertThat(run.models().get(1).outputs().cosine()).isLessThan(0.9);
  }
}
