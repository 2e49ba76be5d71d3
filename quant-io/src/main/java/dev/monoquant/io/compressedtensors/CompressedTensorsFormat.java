package dev.monoquant.io.compressedtensors;

import com.google.auto.service.AutoService;
import dev.monoquant.ConfigurationException;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.Problem;
import dev.monoquant.files.json.JsonFiles;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.model.DirectoryChoices;
import dev.monoquant.files.model.FileSource;
import dev.monoquant.files.model.ModelConfig;
import dev.monoquant.files.model.ModelDirectory;
import dev.monoquant.files.model.ModelFiles;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.ElementType;
import dev.monoquant.spi.ActivationQuantization;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Reads model directories of compressed-tensors, including those of llm-compressor, in any {@link
 * Form} or several ({@code mixed-precision}): integers of 2 to 8 bits, FP8 (E4M3), MXFP4, MXFP8 and
 * NVFP4. They are quantized weights of scheme {@code intN}, {@code fp8}, {@code mxfp4}, {@code
 * mxfp8} and {@code nvfp4}. Their float type is that of their scales, or, if the form fixes the
 * type of scales, that of the model ({@code dtype}, {@code torch_dtype}; BF16 if there is none).
 *
 * <p>Older files pack 3, 5, 6 and 7 bits with padding; the width of the tensor distinguishes this
 * from dense packing. If both layouts have the same width and differ, which never happens for a
 * multiple of 32 columns, dense packing is assumed.
 *
 * <p>What this does not do: it decodes no FP6, no 2:4 sparsity and no permuted columns. A directory
 * with one of these is opened as its stored tensors, none of them decoded, with a note that says
 * why; it is not mistaken for a float model, since its configuration declares the quantization.
 * Scales of activations are parts of the layers of the weights; only {@code verify} reads them.
 * Stateless and thread-safe.
 */
@AutoService(InputFormatDetector.class)
public final class CompressedTensorsFormat implements InputFormatDetector {

  private static final String CONFIG = "config.json";
  private static final int HALF = LOOK_AHEAD / 2;

  /** Made by the service loader. */
  public CompressedTensorsFormat() {}

  @Override
  public String id() {
    return "compressed-tensors";
  }

  @Override
  public Match probe(ModelInput input) {
    if (!(input instanceof ModelInput.OfPath of) || !ModelDirectory.fits(of.path())) {
      return Match.NONE;
    }
    Optional<Path> config = ModelDirectory.file(ModelDirectory.root(of.path()), CONFIG);
    if (config.isEmpty()) {
      return Match.NONE;
    }
    try {
      String text = ends(config.get());
      boolean quantized =
          text.contains('"' + ModelConfig.QUANTIZATION + '"')
              || text.contains('"' + ModelConfig.OLD_QUANTIZATION + '"');
      return quantized && text.contains('"' + ConfigGroup.METHOD + '"')
          ? Match.CERTAIN
          : Match.NONE;
    } catch (IOException | SecurityException unreadable) {
      return Match.NONE;
    }
  }

  /** Reads both ends: keys are usually sorted, and long label maps come before the key. */
  private static String ends(Path config) throws IOException {
    try (SeekableByteChannel channel = Files.newByteChannel(config)) {
      ByteBuffer bytes = ByteBuffer.allocate(LOOK_AHEAD);
      bytes.limit(HALF);
      fill(channel, bytes);
      channel.position(Math.max(channel.position(), channel.size() - HALF));
      bytes.limit(LOOK_AHEAD);
      fill(channel, bytes);
      return new String(bytes.array(), 0, bytes.position(), StandardCharsets.ISO_8859_1);
    }
  }

  private static void fill(SeekableByteChannel channel, ByteBuffer bytes) throws IOException {
    int read = 0;
    while (read >= 0 && bytes.hasRemaining()) {
      read = channel.read(bytes);
    }
  }

  @Override
  public ModelSource open(ModelInput input, ReadLimits limits) throws IOException {
    if (!(input instanceof ModelInput.OfPath of)) {
      throw new IllegalArgumentException(input.describe() + " is no directory");
    }
    of.choices().requireNone(id());
    String label = ModelDirectory.root(of.path()).resolve(CONFIG).toString();
    JsonValue.Obj config = config(of.path(), label, limits);
    ModelFiles files = ModelDirectory.open(of.path(), limits, DirectoryChoices.DEFAULT);
    try {
      return decoding(files, config, label);
    } catch (IOException | RuntimeException | Error e) {
      files.close();
      throw e;
    }
  }

