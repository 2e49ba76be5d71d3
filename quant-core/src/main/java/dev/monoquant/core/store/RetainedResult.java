package dev.monoquant.core.store;

import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.hand.QuantizedModel;
import dev.monoquant.core.open.InputOpener.Opened;
import dev.monoquant.core.open.OutputChoice;
import dev.monoquant.core.report.Plan;
import dev.monoquant.core.report.PlannedWeight;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.report.UnquantizedTensor;
import dev.monoquant.core.run.Execution;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.files.manifest.Manifest;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.Provenance;
import dev.monoquant.spi.RunnableFile;
import dev.monoquant.spi.WriteOptions;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Keeps the result of a run: in memory if the input was live and so already in memory; in a
 * temporary file, deleted when the model is closed, if the input was a file of any size.
 */
public final class RetainedResult {

  private static final String FORMAT = "safetensors";

  private RetainedResult() {}

  public static QuantizedModel quantize(
      Settings settings,
      Opened opened,
      Plan plan,
      Provenance provenance,
      QuantizationConfig config,
      boolean stateDict)
      throws IOException {
    boolean live = opened.source().info().files().isEmpty();
    boolean inAFile =
        settings.plugins().outputFormats().stream().anyMatch(f -> f.id().equals(FORMAT))
            && settings.plugins().inputFormats().stream().anyMatch(f -> f.id().equals(FORMAT));
    return live || !inAFile
        ? inMemory(settings, opened, plan, provenance, config, stateDict)
        : inFile(settings, opened.source(), plan, provenance, config);
  }

  /**
   * {@return whether the result owns its source and closes it: the program of a live model that
   * runs is available only while the source is open}
   */
  public static boolean needsOriginal(ModelSource source) {
    return source.info().files().isEmpty() && source.find(RunnableFile.class).isPresent();
  }

  private static QuantizedModel inMemory(
      Settings settings,
      Opened opened,
      Plan plan,
      Provenance provenance,
      QuantizationConfig config,
      boolean stateDict)
      throws IOException {
    ModelSource source = opened.source();
    StoredModel.Cleanup cleanup = needsOriginal(source) ? opened::close : () -> {};
    MemoryStore store = new MemoryStore(source, plan.layers(), weights(plan), kept(plan));
    Report report =
        Execution.runGated(
            settings, new Execution.Job(source, plan, Execution.policy(config), store));
    return new StoredModel(
        settings,
        store,
        Optional.of(report),
        Optional.of(provenance),
        config.format(),
        stateDict,
        cleanup);
  }

  private static QuantizedModel inFile(
      Settings settings,
      ModelSource source,
      Plan plan,
      Provenance provenance,
      QuantizationConfig config)
      throws IOException {
    Path folder = Files.createTempDirectory("monoquant-");
    Path file = folder.resolve("retained.safetensors");
    boolean done = false;
    try {
      OutputFormat output = settings.plugins().outputFormat(FORMAT);
      WriteOptions options = new WriteOptions(file, false, false, false);
      Report report;
      try (OutputChoice.Open open = OutputChoice.open(output, source);
          OutputWriter sink = open.session().layout(plan.contents(provenance)).open(options)) {
        report =
            Execution.runGated(
                settings, new Execution.Job(source, plan, Execution.policy(config), sink));
        sink.commit();
      }
      ModelSource retained =
          settings.plugins().inputFormat(FORMAT).open(ModelInput.of(file), settings.limits());
      // The hashes of the data that was read: the files may change before the model is saved.
      String manifest = retained.info().metadata().get(Manifest.KEY);
      Provenance withInputs =
          manifest == null
              ? provenance
              : provenance.withInputs(
                  Manifest.parse(manifest.getBytes(StandardCharsets.UTF_8), file.toString())
                      .inputs());
      ModelSource renamed = new RetainedSource(retained, source, plan);
      StoredModel model =
          new StoredModel(
              settings,
              renamed,
              Optional.of(report),
              Optional.of(withInputs),
              config.format(),
              true,
              () -> delete(folder));
      done = true;
      return model;
    } finally {
      if (!done) {
        delete(folder);
      }
    }
  }

  private static void delete(Path folder) throws IOException {
    try (var files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(folder);
  }

  private static List<EncodedWeight> weights(Plan plan) {
    return plan.weights().stream().map(PlannedWeight::weight).toList();
  }

  private static List<TensorInfo> kept(Plan plan) {
    return plan.kept().stream().map(UnquantizedTensor::tensor).toList();
  }
}
