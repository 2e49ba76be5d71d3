package dev.monoquant.maven;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
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
 * <p>Makes no output that is up to date: whose model, recipe, samples, configuration, plugin and
 * files have the contents that they had after the last run. Schemes and formats come from the
 * dependencies of the plugin. Reports are in {@code target/quant}: as HTML, JSON and JUnit XML,
 * named like the execution, and of several outputs like the execution and the output. They are
 * written if a gate is missed, too.
 */
@Mojo(name = "quantize", defaultPhase = LifecyclePhase.PROCESS_RESOURCES, threadSafe = true)
public final class QuantizeMojo extends QuantMojo {

  private static final Pattern CALIBRATION =
      Pattern.compile(
          "\\bcalibration[\"']?[ \\t]*:\\s*(?:(?<quote>[\"'])(?<quoted>[^\"'\\r\\n]*)\\k<quote>"
              + "|(?<plain>[^,}\\r\\n]*))");

  private static final List<String> REPORTS = List.of(".html", ".json", ".xml");

  /** In the name of a report, the command line replaces it by that of the output. */
  private static final String NAME = "{output}";

  /**
   * An output that is made or up to date.
   *
   * @param input the model
   * @param path what is written
   * @param report the name of its report without the ending, with {@link #NAME}
   * @param arguments the output and its options
   */
  record Job(Path input, Path path, String report, List<String> arguments) {

    private String stem() {
      return report.replace(NAME, String.valueOf(path.getFileName()));
    }
  }

  /** The model: a file or a model directory. It never changes. */
  @Parameter @Nullable File input;

  /** The file or directory to write; or use {@code outputs}. */
  @Parameter @Nullable File output;

  /**
   * Several outputs. Those that are made of the same model are made in one pass over it, and if one
   * of them misses a gate, none is written.
   */
  @Parameter List<Output> outputs = new ArrayList<>();

  /** A scheme, such as {@code int8}, or a preset, such as {@code FP8_DYNAMIC}. Default: int8. */
  @Parameter(property = "quant.scheme")
  @Nullable String scheme;

  /** How many values share a scale: tensor, channel, group:N or block:RxC. */
  @Parameter(property = "quant.granularity")
  @Nullable String granularity;

  /** A recipe in YAML or JSON; the other parameters override it. */
  @Parameter @Nullable File recipe;

  /** A recipe as text instead of a file, such as {@code {scheme: int8, ignore: [lm_head]}}. */
  @Parameter @Nullable String recipeText;

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

  private final Map<Path, String> readOnce = new HashMap<>();

  /** Made by Maven. */
  public QuantizeMojo() {}

  @Override
  public void execute() throws MojoExecutionException, MojoFailureException {
    if (skip) {
      getLog().info("skipped");
      return;
    }
    requireKnown();
    readOnce.clear();
    List<Job> jobs = jobs();
    Path folder = reportDirectory.toPath();
    try {
      Child child = child();
      Files.createDirectories(folder);
      Map<List<Object>, List<Job>> passes = new LinkedHashMap<>();
      for (Job job : jobs) {
        Path manifest = manifestFile(job);
        String before = Files.exists(manifest) ? Files.readString(manifest) : "";
        if (before.equals(manifest(job, child)) && reports(job).allMatch(Files::exists)) {
          say(words().of(job.path()) + " is up to date");
        } else {
          requireOwn(job.path());
          passes
              .computeIfAbsent(List.of(job.input(), job.report()), key -> new ArrayList<>())
              .add(job);
        }
      }
      for (List<Job> pass : passes.values()) {
        make(pass, child);
      }
    } catch (IOException e) {
      throw new MojoExecutionException(
          message(executionId + " cannot work", List.of(words().of(Words.reason(e))), ""), e);
    }
  }

  /** Makes outputs of one model. */
  private void make(List<Job> pass, Child child)
      throws IOException, MojoExecutionException, MojoFailureException {
    for (Job job : pass) {
      Files.createDirectories(Objects.requireNonNull(job.path().getParent()));
      Path manifest = manifestFile(job);
      String before = Files.exists(manifest) ? Files.readString(manifest) : "";
      // Until the run has succeeded, its reports are not those of the output.
      Files.writeString(manifest, BuildManifest.unfinished(before));
    }
    Job first = pass.get(0);
    List<String> command = new ArrayList<>(common(first.input()));
    command.add("--force");
    for (String end : REPORTS) {
      Arguments.add("--report", reportDirectory.toPath().resolve(first.report() + end), command);
    }
    // Options after an output belong to it.
    pass.forEach(job -> command.addAll(job.arguments()));
    Child.Ended ended = child.run(command, this::say, this::log);
    int outputCount = pass.size();
    String what =
        outputCount == 1 ? words().of(first.path()) + " is" : outputCount + " outputs are";
    String page = words().of(reportDirectory.toPath().resolve(first.stem() + ".html"));
    requireSuccess(what + " not made", ended, "See " + page);
    for (Job job : pass) {
      Files.writeString(manifestFile(job), manifest(job, child));
    }
  }

  private Path manifestFile(Job job) {
    return reportDirectory.toPath().resolve(job.stem() + ".manifest");
  }

  private Stream<Path> reports(Job job) {
    return REPORTS.stream().map(end -> reportDirectory.toPath().resolve(job.stem() + end));
  }

