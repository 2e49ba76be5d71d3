package dev.monoquant.core.open;

import dev.monoquant.ConfigurationException;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.Nearest;
import dev.monoquant.PluginException;
import dev.monoquant.QuantException;
import dev.monoquant.core.foreign.ForeignQuantization;
import dev.monoquant.core.run.DecodedSource;
import dev.monoquant.core.settings.OwnOptions;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.text.Text;
import dev.monoquant.files.input.FileFault;
import dev.monoquant.files.input.MappedFile;
import dev.monoquant.files.model.TrainedModel;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Provenance.Reading;
import dev.monoquant.spi.ReadChoices;
import dev.monoquant.spi.RunnableFile;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Asks every detector and opens the input with the detector of the strongest match. */
public final class InputOpener {

  /**
   * An open source and the detector that opened it.
   *
   * @param own the detector's own options
   * @param reading the choices made where the input allows several, see {@link Reading}
   * @param foreign quantization in the input that the detector did not decode
   * @param decoded whether weights are quantized in the input and decoded in the source
   */
  public record Opened(
      ModelSource source,
      String format,
      OwnOptions own,
      Reading reading,
      Optional<ForeignQuantization> foreign,
      boolean decoded)
      implements AutoCloseable {

    /**
     * {@return the same input with its quantized weights decoded as they are read; close only one
     * of the two}
     *
     * @param settings the plugins that decode
     */
    public Opened decoded(Settings settings) {
      Map<String, Long> counts =
          source.info().quantized().stream()
              .collect(
                  Collectors.groupingBy(
                      w -> w.scheme().toString(), TreeMap::new, Collectors.counting()));
      List<String> notes = new ArrayList<>(source.info().notes());
      counts.forEach(
          (scheme, n) ->
              notes.add(
                  Text.count(n, "weight") + " by " + scheme + " decoded and quantized again"));
      return new Opened(
          new DecodedSource(settings, source, notes), format, own, reading, Optional.empty(), true);
    }

    /**
     * {@return the same input with another source of the same data; close only one of the two}
     *
     * @param other the source
     */
    public Opened with(ModelSource other) {
      return new Opened(other, format, own, reading, foreign, decoded);
    }

    /**
     * {@return the same input as the output format shows it; close only one of the two}
     *
     * @param settings limits on what is read
     * @param view the source as the output format shows it
     */
    public Opened as(Settings settings, ModelSource view) throws IOException {
      // A view may have configuration files that the source has not.
      Optional<ForeignQuantization> found =
          foreign.isPresent() || decoded
              ? foreign
              : ForeignQuantization.find(view, settings.limits());
      return new Opened(view, format, own, reading, found, decoded);
    }

    /** Refuses a model without quantized weights. */
    public void requireQuantized() {
      if (foreign.isPresent()) {
        ForeignQuantization found = foreign.get();
        throw new ModelFormatException(
            Reason.UNSUPPORTED_TENSOR,
            source.info().name(),
            "",
            "it is quantized " + found + ". " + found.remedy());
      }
      if (source.info().quantized().isEmpty()) {
        throw new ModelFormatException(
            Reason.NOT_THIS_FORMAT,
            source.info().name(),
            "",
            "it holds no quantized weights, only floats. Quantize it first, for example: quant"
                + " quantize "
                + source.info().name()
                + " -o int8.safetensors");
      }
    }

    @Override
    public void close() {
      source.close();
    }
  }

  private InputOpener() {}

  /**
   * Opens an input.
   *
   * @param given plugin options; those of the detector are used, and the others are ignored
   */
  public static Opened open(Settings settings, ModelInput input, Map<String, String> given) {
    Opened stored = openStored(settings, input, given);
    if (stored.foreign().isPresent()) {
      return stored;
    }
    try {
      return new Opened(
          trained(stored.source(), input),
          stored.format(),
          stored.own(),
          stored.reading(),
          stored.foreign(),
          false);
    } catch (IOException e) {
      stored.close();
      throw unreadable(input, e);
    } catch (RuntimeException e) {
      stored.close();
      throw e;
    }
  }

  /**
   * Opens an input as {@link #open} does, with the stored names and tensors unless its choices say
   * otherwise.
   */
  public static Opened openStored(Settings settings, ModelInput input, Map<String, String> given) {
    if (input instanceof ModelInput.OfPath of) {
      requireReadable(input, of.path());
    }
    InputFormatDetector detector = detector(settings, input);
    OwnOptions own = OwnOptions.of(detector);
    OptionValues options = own.values(given);
    try {
      ModelSource source = detector.open(input, settings.limits(), options);
      try {
        Optional<ForeignQuantization> foreign = ForeignQuantization.find(source, settings.limits());
        return new Opened(source, detector.id(), own, reading(input, options), foreign, false);
      } catch (IOException | RuntimeException e) {
        source.close();
        throw e;
      }
    } catch (IOException e) {
      throw unreadable(input, e);
    } catch (QuantException e) {
      throw e;
    } catch (RuntimeException e) {
      throw failed(detector, input, e);
    }
  }

  /**
   * {@return the program of an input, found without reading its weights; empty if it has none}
   *
   * @param settings the formats and the limits
   * @param input any input
   */
  public static Optional<RunnableFile> program(Settings settings, ModelInput input) {
    InputFormatDetector detector = detector(settings, input);
    try {
      return detector.program(input, settings.limits());
    } catch (IOException e) {
      throw unreadable(input, e);
    } catch (QuantException e) {
      throw e;
    } catch (RuntimeException e) {
      throw failed(detector, input, e);
    }
  }

  private static PluginException failed(
      InputFormatDetector detector, ModelInput input, RuntimeException e) {
    return new PluginException(
        "input format " + detector.id() + " failed on " + input.describe() + ": " + e, e);
  }

