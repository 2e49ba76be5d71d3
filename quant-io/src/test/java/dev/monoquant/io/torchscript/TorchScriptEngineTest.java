package dev.monoquant.io.torchscript;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import dev.monoquant.ModelFormatException;
import dev.monoquant.OutputException;
import dev.monoquant.files.testing.Folders;
import dev.monoquant.files.testing.Request;
import dev.monoquant.files.testing.Sample;
import dev.monoquant.files.testing.ZipText;
import dev.monoquant.io.memory.LiveModelFormat;
import dev.monoquant.io.testing.Surest;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.Auditable;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputSession;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.WriteOptions;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
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
    try (ModelSource source = Originals.open(original)) {
      Sample sample = Originals.sample(source, 1, 0);
      sample.write(new TorchScriptOutput(), Originals.request(sample, target, source));
    }
    assertThat(run(target, shape)).isEqualTo(run(original, shape));
    assertThat(extra(target)).contains("\"version\":1");
  }

  /** With the real rewriter: what runs is what is held, and what is held is what is read back. */
  @ParameterizedTest
  @CsvSource({
    "/torch-oracle/scripted.pt, 2x3x4, weight-only",
    "/torch-oracle/traced.pt, 2x3x4, weight-only",
    "/torch-oracle/frozen.pt, 3x4, weight-only",
    "/torch-oracle/flat.pt, 2x6, dynamic-row",
    "/torch-corpus/torchscript/ts_ok_frozen.pt, 2x6, dynamic-row",
    "/torch-corpus/torchscript/ts_ok_traced.pt, 2x6, dynamic"
  })
  void heldWeightsRun(String resource, String shape, String mode)
      throws IOException, MalformedModelException {
    Path original = Originals.path(resource);
    Path target = folder.resolve("held.pt");
    TorchScriptOutput output = new TorchScriptOutput();
    Map<EncodedWeight, Map<String, byte[]>> held = new LinkedHashMap<>();
    List<TensorInfo> kept = new ArrayList<>();
    Map<String, ByteBuffer> bytes = new HashMap<>();
    try (ModelSource source = Originals.open(original);
        OutputSession session = output.open(source)) {
      for (TensorInfo tensor : source.info().tensors()) {
        Optional<EncodedWeight> weight =
            RowInt8.weight(source, tensor, Map.of("small", "0", "mode", mode))
                .filter(w -> session.unsupported(w).isEmpty());
        if (weight.isPresent()) {
          held.put(weight.get(), RowInt8.quantize(source, weight.get()));
        } else {
          kept.add(tensor);
        }
      }
      assertThat(held).isNotEmpty();
      Request request =
          new Request(
              source,
              new OutputContents(
                  source.info().layers(), List.copyOf(held.keySet()), kept, Optional.empty()),
              new WriteOptions(target, false, false, false));
      assertThat(request.remarks(output)).hasSize(held.size());
      try (OutputWriter sink = request.open(output)) {
        for (Map.Entry<EncodedWeight, Map<String, byte[]>> one : held.entrySet()) {
          int rows = (int) one.getKey().matrix().rowCount();
          sink.writeTile(one.getKey(), new EncodedTile(0, rows, one.getValue()));
          sink.writeWhole(one.getKey(), Map.of());
        }
        for (TensorInfo tensor : kept) {
          ByteBuffer read = source.read(tensor, 0, (int) tensor.bytes());
          bytes.put(
              tensor.name(), ByteBuffer.allocate(read.remaining()).put(read.duplicate()).flip());
          sink.writeKept(tensor, 0, read);
        }
        sink.commit();
      }
      assertThat(target).hasSize(request.bytes(output));
    }
    try (ModelSource read = Originals.open(target)) {
      assertThat(read.info().quantized()).containsExactlyElementsOf(held.keySet());
      assertThat(read.info().tensors()).containsExactlyElementsOf(kept);
      for (EncodedWeight weight : read.info().quantized()) {
        EncodedTile tile = read.readTile(weight, new RowRange(0, (int) weight.matrix().rowCount()));
        held.get(weight).forEach((n, part) -> assertThat(tile.part(n)).isEqualTo(part));
      }
      for (TensorInfo tensor : kept) {
        assertThat(read.read(tensor, 0, (int) tensor.bytes())).isEqualTo(bytes.get(tensor.name()));
      }
      assertThat(read.find(Auditable.class).orElseThrow().audit().differences()).isEmpty();
    }
    float[] expected = run(original, shape);
    float[] actual = run(target, shape);
    double error = 0;
    double size = 0;
    for (int i = 0; i < expected.length; i++) {
      error += Math.pow(actual[i] - expected[i], 2);
      size += Math.pow(expected[i], 2);
    }
    assertThat(actual).hasSameSizeAs(expected);
    assertThat(Math.sqrt(error / size)).isBetween(1e-9, 0.05);
  }

  /** All weights are views of one buffer: of it stays what is no weight, once. */
  @Test
  void whatIsLeftOfAStorageIsAllThatIsKept() throws IOException, MalformedModelException {
    heldWeightsRun("/torch-oracle/flat.pt", "2x6", "dynamic-row");
    Map<String, Integer> sizes = new TreeMap<>();
    ZipText.of(folder.resolve("held.pt"))
        .records()
        .forEach(
            (name, content) -> {
              if (name.contains("/data/")) {
                sizes.put(name.substring(name.indexOf('/') + 1), content.length);
              }
            });
    // a.bias, n.weight (with its views "whole" and "part"), n.bias; codes and scales of both;
    // b.bias
    assertThat(sizes.values())
        .containsExactlyInAnyOrder(4 * 96, 4 * 96, 4 * 96, 96 * 6, 4 * 96, 24 * 96, 4 * 24, 4 * 24);
  }

  /** As DJL serves it: the archive has the name of its directory, or the properties tell it. */
  @ParameterizedTest
  @CsvSource({"net.pt, model, int8.pt", "model.pt, model, model.pt", "net.pt, net, net.pt"})
  void aDirectoryStaysServable(String name, String told, String expected)
      throws IOException, MalformedModelException {
    Path original = Originals.path("/torch-oracle/traced.pt");
    Path input = Files.createDirectories(folder.resolve("net/sub")).getParent();
    Files.copy(original, input.resolve(name));
    Files.writeString(
        input.resolve("serving.properties"), "engine=PyTorch\noption.modelName=" + told + "\n");
    Files.writeString(input.resolve("sub/labels.txt"), "a\nb\n");
    Path target = folder.resolve("int8");
    ModelSource opened = Surest.of(input).open(ModelInput.of(input), ReadLimits.DEFAULT);
    try (ModelSource source = opened) {
      Sample sample = Originals.sample(source, 1, 0);
      Request request = Originals.request(sample, target, source);
      assertThat(sample.write(new TorchScriptOutput(), request))
          .containsExactly(
              target.resolve("serving.properties"),
              target.resolve("sub/labels.txt"),
              target.resolve(expected));
      assertThat(target.resolve(expected)).hasSize(request.bytes(new TorchScriptOutput()));
      // What is there is replaced as a whole.
      sample.write(new TorchScriptOutput(), request);
      assertThatThrownBy(
              () ->
                  sample.write(
                      new TorchScriptOutput(),
                      Originals.request(sample, input.resolve("inside"), source)))
          .isInstanceOf(OutputException.class)
          .hasMessageContaining("input directory");
    }
    Map<String, String> before = Folders.contents(input);
    Map<String, String> after = Folders.contents(target);
    assertThat(after.keySet()).containsOnly("serving.properties", "sub/labels.txt", expected);
    assertThat(after.get("serving.properties")).isEqualTo(before.get("serving.properties"));
    assertThat(after.get("sub/labels.txt")).isEqualTo(before.get("sub/labels.txt"));
    assertThat(run(told, target, "2x3x4")).isEqualTo(run(original, "2x3x4"));
    try (ModelSource read = Surest.of(target).open(ModelInput.of(target), ReadLimits.DEFAULT)) {
      assertThat(read.find(Auditable.class).orElseThrow().audit().differences()).isEmpty();
    }
  }

  @Test
  void aDirectoryWithSeveralArchivesIsRefused() throws IOException {
    Path original = Originals.path("/torch-oracle/traced.pt");
    Files.copy(original, folder.resolve("a.pt"));
    Files.copy(original, folder.resolve("b.pt"));
    assertThatThrownBy(() -> Originals.open(folder).close())
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("a.pt and b.pt")
        .hasMessageContaining("Give the file");
  }

  /** A loaded model is quantized like the file that it came from, but for the hash of that file. */
  @Test
  void aLoadedModelCanBeWrittenAgain() throws IOException, MalformedModelException {
    Path original = Originals.path("/torch-oracle/traced.pt");
    Path target = folder.resolve("live.pt");
    try (Model model = Model.newInstance("net", "PyTorch")) {
      model.load(original);
      try (ModelSource source =
          new LiveModelFormat().open(ModelInput.of(model), ReadLimits.DEFAULT)) {
        Sample sample = Originals.sample(source, 1, 0);
        sample.write(new TorchScriptOutput(), Originals.request(sample, target, source));
      }
    }
    assertThat(run(target, "2x3x4")).isEqualTo(run(original, "2x3x4"));
    try (ModelSource read = Originals.open(target)) {
      assertThat(read.find(Auditable.class).orElseThrow().audit().differences()).isEmpty();
      assertThat(read.find(Auditable.class).orElseThrow().audit().inputs()).isEmpty();
    }
  }

  @Test
  void propertiesThatAreNoneAreRefused() throws IOException {
    Files.copy(Originals.path("/torch-oracle/traced.pt"), folder.resolve("net.pt"));
    Path serving = folder.resolve("serving.properties");
    for (byte[] bad : new byte[][] {"a=\\u12".getBytes(UTF_8), {'a', '=', (byte) 0xff}}) {
      Files.write(serving, bad);
      assertThatThrownBy(() -> Originals.open(folder).close())
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("serving.properties: is no file of properties");
    }
    Files.write(serving, new byte[(1 << 20) + 1]);
    assertThatThrownBy(() -> Originals.open(folder).close())
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("at most 1048576 are read");
  }

  private static float[] run(Path path, String shape) throws IOException, MalformedModelException {
    return run("model", path, shape);
  }

  private static float[] run(String name, Path path, String shape)
      throws IOException, MalformedModelException {
    // The name that DJL gives to a model if serving.properties say so; else that of the directory.
    try (Model model = Model.newInstance(name, "PyTorch");
        NDManager manager = NDManager.newBaseManager("PyTorch")) {
      model.load(path);
      String[] dims = shape.split("x", -1);
      long[] sizes = new long[dims.length];
      for (int i = 0; i < sizes.length; i++) {
        sizes[i] = Long.parseLong(dims[i]);
      }
      Shape form = new Shape(sizes);
      NDArray input = manager.arange(0, (float) form.size(), 1f).reshape(form).div(7f);
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