  List<Job> jobs() throws MojoFailureException {
    if ((output == null) == outputs.isEmpty()) {
      throw refused(
          "gives " + (output == null ? "no <output>" : "both <output> and <outputs>"),
          "Give one of them: <output> is the file or directory to write, <outputs> has several."
              + " Example: <output>${project.build.outputDirectory}/model-int8.pt</output>");
    }
    List<Job> jobs = new ArrayList<>();
    if (output != null) {
      List<String> own = List.of("--output=" + output);
      jobs.add(new Job(model(input), output.toPath(), executionId, own));
    }
    Map<Path, Integer> names = new HashMap<>();
    for (Output one : outputs) {
      if (one.path == null) {
        throw refused("has an <output> without a <path>", "Add the file or directory to write");
      }
      Path path = one.path.toPath();
      // Outputs with the same name cannot be told apart by the names of their reports.
      int number = names.merge(path.getFileName(), 1, Integer::sum);
      String report = executionId + (number == 1 ? "-" : "-" + number + "-") + NAME;
      jobs.add(
          new Job(model(one.input == null ? input : one.input), path, report, one.arguments()));
    }
    return jobs;
  }

  private Path model(@Nullable File model) throws MojoFailureException {
    if (model == null) {
      throw refused(
          "has no <input>",
          "Add the model: a file or directory. Example: <input>src/main/models/model.pt</input>");
    }
    if (!model.exists()) {
      throw refused(
          "has the <input> " + words().of(model.toPath()) + ", which does not exist",
          "A relative path starts at the folder of the pom. If another goal makes the model, bind"
              + " that goal to an earlier phase");
    }
    return model.toPath();
  }

  private MojoFailureException refused(String what, String remedy) {
    return new MojoFailureException(message(executionId + " " + what, List.of(), remedy));
  }

  /** {@return what there is of an output now, see {@link BuildManifest}} */
  String manifest(Job job, Child child) throws IOException, MojoFailureException {
    List<String> program = new ArrayList<>(common(job.input()));
    program.addAll(job.arguments());
    program.addAll(jvmArguments);
    return BuildManifest.program(program, child.classPath())
        + read(job.input())
        + BuildManifest.written(job.path());
  }

  /** The lines for all that is read, which are made once: models are large. */
  private String read(Path model) throws IOException, MojoFailureException {
    String known = readOnce.get(model);
    if (known != null) {
      return known;
    }
    List<Path> files = new ArrayList<>(List.of(model));
    Path text = recipeFile();
    Stream.concat(Stream.ofNullable(text), Stream.ofNullable(calibration).map(File::toPath))
        .forEach(files::add);
    samples.forEach(sample -> files.add(sample.toPath()));
    if (text != null && calibration == null) {
      files.addAll(calibrationsOf(text));
    }
    String lines = BuildManifest.read(files);
    readOnce.put(model, lines);
    return lines;
  }

  /** The file of the recipe, which is written here if the pom has it as text. */
  private @Nullable Path recipeFile() throws IOException, MojoFailureException {
    if (recipeText == null || recipeText.isBlank()) {
      return recipe == null ? null : recipe.toPath();
    }
    if (recipe != null) {
      throw refused("gives both <recipe> and <recipeText>", "Give one of them");
    }
    List<String> lines = recipeText.strip().lines().filter(line -> !line.isBlank()).toList();
    boolean flow = lines.get(0).startsWith("{");
    if (!flow && lines.size() > 1 && lines.stream().skip(1).allMatch(l -> l.startsWith(" "))) {
      throw refused(
          "has a <recipeText> whose first line Maven has moved to the left",
          "Write the recipe in braces, as {scheme: int8, ignore: [lm_head]}, or start its lines"
              + " in the first column");
    }
    if (CALIBRATION.matcher(recipeText).find()) {
      throw refused(
          "names a calibration in <recipeText>, which has no folder that its name could start at",
          "Give it as <calibration>");
    }
    Path file = reportDirectory.toPath().resolve(executionId + ".recipe.yaml");
    if (!Files.exists(file) || !Files.readString(file).equals(recipeText)) {
      Files.createDirectories(reportDirectory.toPath());
      Files.writeString(file, recipeText);
    }
    return file;
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

  /** Refuses to replace a file that no execution of this module wrote. */
  private void requireOwn(Path path) throws IOException, MojoFailureException {
    if (overwrite || !Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    try (Stream<Path> files = Files.list(reportDirectory.toPath())) {
      for (Path file : files.filter(f -> f.toString().endsWith(".manifest")).toList()) {
        if (BuildManifest.wrote(Files.readString(file), path)) {
          return;
        }
      }
    }
    throw refused(
        "would replace " + words().of(path) + ", which this build did not write",
        "Delete it, for example with mvn clean, or allow to replace it with"
            + " <overwrite>true</overwrite> or -Dquant.overwrite");
  }

  /** The arguments for all outputs of a model, without what does not affect them. */
  List<String> common(Path model) throws IOException, MojoFailureException {
    List<String> all = new ArrayList<>(List.of("quantize", model.toString(), "--no-progress"));
    Arguments.add("--scheme", scheme, all);
    Arguments.add("--granularity", granularity, all);
    Arguments.add("--config", recipeFile(), all);
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
    return all;
  }
}
