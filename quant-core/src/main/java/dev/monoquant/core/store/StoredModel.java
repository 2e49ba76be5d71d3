package dev.monoquant.core.store;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.nn.Block;
import dev.monoquant.ConfigurationException;
import dev.monoquant.PlanException;
import dev.monoquant.Problem;
import dev.monoquant.QuantException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.hand.QuantizedModel;
import dev.monoquant.core.open.OutputChoice;
import dev.monoquant.core.plan.FamilyRules;
import dev.monoquant.core.plan.LayerInference;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.run.DecodedSource;
import dev.monoquant.core.run.Execution;
import dev.monoquant.core.run.LiveTensors;
import dev.monoquant.core.run.Transcoder;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.trial.ModelRunner;
import dev.monoquant.core.trial.ModelRunners;
import dev.monoquant.core.trial.RunJob;
import dev.monoquant.core.trial.Trial;
import dev.monoquant.core.trial.TrustedCode;
import dev.monoquant.model.Layer;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ActivationQuantization;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.Provenance;
import dev.monoquant.spi.RunnableFile;
import dev.monoquant.spi.WriteOptions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/** A quantized model over the source that holds its codes. */
public final class StoredModel implements QuantizedModel {

  /** Frees the resources of a source, such as its temporary file. */
  @FunctionalInterface
  public interface Cleanup {
    void run() throws IOException;
  }

  private final Settings settings;
  private final ModelSource source;
  private final Optional<Report> report;
  private final Optional<Provenance> provenance;
  private final Optional<String> format;
  private final boolean stateDict;
  private final Cleanup cleanup;
  private boolean closed;

  public StoredModel(
      Settings settings,
      ModelSource source,
      Optional<Report> report,
      Optional<Provenance> provenance,
      Optional<String> format,
      boolean stateDict,
      Cleanup cleanup) {
    this.settings = settings;
    this.source = source;
    this.report = report;
    this.provenance = provenance;
    this.format = format;
    this.stateDict = stateDict;
    this.cleanup = cleanup;
  }

  /** {@return the source that holds the codes} */
  public ModelSource source() {
    return source;
  }

  @Override
  public Report report() {
    return report.orElseThrow(
        () ->
            new IllegalStateException(
                source.info().name()
                    + " was loaded, not quantized here; compare it with its original"));
  }

  @Override
  public List<EncodedWeight> weights() {
    return source.info().quantized();
  }

  @Override
  public List<TensorInfo> kept() {
    return source.info().tensors();
  }

  @Override
  public List<Path> save(Path target) {
    return save(target, format, false);
  }

  @Override
  public List<Path> save(Path target, String formatId, boolean overwrite) {
    return save(target, Optional.of(formatId), overwrite);
  }

  /**
   * Writes the model as {@link #save(Path, String, boolean)} does.
   *
   * @param formatId the output format; if empty, the name of the target decides
   */
  public List<Path> save(Path target, Optional<String> formatId, boolean overwrite) {
    requireOpen();
    try {
      return settings.cancellation().run(() -> write(target, formatId, overwrite));
    } catch (IOException e) {
      throw OutputChoice.unwritable(target, e);
    }
  }

  private List<Path> write(Path target, Optional<String> formatId, boolean overwrite)
      throws IOException {
    QuantizationConfig.Builder named = QuantizationConfig.builder();
    formatId.ifPresent(named::format);
    OutputFormat output = OutputChoice.required(settings.plugins(), named.build(), target);
    OutputChoice.requireRun(settings, List.of(output));
    List<Layer> layers =
        LayerInference.layers(floatTensors(), source.info(), QuantizationConfig.DEFAULT);
    WriteOptions options = new WriteOptions(target, overwrite, settings.sync(), false);
    try (OutputChoice.Open open = OutputChoice.open(output, source)) {
      ModelSource fitted = new RecodedSource(source, w -> open.session().unsupported(w).isEmpty());
      requireSupported(open, fitted);
      OutputContents contents = contents(layers, output, fitted);
      if (!format.equals(Optional.of(output.id()))) {
        requireWholeFamilies(open.view());
      }
      boolean tried = settings.running() && output.isRunnable();
      if (tried) {
        TrustedCode.require(
            settings, source.info().name(), source.find(RunnableFile.class), RunJob.Purpose.ACCEPT);
      }
      try (ModelRunner runner = tried ? ModelRunners.start(settings) : ModelRunner.NONE;
          OutputWriter sink = open.session().layout(contents).open(options)) {
        new Transcoder(settings, fitted, sink).run(contents.weights());
        if (tried) {
          Trial trial = Trial.of(settings, runner, fitted, layers, sink, target);
          trial.requireAccepted(settings.gates().checkRun(trial.run()));
        } else {
          Execution.finish(settings, sink, target);
        }
        return settings.cancellation().place(sink::commit);
      }
    }
  }

