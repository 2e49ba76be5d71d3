package dev.monoquant.io.torchscript;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import dev.monoquant.io.memory.LiveModelFormat;
import dev.monoquant.io.testing.Sample;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.TensorSource;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** libtorch loads what was written, and runs it with the same bits. */
class TorchScriptEngineTest {

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "/torch-oracle/scripted.pt, 2x3x4",
    "/torch-oracle/traced.pt, 2x3x4",
    "/torch-oracle/frozen.pt, 3x4",
    "/torch-corpus/torchscript/ts_ok_frozen.pt, 2x6",
    "/torch-corpus/torchscript/ts_ok_plain_attribute.pt, 3x4",
    "/torch-corpus/torchscript/ts_ok_traced.pt, 2x6",
    "/torch-corpus/torchscript/ts_ok_traced_constant.pt, 3x4"
  })
  void anArchiveWithNothingReplacedRunsAsBefore(String resource, String shape)
      throws IOException, MalformedModelException {
    Path original = Originals.path(resource);
    Path target = folder.resolve("out.pt");
    try (TensorSource source = Originals.open(original)) {
      Sample sample = Originals.sample(source, 1, 0);
      sample.write(new TorchScriptOutput(), Originals.request(sample, target, source));
    }
    assertThat(run(target, shape)).isEqualTo(run(original, shape));
    assertThat(extra(target)).contains("\"version\":1");
  }

  /** A loaded model is quantized like the file that it came from, but for the hash of that file. */
  @Test
  void aLoadedModelCanBeWrittenAgain() throws IOException, MalformedModelException {
    Path original = Originals.path("/torch-oracle/traced.pt");
    Path target = folder.resolve("live.pt");
    try (Model model = Model.newInstance("net", "PyTorch")) {
      model.load(original);
      try (TensorSource source =
          new LiveModelFormat().open(ModelInput.of(model), ReadLimits.DEFAULT)) {
        Sample sample = Originals.sample(source, 1, 0);
        sample.write(new TorchScriptOutput(), Originals.request(sample, target, source));
      }
    }
    assertThat(run(target, "2x3x4")).isEqualTo(run(original, "2x3x4"));
    try (TensorSource read = Originals.open(target)) {
      assertThat(read.audit().orElseThrow().differences()).isEmpty();
      assertThat(read.audit().orElseThrow().inputs()).isEmpty();
    }
  }

  private static float[] run(Path path, String shape) throws IOException, MalformedModelException {
    try (Model model = Model.newInstance("net", "PyTorch");
        NDManager manager = NDManager.newBaseManager("PyTorch")) {
      model.load(path);
      String[] dims = shape.split("x");
      long[] sizes = new long[dims.length];
      for (int i = 0; i < sizes.length; i++) {
        sizes[i] = Long.parseLong(dims[i]);
      }
      Shape form = new Shape(sizes);
      NDArray input = manager.arange(0, form.size(), 1f).reshape(form).div(7f);
      ParameterStore store = new ParameterStore(manager, true);
      return model
          .getBlock()
          .forward(store, new NDList(input), false)
          .singletonOrThrow()
          .toFloatArray();
    }
  }

  /** What DJL hands out under the option {@code extraFiles}. */
  private static String extra(Path path) throws IOException, MalformedModelException {
    try (Model model = Model.newInstance("net", "PyTorch")) {
      model.load(path, null, Map.of("extraFiles", "monoquant.json,monoquant-manifest.json"));
      assertThat(model.getProperty("monoquant-manifest.json")).contains("\"self\":");
      return String.valueOf(model.getProperty("monoquant.json"));
    }
  }
}
