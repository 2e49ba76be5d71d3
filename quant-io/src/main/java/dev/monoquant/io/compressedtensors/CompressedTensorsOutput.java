package dev.monoquant.io.compressedtensors;

import com.google.auto.service.AutoService;
import dev.monoquant.ConfigurationException;
import dev.monoquant.files.manifest.Manifest;
import dev.monoquant.files.model.ModelConfig;
import dev.monoquant.files.model.TrainedModel;
import dev.monoquant.files.output.Disk;
import dev.monoquant.files.output.OutputTarget;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputLayout;
import dev.monoquant.spi.OutputSession;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Writes a model directory that compressed-tensors (as of ac8e2ba), vLLM and transformers load.
 *
 * <p>Files: the shards under their own names ({@code model.safetensors} if there is one), each with
 * the bytes of {@code SafetensorsLayout}; {@code model.safetensors.index.json} if there are
 * several; every side file byte for byte; {@code config.json} with its keys sorted and {@code
 * quantization_config} added; {@code monoquant-manifest.json}, see {@link Manifest}. If nothing is
 * quantized, the directory has no {@code quantization_config}.
 *
 * <p>The form of a weight follows from its parts and from the activations of its layer: integers of
 * 2 to 8 bits are {@code pack-quantized}, or {@code int-quantized} if inputs are also quantized;
 * FP8 is {@code naive-quantized} or {@code float-quantized}; MXFP4, MXFP8 and NVFP4 have one form
 * each. The classes of the forms draw their bytes. A directory with several forms is {@code
 * mixed-precision}.
 *
 * <p>{@code ignore} names every layer left unquantized that a loader could treat as a quantized
 * Linear. The same contents and data give the same bytes. What this does not do: it writes no
 * scales of activations (inputs that are not dynamic), no 2:4 sparsity, no FP6 and no E5M2.
 * Stateless and thread-safe.
 */
@AutoService(OutputFormat.class)
public final class CompressedTensorsOutput implements OutputFormat {

  private final Disk disk;

  /** Made by the service loader. */
  public CompressedTensorsOutput() {
    this(Disk.REAL);
  }

  CompressedTensorsOutput(Disk disk) {
    this.disk = disk;
  }

  @Override
  public String id() {
    return "compressed-tensors";
  }

  @Override
  public boolean accepts(Path target) {
    return OutputTarget.isNamedAsDirectory(target)
        || (Files.isDirectory(target) && !isOther(target));
  }

  /** Whether a directory is an output of another format, which would also accept its name. */
  private static boolean isOther(Path directory) {
    if (!Files.exists(directory.resolve(Manifest.FILE))) {
      return false;
    }
    try (Stream<Path> files = Files.list(directory)) {
      return files.noneMatch(f -> f.toString().endsWith(".safetensors"));
    } catch (IOException unreadable) {
      return false;
    }
  }

  @Override
  public boolean holdsActivations() {
    return true;
  }

  @Override
  public ModelSource view(ModelSource source) throws IOException {
    return LoaderView.of(source);
  }

  @Override
  public OutputSession open(ModelSource source) throws IOException {
    if (source.find(TrainedModel.class).isPresent()) {
      throw new ConfigurationException(
          source.info().name()
              + ": weights of weight_norm, spectral_norm or pruning were made once and for all, and"
              + " what loads a directory makes them itself, of parts that would be missing. Keep the"
              + " parts with --no-fold, or write a .safetensors file");
    }
    ModelConfig config = ModelConfig.of(source.info().sideFiles(), ReadLimits.DEFAULT);
    Optional<LoaderView> view = LoaderView.asView(source);
    return new Session(
        source, disk, config, view.isPresent() ? view.get().heads() : HeldHeads.of(source, config));
  }

  private record Session(
      ModelSource source, Disk disk, ModelConfig config, Map<String, TensorInfo> heads)
      implements OutputSession {
    @Override
    public Optional<String> unsupported(EncodedWeight weight) {
      return tied(weight.matrix()).or(() -> ModuleWeight.refusal(weight));
    }

    @Override
    public Optional<String> unsupportedLayer(WeightMatrix weight) {
      return tied(weight).or(() -> ModuleWeight.layerRefusal(weight));
    }

    private Optional<String> tied(WeightMatrix weight) {
      return Optional.ofNullable(heads.get(weight.tensor().name()))
          .map(
              embedding ->
                  "it is tied to "
                      + embedding.name()
                      + " (tie_word_embeddings), and loaders have no weight of its own");
    }

    @Override
    public Optional<String> keptByDefault(WeightMatrix weight) {
      return TiedHeads.isHead(weight.layer()) && !heads.containsKey(weight.tensor().name())
          ? Optional.of(
              "the head of a language model stays in float in a directory, as loaders and other"
                  + " tools have it; --layer NAME=Linear overrules")
          : Optional.empty();
    }

    @Override
    public OutputLayout layout(OutputContents contents) throws IOException {
      LoaderInput.requireConfig(source.info());
      if (!contents.weights().isEmpty()) {
        JoinedExperts.requireSeparate(source.info().name(), contents.kept(), config);
      }
      return new DirectoryPlan(
          source, contents, config, (plan, job) -> new CompressedTensorsWriter(plan, job, disk));
    }

    @Override
    public void close() {}
  }
}
