package dev.monoquant.io.torch;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.testing.ZipText;
import dev.monoquant.io.checkpoint.TorchCheckpointFormat;
import dev.monoquant.io.exported.ExportedProgramFormat;
import dev.monoquant.io.gguf.GgufFormat;
import dev.monoquant.io.testing.Surest;
import dev.monoquant.io.torchscript.TorchScriptFormat;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Files are told apart by what they hold, and what is no model is called by its name. */
class DetectionTest {

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "'version https://git-lfs.github.com/spec/v1', Git LFS pointer",
    "'<!DOCTYPE html><html>', an HTML page",
    "'\u0089HDF\r\n', an HDF5 file",
    "'\u001f\u008b\u0008', gzip",
    "'\u0080\u0004]\u0094.', a Python pickle",
    "'\u0008\u0008\u0012\u0007pytorch\u001a', an ONNX model",
    "'\u0093NUMPY\u0001', a NumPy array",
    "'{\"a\": 1}', a text in JSON"
  })
  void whatIsNoModelIsCalledByItsName(String start, String name) throws IOException {
    for (String ending : new String[] {"", ".bin", ".pt", ".onnx"}) {
      Path file = folder.resolve("file" + ending);
      Files.write(file, start.getBytes(ISO_8859_1));
      InputFormatDetector detector = Surest.of(file);
      assertThatThrownBy(() -> detector.open(ModelInput.of(file), ReadLimits.DEFAULT).close())
          .isInstanceOfSatisfying(
              ModelFormatException.class,
              e -> assertThat(e.reason()).isEqualTo(Reason.NOT_THIS_FORMAT))
          .hasMessageContaining(name);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "arr_0.npy, NumPy arrays (.npz)",
    "model.weights.h5, a Keras model",
    "META-INF/MANIFEST.MF, a jar",
    "model/net.pt, unpack it",
    "word/document.xml, a zip archive of something else",
    "serialized_exported_program.json, torch.export as PyTorch before 2.8 wrote it"
  })
  void aZipOfSomethingElseIsCalledByItsName(String entry, String name) throws IOException {
    Path file = folder.resolve("file.pt");
    Files.write(file, new ZipText().put(entry, new byte[3]).build());
    assertThatThrownBy(() -> Surest.of(file).open(ModelInput.of(file), ReadLimits.DEFAULT).close())
        .isInstanceOfSatisfying(
            ModelFormatException.class,
            e -> assertThat(e.reason()).isEqualTo(Reason.NOT_THIS_FORMAT))
        .hasMessageContaining(name);
  }

  @Test
  void ggufIsRecognisedUnderAnyName() throws IOException {
    Path file = Files.write(folder.resolve("model.bin"), "GGUF\u0003".getBytes(ISO_8859_1));
    assertThat(Surest.of(file)).isInstanceOf(GgufFormat.class);
    assertThatThrownBy(
            () -> new TorchCheckpointFormat().open(ModelInput.of(file), ReadLimits.DEFAULT).close())
        .hasMessageContaining("a GGUF file. Read it as gguf");
  }

  /** Other readers say which one reads it. */
  @Test
  void anExportedProgramIsCalledByItsName() throws IOException {
    Path named = folder.resolve("file.pt2");
    Path file = folder.resolve("file.pt");
    Files.write(named, new ZipText().put("x/archive_format", new byte[3]).build());
    Files.copy(named, file);
    assertThat(Surest.of(named)).isInstanceOf(ExportedProgramFormat.class);
    assertThat(Surest.of(file)).isInstanceOf(TorchCheckpointFormat.class);
    for (InputFormatDetector other :
        List.of(new TorchScriptFormat(), new TorchCheckpointFormat())) {
      assertThatThrownBy(() -> other.open(ModelInput.of(file), ReadLimits.DEFAULT).close())
          .isInstanceOfSatisfying(
              ModelFormatException.class,
              e -> assertThat(e.reason()).isEqualTo(Reason.NOT_THIS_FORMAT))
          .hasMessageContaining("Read it as torch-export");
    }
  }

  @Test
  void namesSayNothing() throws IOException {
    Path script = copy("torchscript/ts_ok_traced.pt", "a.bin");
    Path checkpoint = copy("torch/pt_ok_state_dict.pt", "b");
    Path legacy = copy("torch/pt_ok_legacy_assembled.pth", "c.onnx");
    assertThat(Surest.of(script)).isInstanceOf(TorchScriptFormat.class);
    assertThat(Surest.of(checkpoint)).isInstanceOf(TorchCheckpointFormat.class);
    assertThat(Surest.of(legacy)).isInstanceOf(TorchCheckpointFormat.class);
  }

  private Path copy(String name, String to) throws IOException {
    return Files.copy(TorchCorpusTest.corpus().resolve(name), folder.resolve(to));
  }

  /** A name that promises that there is no pickle is held to it. */
  @Test
  void anArchiveIsNoSafetensorsFile() throws IOException {
    Path file = copy("torch/pt_ok_state_dict.pt", "model.safetensors");
    assertThat(new TorchCheckpointFormat().probe(ModelInput.of(file))).isEqualTo(Match.NONE);
    assertThatThrownBy(() -> Surest.of(file).open(ModelInput.of(file), ReadLimits.DEFAULT).close())
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("a zip archive");
  }

  /** The first entries fill the look-ahead, so only the directory at the end tells. */
  @Test
  void aLargeArchiveIsToldByItsEnd() throws IOException {
    ZipText text = new ZipText().put("x/data/0", new byte[InputFormatDetector.LOOK_AHEAD * 2]);
    text.put("x/data.pkl", new byte[] {'N', '.'}).put("x/version", new byte[] {'3'});
    Path checkpoint = folder.resolve("checkpoint");
    Files.write(checkpoint, text.build());
    assertThat(Surest.of(checkpoint)).isInstanceOf(TorchCheckpointFormat.class);
    Path script = folder.resolve("script");
    Files.write(script, text.put("x/constants.pkl", new byte[] {'N', '.'}).build());
    assertThat(Surest.of(script)).isInstanceOf(TorchScriptFormat.class);
  }

  @ParameterizedTest
  @CsvSource({
    "torch/pt_ok_state_dict.pt, torch-checkpoint",
    "torchscript/ts_ok_traced.pt, torchscript",
    "torchscript/ts_ok_frozen.pt, torchscript"
  })
  void whatIsCutShortIsToldByItsStart(String name, String id) throws IOException {
    byte[] bytes = Files.readAllBytes(TorchCorpusTest.corpus().resolve(name));
    Path file = folder.resolve("download");
    Files.write(file, Arrays.copyOf(bytes, 400));
    assertThat(Surest.of(file).id()).isEqualTo(id);
    assertThatThrownBy(() -> Surest.of(file).open(ModelInput.of(file), ReadLimits.DEFAULT).close())
        .isInstanceOfSatisfying(
            ModelFormatException.class, e -> assertThat(e.reason()).isEqualTo(Reason.ZIP_STRUCTURE))
        .hasMessageContaining("cut short");
  }

  @Test
  void eachFormatSendsToTheOther() throws IOException {
    Path script = copy("torchscript/ts_ok_traced.pt", "s");
    Path checkpoint = copy("torch/pt_ok_state_dict.pt", "c");
    assertThatThrownBy(
            () ->
                new TorchCheckpointFormat().open(ModelInput.of(script), ReadLimits.DEFAULT).close())
        .hasMessageContaining("Read it as torchscript");
    assertThatThrownBy(
            () ->
                new TorchScriptFormat().open(ModelInput.of(checkpoint), ReadLimits.DEFAULT).close())
        .hasMessageContaining("Read it as torch-checkpoint");
  }
}
