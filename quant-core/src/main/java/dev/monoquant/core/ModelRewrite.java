package dev.monoquant.core;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.repository.zoo.ZooModel;
import dev.monoquant.ConfigurationException;
import dev.monoquant.OutputException;
import dev.monoquant.QuantException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.ValidationException;
import dev.monoquant.core.control.Output;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.spi.ModelInput;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

/** Makes a quantized model from a live model, with a temporary file. */
final class ModelRewrite {

  private static final String FORMAT = "torchscript";

  private ModelRewrite() {}

  static Model quantize(
      Settings settings, Model model, QuantizationConfig config, Consumer<Report> gate) {
    if (!config.format().orElse(FORMAT).equals(FORMAT)) {
      throw new ConfigurationException(
          "format "
              + QuantException.quote(config.format().orElseThrow())
              + " cannot be run, so it cannot give a model. Leave the format out, or write a file:"
              + " quantizer.quantize(ModelInput.of(model), config, target, false), or use"
              + " quantizeWeights");
    }
    QuantizationConfig runnable =
        config.overrideWith(QuantizationConfig.builder().format(FORMAT).build());
    try {
      Path folder = Files.createTempDirectory("monoquant");
      Path file = folder.resolve("model.pt");
      try {
        // No sync: this file need not survive a power failure.
        OutputsRun.quantize(
            settings.withSync(false).withResume(false),
            ModelInput.of(model),
            List.of(new Output(file, runnable)),
            false,
            reports -> gate.accept(reports.outputs().get(0).report()));
        return load(model, file);
      } finally {
        Files.deleteIfExists(file);
        Files.deleteIfExists(folder);
      }
    } catch (IOException e) {
      throw new OutputException("no temporary file could be written: " + e, e);
    }
  }

  private static <I, O> Model withTranslator(ZooModel<I, O> like, Model model) {
    return new ZooModel<>(model, like.getTranslator());
  }

  private static Model load(Model like, Path file) {
    // The int8 kernels run on CPUs only.
    Model made = Model.newInstance(like.getName(), Device.cpu(), "PyTorch");
    try {
      // Set the name: a model loaded from a file otherwise takes the file's name.
      made.load(file.getParent(), file.getFileName().toString());
      Model result = new RewrittenModel(made, like);
      return like instanceof ZooModel<?, ?> zoo ? withTranslator(zoo, result) : result;
    } catch (MalformedModelException e) {
      made.close();
      throw new ValidationException(like.getName() + ": the result does not load: " + e, e);
    } catch (IOException e) {
      made.close();
      throw new UncheckedIOException(e);
    }
  }
}