  /**
   * Adds the activation quantization of the plan, as far as the format holds it; the stored codes
   * have none.
   */
  private OutputContents contents(List<Layer> layers, OutputFormat output, ModelSource fitted) {
    Map<String, ActivationQuantization> planned = new HashMap<>();
    report.ifPresent(
        made ->
            made.plan()
                .weights()
                .forEach(
                    w -> {
                      EncodedWeight weight = w.weight();
                      weight.activations().ifPresent(a -> planned.put(weight.name(), a));
                    }));
    boolean held = output.holdsActivations();
    List<EncodedWeight> weights =
        fitted.info().quantized().stream()
            .map(
                w ->
                    w.withActivations(
                        w.activations()
                            .or(() -> Optional.ofNullable(planned.get(w.name())))
                            .filter(a -> held)))
            .toList();
    return new OutputContents(
        layers,
        weights,
        source.info().tensors(),
        provenance,
        report.flatMap(made -> made.plan().kvCache()).filter(k -> held));
  }

  private void requireSupported(OutputChoice.Open output, ModelSource fitted) {
    for (EncodedWeight weight : fitted.info().quantized()) {
      Optional<String> reason = output.session().unsupported(weight);
      if (reason.isPresent()) {
        String id = output.format().id();
        throw new ConfigurationException(
            "format "
                + id
                + " cannot hold "
                + QuantException.quote(weight.name())
                + " as it is quantized: "
                + reason.get()
                + ". "
                + (report.isPresent()
                    ? "Name the format when quantizing, so that such weights are kept: "
                        + "QuantizationConfig.builder().format(\""
                        + id
                        + "\"); or save to a .safetensors file"
                    : "Quantize the decoded values again (quant quantize --requantize), which"
                        + " rounds a second time; or write to a .safetensors file"));
      }
    }
  }

  /**
   * Checks the families that loaders fuse, which was not checked when the model was quantized for
   * another format.
   */
  private void requireWholeFamilies(ModelSource view) {
    Map<String, String> kept = new HashMap<>();
    for (TensorInfo tensor : source.info().tensors()) {
      int dot = tensor.name().lastIndexOf('.');
      if (tensor.shape().rank() > 1 && dot > 0) {
        kept.put(tensor.name().substring(0, dot), "as it was kept when the model was quantized");
      }
    }
    List<Problem> problems =
        FamilyRules.problems(view.info().families(), source.info().quantized(), kept, false);
    if (!problems.isEmpty()) {
      throw new PlanException(problems);
    }
  }

  private List<TensorInfo> floatTensors() {
    return new DecodedSource(settings, source).info().tensors();
  }

  @Override
  public Map<String, NDArray> toStateDict(NDManager manager) {
    requireOpen();
    try {
      return LiveTensors.stateDict(new DecodedSource(settings, source), manager);
    } catch (IOException e) {
      throw new UncheckedIOException(source.info().name() + ": reading failed", e);
    }
  }

  @Override
  public Block toBlock(Supplier<? extends Block> architecture, NDManager manager) {
    requireOpen();
    Block block = architecture.get();
    try (NDManager scratch = manager.newSubManager()) {
      BlockFiller.fill(block, toStateDict(scratch), manager);
    }
    return block;
  }

  @Override
  public Block toBlock(NDManager manager) {
    throw new ConfigurationException(
        source.info().name()
            + (stateDict
                ? ": a state dict has names and numbers, but no architecture to run."
                : ": a live block cannot be copied, so a fresh one of the same architecture is"
                    + " needed.")
            + " Say how to make one: model.toBlock(() -> new SequentialBlock().add(...), manager),"
            + " or with a TorchScript file: model.toBlock(() -> loadedModel.getBlock(), manager)");
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException(
          "the quantized model of " + source.info().name() + " is closed");
    }
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    source.close();
    try {
      cleanup.run();
    } catch (IOException e) {
      throw new UncheckedIOException("the temporary file could not be removed", e);
    }
  }
}