  /**
   * The model with its weights decoded or, if that is not supported, with its stored tensors and a
   * note that says why.
   */
  private static ModelSource decoding(ModelFiles files, JsonValue.Obj config, String configFile)
      throws IOException {
    Map<String, StoredWeight> weights;
    Set<String> parts;
    List<String> notes = new ArrayList<>();
    boolean decoded = true;
    try {
      List<ConfigGroup> groups =
          ConfigGroup.read(ModelConfig.quantization(config).orElseThrow(), configFile);
      cache(ModelConfig.quantization(config).orElseThrow()).ifPresent(notes::add);
      ElementType floats = new ModelConfig(config).floats().orElse(ElementType.BFLOAT16);
      WeightScanner scanner = new WeightScanner(files, groups, floats, configFile);
      weights = scanner.weights();
      parts = scanner.parts();
      if (scanner.activationScales() > 0) {
        int count = scanner.activationScales();
        notes.add(
            "scales of activations, "
                + count
                + (count == 1 ? " tensor" : " tensors")
                + ", belong to the quantized layers; no other output has them");
      }
      if (!weights.isEmpty() && isCacheQuantized(config)) {
        Set<String> scales = CacheScales.in(files.tensors().keySet());
        parts.addAll(scales);
        if (!scales.isEmpty()) {
          notes.add(
              "scales of keys and values, "
                  + scales.size()
                  + (scales.size() == 1 ? " tensor" : " tensors")
                  + ", belong to kv_cache_scheme; no output has them unless it quantizes keys and"
                  + " values, too");
        }
      }
    } catch (ModelFormatException e) {
      if (e.reason() != Reason.UNSUPPORTED_TENSOR) {
        throw e;
      }
      weights = Map.of();
      parts = Set.of();
      decoded = false;
      notes.add("no weight is decoded: " + e.getMessage());
    }
    Map<EncodedWeight, WeightLayout> layouts = new LinkedHashMap<>();
    weights.values().forEach(stored -> layouts.put(stored.weight(), stored));
    // The names in a configuration of a part are not those of the whole model.
    boolean auditable = decoded && ModelConfig.ownQuantization(config).isPresent();
    return new FileSource(
        files,
        layouts,
        parts,
        Set.of(),
        notes,
        info -> auditable ? faults(files, info, config, configFile) : List.of());
  }

  private static boolean isCacheQuantized(JsonValue.Obj config) {
    return ModelConfig.quantization(config)
        .flatMap(q -> q.find("kv_cache_scheme"))
        .filter(JsonValue.Obj.class::isInstance)
        .isPresent();
  }

  /** The declared quantization of the KV cache; no weight depends on it. */
  private static Optional<String> cache(JsonValue.Obj quantization) {
    return quantization
        .find("kv_cache_scheme")
        .filter(JsonValue.Obj.class::isInstance)
        .map(
            scheme -> {
              try {
                ActivationQuantization cache = ActivationArguments.read((JsonValue.Obj) scheme);
                return "loaders quantize keys and values: " + cache + " (kv_cache_scheme)";
              } catch (ConfigurationException e) {
                return "kv_cache_scheme is not known: " + e.getMessage();
              }
            });
  }

  private static List<Problem> faults(
      ModelFiles files, ModelInfo info, JsonValue.Obj config, String configFile) {
    List<Problem> faults =
        new ArrayList<>(LoaderAudit.faults(config, info.quantized(), info.tensors(), configFile));
    try {
      faults.addAll(
          GlobalScales.faults(
              info.quantized(), tensor -> files.read(tensor, 0, Float.BYTES), configFile));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return faults;
  }

  private static JsonValue.Obj config(Path path, String label, ReadLimits limits)
      throws IOException {
    Optional<Path> config = ModelDirectory.file(ModelDirectory.root(path), CONFIG);
    if (config.isPresent()) {
      JsonValue json =
          JsonFiles.read(
              config.get(), label, "the configuration", Reason.HEADER_JSON, true, limits);
      if (json instanceof JsonValue.Obj object && ModelConfig.quantization(object).isPresent()) {
        return object;
      }
    }
    throw new ModelFormatException(
        Reason.NOT_THIS_FORMAT,
        label,
        "",
        "has no quantization_config object, so this is no directory of compressed-tensors. Read it as"
            + " a plain model directory.");
  }
}
