package dev.monoquant.core.open;

import dev.monoquant.ConfigurationException;
import dev.monoquant.OutputException;
import dev.monoquant.PluginException;
import dev.monoquant.QuantException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.run.DecodedSource;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.files.input.FileFault;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputSession;
import dev.monoquant.spi.Plugins;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** Chooses the output format by its id or by the name of the target, and opens it. */
public final class OutputChoice {

  /**
   * An output format that is open on a source.
   *
   * @param format the format
   * @param view the source as the format shows it; closed with the source, not with this record
   * @param session closed with this record
   */
  public record Open(OutputFormat format, ModelSource view, OutputSession session)
      implements Closeable {
    @Override
    public void close() throws IOException {
      session.close();
    }
  }

  private OutputChoice() {}

  public static Optional<OutputFormat> optional(
      Plugins plugins, QuantizationConfig config, Optional<Path> target) {
    if (config.format().isEmpty() && target.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        config.format().isPresent()
            ? plugins.outputFormat(config.format().get())
            : bySuffix(plugins, target.orElseThrow()));
  }

  public static OutputFormat required(Plugins plugins, QuantizationConfig config, Path target) {
    return optional(plugins, config, Optional.of(target)).orElseThrow();
  }

  /**
   * {@return the format for an open model: the chosen one, unless the user names none and another
   * format {@linkplain OutputFormat#continues continues} the model}
   *
   * @param chosen the format of {@link #optional}
   */
  public static OutputFormat forSource(
      Plugins plugins,
      QuantizationConfig config,
      OutputFormat chosen,
      ModelSource source,
      Optional<Path> target) {
    if (config.format().isPresent() || target.isEmpty()) {
      return chosen;
    }
    return plugins.outputFormats().stream()
        .filter(format -> format.continues(source, target.get()))
        .findFirst()
        .orElse(chosen);
  }

  /**
   * {@return a model in the form that the outputs of a format have, for a comparison with one of
   * them; the model itself if no format has that id}
   *
   * @param id the id of an input format; an output format of the same kind has the same id
   * @param source closed by the caller; the view is not closed. If the format shows only floats in
   *     another form, its quantized weights are decoded
   */
  public static ModelSource view(Settings settings, String id, ModelSource source)
      throws IOException {
    for (OutputFormat format : settings.plugins().outputFormats()) {
      if (format.id().equals(id)) {
        ModelSource view = format.storedView(source);
        if (view != source || source.info().quantized().isEmpty()) {
          return view;
        }
        ModelSource decoded = new DecodedSource(settings, source);
        ModelSource shown = format.storedView(decoded);
        return shown == decoded ? source : shown;
      }
    }
    return source;
  }

  /** Opens a format on a source; the caller closes it before the source. */
  public static Open open(OutputFormat format, ModelSource source) throws IOException {
    return open(format, source, new HashMap<>());
  }

  /**
   * Opens a format on a source for one of several outputs; the caller closes it before the source.
   *
   * @param views the view of each format that was opened before, by its id: outputs of one format
   *     have the same view, so that what it shows is read once
   */
  public static Open open(OutputFormat format, ModelSource source, Map<String, ModelSource> views)
      throws IOException {
    try {
      ModelSource view = views.get(format.id());
      if (view == null) {
        view = format.view(source);
        views.put(format.id(), view);
      }
      return new Open(format, view, format.open(view));
    } catch (QuantException | UncheckedIOException e) {
      throw e;
    } catch (RuntimeException e) {
      throw new PluginException(
          "output format " + format.id() + " failed to open " + source.info().name() + ": " + e, e);
    }
  }

  /**
   * Refuses settings for running outputs if none of the outputs is run.
   *
   * @param formats the formats of the outputs
   * @throws ConfigurationException naming the settings
   */
  public static void requireRun(Settings settings, List<OutputFormat> formats) {
    boolean runnable = formats.stream().anyMatch(OutputFormat::isRunnable);
    List<String> given = new ArrayList<>();
    if (settings.gates().minCosine().isPresent()) {
      given.add("--min-cosine (withMinCosine)");
    }
    if (!settings.samples().isEmpty()) {
      given.add("--sample (withSamples)");
    }
    if (!settings.running()) {
      if (runnable && !given.isEmpty()) {
        throw new ConfigurationException(
            String.join(" and ", given)
                + ": nothing is run with --no-run (withRunning(false)). Leave either out");
      }
      given.add("--no-run (withRunning(false))");
    }
    if (!runnable && !given.isEmpty()) {
      String ids =
          formats.stream().map(OutputFormat::id).distinct().collect(Collectors.joining(" or "));
      throw new ConfigurationException(
          String.join(" and ", given)
              + ": only TorchScript outputs are run beside the original, and a "
              + ids
              + " output is not. Leave it out, and gate the weights by --min-sqnr (withMinSqnr) or"
              + " --min-weight-cosine (withMinWeightCosine); or write a .pt file");
    }
  }

  public static OutputException unwritable(Object target, IOException e) {
    return new OutputException(
        target + ": " + FileFault.writing(e) + ". Nothing was left behind", e);
  }

  private static OutputFormat bySuffix(Plugins plugins, Path target) {
    if (InputOpener.isPipeOrDevice(target)) {
      throw new OutputException(
          target
              + ": is a pipe or a device, and an output is a file or a directory that appears when it"
              + " is complete. Name another target, for example model-int8.safetensors");
    }
    List<OutputFormat> fitting =
        plugins.outputFormats().stream().filter(f -> f.accepts(target)).toList();
    if (fitting.size() == 1) {
      return fitting.get(0);
    }
    String ids =
        (fitting.isEmpty() ? plugins.outputFormats() : fitting)
            .stream().map(OutputFormat::id).collect(Collectors.joining(", "));
    throw new ConfigurationException(
        target
            + ": "
            + (fitting.isEmpty()
                ? "no output format accepts this name"
                : "several formats accept this name")
            + ". Name one with --format, of "
            + ids
            + ", or choose another name, for example model-int8.safetensors");
  }
}
