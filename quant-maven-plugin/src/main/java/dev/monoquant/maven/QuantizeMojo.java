package dev.monoquant.maven;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.maven.plugin.MojoExecutionException;
import org.apache.maven.plugin.MojoFailureException;
import org.apache.maven.plugins.annotations.LifecyclePhase;
import org.apache.maven.plugins.annotations.Mojo;
import org.apache.maven.plugins.annotations.Parameter;
import org.jspecify.annotations.Nullable;

/**
 * Quantizes a model into one or several outputs, and fails the build if a gate is missed.
 *
 * <p>Does nothing if the outputs are up to date: if model, recipe, samples, configuration, plugin
 * and outputs have the contents that they had after the last run. Schemes and formats come from the
 * dependencies of the plugin. Reports are in {@code target/quant}, named like the execution: as
 * HTML, JSON and JUnit XML. They are written if a gate is missed, too.
 */
@Mojo(name = "quantize", defaultPhase = LifecyclePhase.PROCESS_RESOURCES, threadSafe = true)
public final class QuantizeMojo extends QuantMojo {

  private static final Pattern CALIBRATION =
      Pattern.compile(
          "\\bcalibration[\"']?[ \\t]*:\\s*(?:(?<quote>[\"'])(?<quoted>[^\"'\\r\\n]*)\\k<quote>"
              + "|(?<plain>[^,}\\r\\n]*))");

  private static final List<String> REPORTS = List.of(".html", ".json", ".xml");

  /** The model: a file or a model directory. It never changes. */
  @Parameter(required = true)
  @Nullable File input;

  /** The file or directory to write; or use {@code outputs}. */
  @Parameter @Nullable File output;

  /** Several outputs, which are made in one pass over the model. */
  @Parameter List<Output> outputs = new ArrayList<>();

  /** A scheme, such as {@code int8}, or a preset, such as {@code FP8_DYNAMIC}. Default: int8. */
  @Parameter(property = "quant.scheme")
  @Nullable String scheme;

  /** How many values share a scale: tensor, channel, group:N or block:RxC. */
  @Parameter(property = "quant.granularity")
  @Nullable String granularity;

  /** A recipe in YAML or JSON; the other parameters override it. */
  @Parameter @Nullable File recipe;

  /** Only these layers: globs, {@code re:} with a regular expression, or kinds such as Linear. */
  @Parameter List<String> include = new ArrayList<>();

  /** Layers to leave unquantized; overrides {@code include}. */
  @Parameter List<String> exclude = new ArrayList<>();

  /** Kinds of layers by pattern, where names and shapes do not tell. */
  @Parameter Map<String, String> layers = new LinkedHashMap<>();

  /** Options of schemes, layers and formats by name. */
  @Parameter Map<String, String> options = new LinkedHashMap<>();

  /** Inputs to run original and result with, if the output is TorchScript. */
  @Parameter List<File> samples = new ArrayList<>();

  /** Statistics of the inputs of layers, for schemes that need or use them. */
  @Parameter @Nullable File calibration;

  /** Gate: the lowest SQNR in dB of a weight, and of outputs that are run. */
  @Parameter(property = "quant.minSqnr")
  @Nullable Double minSqnr;

  /** Gate: the lowest cosine between the outputs of original and result, if they are run. */
  @Parameter(property = "quant.minCosine")
  @Nullable Double minCosine;

  /** Gate: the lowest cosine between a weight and what its codes decode to. */
  @Parameter(property = "quant.minWeightCosine")
  @Nullable Double minWeightCosine;

  /** Gate: the lowest speed of the result relative to the original, if they are run. */
  @Parameter(property = "quant.minSpeedup")
  @Nullable Double minSpeedup;

  /** Gate: the greatest size of the output relative to the model. */
  @Parameter(property = "quant.maxSizeRatio")
  @Nullable Double maxSizeRatio;

  /** Replaces outputs that this build did not write. */
  @Parameter(property = "quant.overwrite", defaultValue = "false")
  boolean overwrite;

  /** Further arguments of {@code quant quantize}. */
  @Parameter List<String> arguments = new ArrayList<>();

  /** Made by Maven. */
  public QuantizeMojo() {}

  @Override
  public void execute() throws MojoExecutionException, MojoFailureException {
    if (skip) {
      getLog().info("skipped");
      return;
    }
    List<Path> written = written();
    Path manifest = reportDirectory.toPath().resolve(executionId + ".manifest");
    try {
      Child child = child();
      Files.createDirectories(reportDirectory.toPath());
      String before = Files.exists(manifest) ? Files.readString(manifest) : "";
      if (before.equals(manifest(child, written)) && reports().allMatch(Files::exists)) {
        getLog().info(names(written) + " is up to date");
        return;
      }
      requireOwn(before, written);
      for (Path path : written) {
        Files.createDirectories(Objects.requireNonNull(path.getParent()));
      }
      List<String> command = new ArrayList<>(command());
      command.add("--force");
      reports().forEach(report -> Arguments.add("--report", report, command));
      // Until the run has succeeded, its reports are not those of the outputs.
      Files.writeString(manifest, BuildManifest.unfinished(before));
      Child.Ended ended = child.run(command, getLog()::info, this::log);
      requireSuccess(
          names(written),
          ended,
          "See the report " + reportDirectory.toPath().resolve(executionId + ".html"));
      Files.writeString(manifest, manifest(child, written));
    } catch (IOException e) {
      throw new MojoExecutionException(names(written) + ": " + e, e);
    }
  }

