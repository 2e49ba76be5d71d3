package dev.monoquant.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.control.SampleInputs;
import dev.monoquant.core.report.RunResult;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Small layers: what the rows say of speed is not looked at. */
class ScriptSpeedTest {

  @TempDir private Path temp;

  @Test
  void oneRowForEachModeBesideTheKernelsAndNoFileIsLeft() {
    StringWriter text = new StringWriter();
    List<String> args =
        List.of("--model=linear", "--model=linear3", "--width=256", "--dir=" + temp);
    assertThat(ScriptSpeed.run(new PrintWriter(text, true), args.toArray(String[]::new))).isZero();

    List<String> lines = text.toString().lines().toList();
    assertThat(lines.get(0)).startsWith("int8 kernels: sums ");
    assertThat(lines).contains("1 linear layer of 256, batch 1", "3 linear layers of 256, batch 1");
    List<String> rows = lines.stream().filter(l -> l.matches("(kernels alone|model), .*")).toList();
    assertThat(rows)
        .extracting(l -> l.substring(0, 29).strip())
        .startsWith(
            "kernels alone, fp32", "kernels alone, int8", "model, fp32", "model, weight-only")
        .hasSize(14);
    assertThat(rows)
        .extracting(l -> Double.parseDouble(l.substring(l.lastIndexOf(' '))))
        .allMatch(cosine -> cosine > 0.99);
    assertThat(temp).isEmptyDirectory();
  }

  /** The number of outputs of the fp32 kernels, which those of the int8 kernels are close to. */
  private long outputs(ScriptKernels kernels, long[]... inputs) throws IOException {
    List<Path> files = List.of(temp.resolve("fp32.pt"), temp.resolve("int8.pt"));
    kernels.write(false, 0.03, 0, files.get(0));
    kernels.write(true, 0.03, 0, files.get(1));
    try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
      NDList sample = new NDList();
      for (long[] shape : inputs) {
        sample.add(manager.randomUniform(0, 3, new Shape(shape)));
      }
      Quantizer quantizer =
          Quantizer.create().withTrust(true).withSamples(List.of(SampleInputs.of(sample)));
      RunResult int8 = quantizer.runSideBySide(files).models().get(1);
      assertThat(int8.outputs().cosine()).isCloseTo(1, within(2e-3));
      return int8.outputs().elements();
    }
  }

  @Test
  void kernelsAreAllLayersOfTheirModel() throws IOException {
    long[][] rows = {{1, 2, 384}, {1, 2, 1536}};
    assertThat(outputs(ScriptModels.bertKernels(), rows)).isEqualTo(6 * 2 * (5 * 384 + 1536));

    long[][] images = {{1, 64, 8, 8}, {1, 128, 4, 4}, {1, 256, 2, 2}, {1, 256}};
    assertThat(outputs(ScriptModels.convolutionKernels(), images))
        .isEqualTo((64 + 128) * 64 + (128 + 256) * 16 + 256 * 4 + 1000);
  }
}
