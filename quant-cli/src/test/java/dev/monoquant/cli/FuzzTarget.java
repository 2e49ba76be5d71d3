package dev.monoquant.cli;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantException;
import dev.monoquant.Selector;
import dev.monoquant.core.trial.NumpyArchive;
import dev.monoquant.files.manifest.Manifest;
import dev.monoquant.files.pickle.PickleReader;
import dev.monoquant.io.checkpoint.TorchCheckpointFormat;
import dev.monoquant.io.compressedtensors.CompressedTensorsFormat;
import dev.monoquant.io.exported.ExportedProgramFormat;
import dev.monoquant.io.gguf.GgufFormat;
import dev.monoquant.io.gguf.GgufOutput;
import dev.monoquant.io.safetensors.ModelDirectoryFormat;
import dev.monoquant.io.safetensors.SafetensorsFormat;
import dev.monoquant.io.torchscript.TorchScriptFormat;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.RunnableFile;
import dev.monoquant.spi.TileDecoder;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What coverage-guided fuzzing calls with any bytes, see CONTRIBUTING. The system property {@code
 * fuzz} names the reader. A file is read, or refused with a {@link QuantException}; anything else
 * that is thrown is a finding.
 */
public final class FuzzTarget {

  private static final ReadLimits LIMITS = ReadLimits.DEFAULT.withMaxParsedBytes(32 << 20);
  private static final Plugins PLUGINS = Plugins.load();
  private static final String READER = System.getProperty("fuzz", "safetensors");

  private FuzzTarget() {}

  /** Called by the fuzzer. */
  public static void fuzzerTestOneInput(byte[] data) throws IOException {
    try {
      switch (READER) {
        case "safetensors" -> read(new SafetensorsFormat(), data, "model.safetensors");
        case "checkpoint" -> read(new TorchCheckpointFormat(), data, "model.pt");
        case "export" -> read(new ExportedProgramFormat(), data, "model.pt2");
        case "gguf" -> read(new GgufFormat(), data, "model.gguf");
        case "torchscript" -> read(new TorchScriptFormat(), data, "model.pt");
        case "pickle" ->
            PickleReader.readInert(
                ByteBuffer.wrap(data), "file", "data.pkl", LIMITS, global -> true);
        case "config" -> config(data);
        case "architecture" -> gguf("qwen2", "config.json", data);
        case "tokenizer" -> gguf("qwen2", "tokenizer.json", data);
        case "tokenizer-model" -> gguf("mistral", "tokenizer.model", data);
        case "index" -> index(data);
        case "manifest" -> Manifest.parse(data, "monoquant-manifest.json");
        case "samples" -> samples(data);
        case "recipe" ->
            RecipeFile.parse(new String(data, StandardCharsets.UTF_8), "recipe.yaml", PLUGINS);
        case "json-recipe" ->
            RecipeFile.parse(new String(data, StandardCharsets.UTF_8), "recipe.json", PLUGINS);
        case "foreign" -> foreign(data);
        case "pattern" -> pattern(new String(data, StandardCharsets.UTF_8));
        default -> throw new IllegalArgumentException("no reader " + READER);
      }
    } catch (QuantException refused) {
      if (refused.getMessage() == null || refused.getMessage().isBlank()) {
        throw new AssertionError("a refusal without a message", refused);
      }
    }
  }

  private static void read(InputFormatDetector format, byte[] data, String name)
      throws IOException {
    Path folder = Files.createTempDirectory("fuzz");
    Path file = folder.resolve(name);
    try {
      Files.write(file, data);
      format.probe(ModelInput.of(file));
      try (ModelSource source = format.open(ModelInput.of(file), LIMITS)) {
        for (TensorInfo tensor : source.info().tensors()) {
          long bytes = Math.min(64, tensor.shape().elements() * tensor.type().bits() / 8);
          source.read(tensor, 0, (int) bytes);
        }
        source.find(RunnableFile.class).ifPresent(run -> run.check().findings());
      }
    } finally {
      Files.deleteIfExists(file);
      Files.deleteIfExists(folder);
    }
  }

  /** A directory of a small model whose config.json is the data. */
  private static void config(byte[] data) throws IOException {
    Path folder = Files.createTempDirectory("fuzz");
    Path model = folder.resolve("model.safetensors");
    Path config = folder.resolve("config.json");
    String header =
        "{\"a.weight_packed\":{\"dtype\":\"I32\",\"shape\":[2,1],\"data_offsets\":[0,8]},"
            + "\"a.weight_scale\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[8,16]}}";
    try {
      write(model, header, 16);
      Files.write(config, data);
      InputFormatDetector format = new CompressedTensorsFormat();
      format.probe(ModelInput.of(folder));
      format.open(ModelInput.of(folder), LIMITS).close();
    } finally {
      Files.deleteIfExists(model);
      Files.deleteIfExists(config);
      Files.deleteIfExists(folder);
    }
  }