  private static Reading reading(ModelInput input, OptionValues options) {
    return new Reading(
        input instanceof ModelInput.OfPath of ? of.choices() : ReadChoices.DEFAULT, options);
  }

  /** Fills in the choices that the user did not make: names and weights as the model has them. */
  public static ModelSource trained(ModelSource source, ModelInput input) throws IOException {
    if (!(input instanceof ModelInput.OfPath of) || source.find(RunnableFile.class).isPresent()) {
      return source;
    }
    boolean single = Files.isRegularFile(of.path()) && source.info().files().size() == 1;
    return TrainedModel.of(
        source, of.choices().stripPrefixes().isEmpty(), of.choices().fold().isEmpty() && single);
  }

  private static InputFormatDetector detector(Settings settings, ModelInput input) {
    if (settings.inputFormat().isEmpty()) {
      return surest(settings.plugins().inputFormats(), input);
    }
    InputFormatDetector named = settings.plugins().inputFormat(settings.inputFormat().get());
    if (probe(named, input) == Match.NONE) {
      requireThere(input);
    }
    return named;
  }

  public static ModelFormatException unreadable(ModelInput input, IOException e) {
    return new ModelFormatException(
        Reason.UNREADABLE, input.describe(), "", FileFault.reading(e), e);
  }

  private static void requireReadable(ModelInput input, Path path) {
    if (!MappedFile.isLocal(path)) {
      requireReachable(input, path);
      return;
    }
    if (Files.exists(path) && !Files.isReadable(path)) {
      throw new ModelFormatException(
          Reason.UNREADABLE, path.toString(), "", "permission denied. Make it readable");
    }
  }

  private static boolean isEmpty(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.findAny().isEmpty();
    }
  }

  /** Before detectors, for which what cannot be read is of another format. */
  private static void requireReachable(ModelInput input, Path path) {
    try {
      if (Files.readAttributes(path, BasicFileAttributes.class).isDirectory() && isEmpty(path)) {
        throw new NoSuchFileException(path.toString());
      }
    } catch (NoSuchFileException e) {
      throw new ModelFormatException(
          Reason.UNREADABLE,
          path.toString(),
          "",
          "there is no such file, or no file of a model in it. Check the address, and that access"
              + " is granted",
          e);
    } catch (IOException e) {
      throw unreadable(input, e);
    }
  }

  /** Called only if no detector matched; a detector may accept paths that are not local files. */
  private static void requireThere(ModelInput input) {
    if (input instanceof ModelInput.OfPath of && !Files.exists(of.path())) {
      Path path = of.path();
      boolean dangling = Files.exists(path, LinkOption.NOFOLLOW_LINKS);
      throw new ModelFormatException(
          Reason.UNREADABLE,
          path.toString(),
          "",
          dangling
              ? "a link that leads nowhere. Give the file itself"
              : "no such file or directory. Check the path; relative ones start at "
                  + Path.of("").toAbsolutePath()
                  + nearest(path));
    }
  }

  /** {@return whether a path is there, and neither a file nor a directory} */
  static boolean isPipeOrDevice(Path path) {
    return Files.exists(path) && !Files.isRegularFile(path) && !Files.isDirectory(path);
  }

  /** A model is read at any place, by several threads, so that a pipe cannot be one. */
  private static void requireFile(ModelInput input) {
    if (input instanceof ModelInput.OfPath of && isPipeOrDevice(of.path())) {
      throw new ModelFormatException(
          Reason.UNREADABLE,
          of.path().toString(),
          "",
          "a pipe or a device, and models are read at any place of a file. Save it as a file first");
    }
  }

  /** The name in the same folder that may be meant; a folder that cannot be listed has none. */
  private static String nearest(Path path) {
    Path folder = path.toAbsolutePath().normalize().getParent();
    Path name = path.getFileName();
    if (folder == null || name == null) {
      return "";
    }
    List<String> names = new ArrayList<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
      for (Path file : files) {
        names.add(String.valueOf(file.getFileName()));
      }
    } catch (IOException | DirectoryIteratorException e) {
      return "";
    }
    return Nearest.of(name.toString(), names)
        .map(near -> ". Did you mean " + path.resolveSibling(near) + "?")
        .orElse("");
  }

  private static InputFormatDetector surest(List<InputFormatDetector> detectors, ModelInput input) {
    Match best = Match.NONE;
    List<InputFormatDetector> surest = new ArrayList<>();
    for (InputFormatDetector detector : detectors) {
      Match match = probe(detector, input);
      if (match.compareTo(best) > 0) {
        best = match;
        surest.clear();
      }
      if (match == best && match != Match.NONE) {
        surest.add(detector);
      }
    }
    if (surest.size() == 1) {
      return surest.get(0);
    }
    String ids =
        (surest.isEmpty() ? detectors : surest)
            .stream().map(InputFormatDetector::id).collect(Collectors.joining(", "));
    if (surest.isEmpty()) {
      requireThere(input);
      requireFile(input);
      throw new ModelFormatException(
          Reason.NOT_THIS_FORMAT,
          input.describe(),
          "",
          "none of the known formats ("
              + (ids.isEmpty() ? "there are none at all" : ids)
              + ") recognises it. Convert it to safetensors, or add the plugin that reads it");
    }
    throw new ConfigurationException(
        input.describe()
            + ": several formats recognise it: "
            + ids
            + ". Name one with --input-format, for example --input-format "
            + surest.get(0).id());
  }

  private static Match probe(InputFormatDetector detector, ModelInput input) {
    try {
      return detector.probe(input);
    } catch (RuntimeException e) {
      throw new PluginException(
          "input format " + detector.id() + " failed to look at " + input.describe() + ": " + e, e);
    }
  }
}
