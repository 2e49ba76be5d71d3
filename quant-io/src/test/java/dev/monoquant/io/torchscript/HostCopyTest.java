package dev.monoquant.io.torchscript;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.training.ParameterStore;
import dev.monoquant.files.testing.Sample;
import dev.monoquant.files.testing.ZipText;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.RunnableFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Archives that were saved on CUDA, of which no engine without it loads the original. */
class HostCopyTest {

  @TempDir Path folder;

  /**
   * The archive as PyTorch writes it on CUDA: the same but for the location of each storage, and
   * devices in the code.
   */
  private Path onCuda(String resource) throws IOException {
    ZipText zip = ZipText.of(Originals.path(resource));
    for (Map.Entry<String, byte[]> record : zip.records().entrySet()) {
      String text = new String(record.getValue(), ISO_8859_1);
      if (record.getKey().endsWith(".pkl")) {
        text = text.replace("X\3\0\0\0cpu", "X\6\0\0\0cuda:0");
      } else if (record.getKey().endsWith(".py")) {
        text = text.replace("return ", "_device = torch.device(\"cuda:0\")\n    return ");
      }
      record.setValue(text.getBytes(ISO_8859_1));
    }
    return Files.write(folder.resolve("cuda.pt"), zip.build());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/torch-corpus/torchscript/ts_ok_traced.pt",
        "/torch-corpus/torchscript/ts_ok_frozen.pt"
      })
  void isReadMovedRunAndDeleted(String resource) throws Exception {
    Path cuda = onCuda(resource);
    Path copy;
    try (ModelSource original = Originals.open(Originals.path(resource));
        ModelSource source = Originals.open(cuda)) {
      assertThat(source.info().notes())
          .anyMatch(n -> n.startsWith("It was saved on \"cuda:0\": its tensors and the devices"));
      assertThat(source.info().tensors()).isEqualTo(original.info().tensors());
      for (TensorInfo tensor : source.info().tensors()) {
        int bytes = (int) tensor.bytes();
        assertThat(source.read(tensor, 0, bytes)).isEqualTo(original.read(tensor, 0, bytes));
      }
      RunnableFile program = source.find(RunnableFile.class).orElseThrow();
      copy = program.file();
      assertThat(copy).isNotEqualTo(cuda).isEqualTo(program.file());
      assertThat(output(copy)).isEqualTo(output(Originals.path(resource)));
    }
    assertThat(copy.getParent()).doesNotExist();
  }

  @Test
  void theOutputIsForTheCpu() throws IOException {
    Path target = folder.resolve("out.pt");
    try (ModelSource source = Originals.open(onCuda("/torch-oracle/traced.pt"))) {
      Sample sample = Originals.sample(source, 1, 0);
      sample.write(new TorchScriptOutput(), Originals.request(sample, target, source));
    }
    assertThat(ZipText.of(target).records().entrySet())
        .filteredOn(e -> e.getKey().endsWith(".pkl") || e.getKey().endsWith(".py"))
        .allSatisfy(e -> assertThat(new String(e.getValue(), ISO_8859_1)).doesNotContain("cuda"))
        .anySatisfy(
            e ->
                assertThat(new String(e.getValue(), ISO_8859_1)).contains("torch.device(\"cpu\")"));
  }

  private static float[] output(Path file) throws Exception {
    try (NDManager manager = NDManager.newBaseManager("PyTorch");
        Model model = Model.newInstance("model", "PyTorch")) {
      model.load(file);
      NDArray input = manager.arange(24f).sub(11).div(7).reshape(4, 6);
      NDList outputs =
          model.getBlock().forward(new ParameterStore(manager, false), new NDList(input), false);
      return outputs.head().toFloatArray();
    }
  }
}