  /** A directory of a small model, of which one file is the data, is shown as a GGUF model. */
  private static void gguf(String model, String changed, byte[] data) throws IOException {
    Path folder = Files.createTempDirectory("fuzz");
    try {
      for (String name :
          List.of("model.safetensors", "config.json", "tokenizer.json", "tokenizer.model")) {
        try (InputStream own =
            FuzzTarget.class.getResourceAsStream("/gguf/transformers/" + model + "/" + name)) {
          if (own != null) {
            Files.write(folder.resolve(name), name.equals(changed) ? data : own.readAllBytes());
          }
        }
      }
      try (ModelSource source = new ModelDirectoryFormat().open(ModelInput.of(folder), LIMITS);
          ModelSource view = new GgufOutput().view(source)) {
        for (TensorInfo tensor : view.info().tensors()) {
          view.read(tensor, 0, (int) Math.min(64, tensor.bytes()));
        }
      }
    } finally {
      try (Stream<Path> files = Files.list(folder)) {
        for (Path file : files.toList()) {
          Files.delete(file);
        }
      }
      Files.deleteIfExists(folder);
    }
  }

  /** A directory of a small model whose index is the data. */
  private static void index(byte[] data) throws IOException {
    Path folder = Files.createTempDirectory("fuzz");
    Path shard = folder.resolve("model-00001-of-00001.safetensors");
    Path index = folder.resolve("model.safetensors.index.json");
    String header = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";
    try {
      write(shard, header, 8);
      Files.write(index, data);
      InputFormatDetector format = new ModelDirectoryFormat();
      format.probe(ModelInput.of(folder));
      format.open(ModelInput.of(folder), LIMITS).close();
    } finally {
      Files.deleteIfExists(shard);
      Files.deleteIfExists(index);
      Files.deleteIfExists(folder);
    }
  }

  private static void write(Path file, String header, int numbers) throws IOException {
    byte[] text = header.getBytes(StandardCharsets.US_ASCII);
    ByteBuffer bytes =
        ByteBuffer.allocate(8 + text.length + numbers).order(ByteOrder.LITTLE_ENDIAN);
    Files.write(file, bytes.putLong(text.length).put(text).array());
  }

  /** A file of numpy.savez; the arrays are those of the engine. */
  private static void samples(byte[] data) throws IOException {
    Path file = Files.createTempFile("fuzz", ".npz");
    try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
      Files.write(file, data);
      NumpyArchive.read(file, manager);
    } finally {
      Files.deleteIfExists(file);
    }
  }

  /** A directory: two bytes with the length of config.json, config.json, and the tensors. */
  private static void foreign(byte[] data) throws IOException {
    Path folder = Files.createTempDirectory("fuzz");
    Path model = folder.resolve("model.safetensors");
    Path config = folder.resolve("config.json");
    ByteBuffer bytes = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
    int length = bytes.remaining() < Short.BYTES ? 0 : bytes.getShort() & 0xffff;
    byte[] text = new byte[Math.min(length, bytes.remaining())];
    bytes.get(text);
    byte[] tensors = new byte[bytes.remaining()];
    bytes.get(tensors);
    try {
      Files.write(model, tensors);
      Files.write(config, text);
      try (ModelSource source = new ModelDirectoryFormat().open(ModelInput.of(folder), LIMITS)) {
        for (EncodedWeight weight : source.info().quantized()) {
          int rows = (int) Math.min(weight.matrix().rowCount(), weight.encoding().rowAlignment());
          float[] out = new float[Math.toIntExact(rows * weight.matrix().columnCount())];
          TileDecoder.ofFormula(weight).decode(source.readTile(weight, new RowRange(0, rows)), out);
        }
      }
    } finally {
      Files.deleteIfExists(model);
      Files.deleteIfExists(config);
      Files.deleteIfExists(folder);
    }
  }

  private static void pattern(String text) {
    int at = text.indexOf('\n');
    String name = at < 0 ? "model.layers.0.q_proj" : text.substring(at + 1);
    Selector selector = Selector.parse(at < 0 ? text : text.substring(0, at));
    try {
      selector.matches(new Layer(name, LayerKind.LINEAR, Layer.Evidence.INFERRED, Map.of()));
    } catch (ConfigurationException slow) {
      if (!slow.getMessage().contains("steps")) {
        throw slow;
      }
    }
  }
}