  private List<Path> written() throws MojoFailureException {
    List<Path> paths = new ArrayList<>();
    if (output != null) {
      paths.add(output.toPath());
    }
    for (Output one : outputs) {
      if (one.path == null) {
        throw new MojoFailureException(
            executionId + ": an <output> has no <path>. Add the file or directory to write");
      }
      paths.add(one.path.toPath());
    }
    if (paths.isEmpty() || (output != null && !outputs.isEmpty())) {
      throw new MojoFailureException(
          executionId
              + ": give either <output>, the file or directory to write, or <outputs> with several."
              + " Example: <output>${project.build.outputDirectory}/model-int8.pt</output>");
    }
    return paths;
  }

  private static String names(List<Path> written) {
    return String.join(", ", written.stream().map(Path::toString).toList());
  }

  private Stream<Path> reports() {
    return REPORTS.stream().map(end -> reportDirectory.toPath().resolve(executionId + end));
  }

  String manifest(Child child, List<Path> written) throws IOException {
    List<Path> read = new ArrayList<>();
    read.add(Objects.requireNonNull(input, "input").toPath());
    Stream.concat(Stream.of(recipe, calibration).filter(Objects::nonNull), samples.stream())
        .map(File::toPath)
        .forEach(read::add);
    if (recipe != null && calibration == null) {
      read.addAll(calibrationsOf(recipe.toPath()));
    }
    List<String> program = new ArrayList<>(command());
    program.addAll(jvmArguments);
    return BuildManifest.of(program, child.classPath(), read, written);
  }

  /**
   * The calibration that a recipe names, in YAML or JSON. The run reads the recipe; here it only
   * matters whether the file is another one than that of the last run, so that a name too many,
   * such as one in a comment, does no harm.
   */
  private static List<Path> calibrationsOf(Path recipe) throws IOException {
    List<Path> found = new ArrayList<>();
    if (!Files.isRegularFile(recipe)) {
      return found;
    }
    Matcher key = CALIBRATION.matcher(Files.readString(recipe));
    while (key.find()) {
      String quoted = key.group("quoted");
      String name = quoted == null ? plain(key.group("plain")) : quoted;
      try {
        if (!name.isEmpty()) {
          found.add(recipe.resolveSibling(name));
        }
      } catch (InvalidPathException e) {
        // No file has this name; the run refuses it.
      }
    }
    return found;
  }

  /** A name without quotes ends before a comment. */
  private static String plain(String text) {
    int comment = text.indexOf(" #");
    return (comment < 0 ? text : text.substring(0, comment)).strip();
  }

  /** Refuses to replace a file that this build did not write. */
  private void requireOwn(String before, List<Path> written) throws MojoFailureException {
    for (Path path : written) {
      if (Files.exists(path) && !overwrite && !BuildManifest.wrote(before, path)) {
        throw new MojoFailureException(
            path
                + ": it exists, and this build did not write it. Delete it, for example with mvn"
                + " clean, or allow to replace it with <overwrite>true</overwrite> or"
                + " -Dquant.overwrite");
      }
    }
  }

  /** The command line without what does not affect the outputs. */
  List<String> command() {
    List<String> all = new ArrayList<>(List.of("quantize"));
    all.add(String.valueOf(input));
    all.add("--no-progress");
    Arguments.add("--scheme", scheme, all);
    Arguments.add("--granularity", granularity, all);
    Arguments.add("--config", recipe, all);
    Arguments.addAll("--include", include, all);
    Arguments.addAll("--exclude", exclude, all);
    Arguments.addAll("--layer", layers, all);
    Arguments.addAll("--option", options, all);
    Arguments.addAll("--sample", samples, all);
    Arguments.add("--calibration", calibration, all);
    Arguments.add("--min-sqnr", minSqnr, all);
    Arguments.add("--min-cosine", minCosine, all);
    Arguments.add("--min-weight-cosine", minWeightCosine, all);
    Arguments.add("--min-speedup", minSpeedup, all);
    Arguments.add("--max-size-ratio", maxSizeRatio, all);
    all.addAll(arguments);
    // Options after an output belong to it.
    Arguments.add("--output", output, all);
    outputs.forEach(one -> all.addAll(one.arguments()));
    return all;
  }
}
