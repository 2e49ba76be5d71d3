package dev.monoquant.io.compressedtensors;

import dev.monoquant.ConfigurationException;
import dev.monoquant.files.model.ModelConfig;
import dev.monoquant.files.model.TrainedModel;
import dev.monoquant.files.output.Disk;
import dev.monoquant.model.LayerKind;
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
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * Writes a model directory for vLLM and transformers, whose weights are stored as a {@link
 * DirectoryFormat} says.
 *
 * <p>Files: the shards under their own names ({@code model.safetensors} if there is one), each with
 * the bytes of {@code SafetensorsLayout}; {@code model.safetensors.index.json} if there are
 * several; every side file byte for byte; {@code config.json} with its keys sorted and {@code
 * quantization_config} added; {@code monoquant-manifest.json}. If nothing is quantized, the
 * directory has no {@code quantization_config}. Heads of language models stay in float by default.
 *
 * <p>No target is accepted by its name, so the format has to be named. The same contents and data
 * give the same bytes. Stateless and thread-safe.
 */
abstract class DirectoryOutput implements OutputFormat {

  private final DirectoryFormat format;
  private final Disk disk;

  /**
   * Makes the output.
   *
   * @param format how weights are stored
   * @param disk where files are written
   */
  DirectoryOutput(DirectoryFormat format, Disk disk) {
    this.format = format;
    this.disk = disk;
  }

  @Override
  public final String id() {
    return format.id();
  }

  @Override
  public boolean accepts(Path target) {
    return false;
  }

  @Override
  public final ModelSource view(ModelSource source) throws IOException {
    return LoaderView.of(source, format.holdsExperts());
  }

  @Override
  public final OutputSession open(ModelSource source) throws IOException {
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
        source,
        format,
        disk,
        config,
        view.isPresent() ? view.get().heads() : HeldHeads.of(source, config),
        new PlainLinears(source.info().tensors()));
  }

  private record Session(
      ModelSource source,
      DirectoryFormat format,
      Disk disk,
      ModelConfig config,
      Map<String, TensorInfo> heads,
      PlainLinears plain)
      implements OutputSession {
    @Override
    public Optional<String> unsupported(EncodedWeight weight) {
      return unsupportedLayer(weight.matrix()).or(() -> format.refusal(weight));
    }

    @Override
    public Optional<String> unsupportedLayer(WeightMatrix weight) {
      return tied(weight)
          .or(() -> ModuleWeight.layerRefusal(format, weight))
          .or(() -> WordTables.refusal(weight, config, source.info(), heads.values()))
          .or(() -> plain.refusal(weight));
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
      if (weight.kind().equals(LayerKind.EMBEDDING)) {
        return unsupportedLayer(weight).isEmpty()
            ? Optional.of(
                "embeddings stay in float in a directory, as loaders and other tools have them;"
                    + " targets: [Linear, Embedding] in a recipe overrules")
            : Optional.empty();
      }
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
          source, contents, format, (plan, job) -> new DirectoryWriter(plan, job, disk));
    }

    @Override
    public void close() {}
  }
}
