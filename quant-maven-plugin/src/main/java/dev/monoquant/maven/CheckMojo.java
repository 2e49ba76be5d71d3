package dev.monoquant.maven;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.apache.maven.plugin.MojoExecutionException;
import org.apache.maven.plugin.MojoFailureException;
import org.apache.maven.plugins.annotations.LifecyclePhase;
import org.apache.maven.plugins.annotations.Mojo;
import org.apache.maven.plugins.annotations.Parameter;
import org.jspecify.annotations.Nullable;

/**
 * Checks an output that exists: every byte against its manifest, every weight against the original,
 * the gates, and the errors and the size against those of an earlier report.
 */
@Mojo(name = "check", defaultPhase = LifecyclePhase.VERIFY, threadSafe = true)
public final class CheckMojo extends QuantMojo {

  private static final int MAX_NAMED = 5;

  /** The model that the output was made of. */
  @Parameter(required = true)
  @Nullable File input;

  /** The file or directory to check. */
  @Parameter(required = true)
  @Nullable File output;

  /** Gate: the lowest SQNR in dB of a weight. */
  @Parameter(property = "quant.minSqnr")
  @Nullable Double minSqnr;

  /** Gate: the lowest cosine between a weight and what its codes decode to. */
  @Parameter(property = "quant.minWeightCosine")
  @Nullable Double minWeightCosine;

  /** Gate: the greatest size of the output relative to the model, of all files. */
  @Parameter(property = "quant.maxSizeRatio")
  @Nullable Double maxSizeRatio;

  /**
   * A JSON report of an earlier run, as {@code quantize} writes it to {@code target/quant}; keep a
   * copy among the sources.
   */
  @Parameter @Nullable File baseline;

  /** By how many dB the SQNR of a weight may be lower than in the baseline. */
  @Parameter(defaultValue = "0.5")
  double maxSqnrDrop = 0.5;

  /** By how much the output may be larger than in the baseline; 0.02 is two percent. */
  @Parameter(defaultValue = "0.02")
  double maxGrowth = 0.02;

  /** Further arguments of {@code quant verify}. */
  @Parameter List<String> arguments = new ArrayList<>();

  /** Made by Maven. */
  public CheckMojo() {}

  @Override
  public void execute() throws MojoExecutionException, MojoFailureException {
    if (skip) {
      getLog().info("skipped");
      return;
    }
    requireKnown();
    if (baseline != null && !baseline.isFile()) {
      throw new MojoFailureException(
          message(
              "the <baseline> " + words().of(baseline.toPath()) + " does not exist",
              List.of(),
              "Copy the JSON report of a good run there, "
                  + reportDirectory.getName()
                  + "/ID.json"));
    }
    Path original = Objects.requireNonNull(input, "input").toPath();
    Path result = Objects.requireNonNull(output, "output").toPath();
    List<String> command = new ArrayList<>(List.of("verify", result.toString()));
    Arguments.add("--against", original, command);
    command.addAll(List.of("--json", "--no-progress"));
    command.addAll(arguments);
    Child.Ended ended = child().run(command, line -> {}, this::log);
    String name = words().of(result);
    requireSuccess(
        name + " did not pass the check", ended, "Make it again: mvn clean process-resources");
    try {
      JsonObject json = JsonParser.parseString(String.join("\n", ended.out())).getAsJsonObject();
      Map<String, Errors> errors = errors(json);
      List<String> missed = new ArrayList<>(missed(errors, bytes(original), bytes(result)));
      if (baseline != null) {
        String text = Files.readString(baseline.toPath());
        JsonObject all = JsonParser.parseString(text).getAsJsonObject();
        JsonObject earlier = earlier(baseline.toPath(), all, result);
        missed.addAll(worse(errors, bytes(result), earlier));
      }
      if (!missed.isEmpty()) {
        throw new MojoFailureException(
            message(
                name + " did not pass the check",
                missed,
                "Try more bits or smaller groups, exclude layers, or change the limit"));
      }
      say(name + ": " + errors.size() + " weights are as they were written");
    } catch (IOException | JsonParseException | IllegalStateException e) {
      throw new MojoExecutionException(
          message(name + " cannot be checked", List.of(words().of(Words.reason(e))), ""), e);
    }
  }

  /**
   * The part of a report about an output: of several, the one with its path, or else the only one
   * with its name, since a baseline may come from another machine.
   */
  private static JsonObject earlier(Path baseline, JsonObject json, Path result)
      throws MojoExecutionException {
    String kind = json.get("kind") instanceof JsonPrimitive text ? text.getAsString() : "";
    if (kind.equals("report")) {
      return json;
    }
    if (!kind.equals("reports")) {
      throw new MojoExecutionException(
          text("the baseline %s is no report of a run with results (its kind is", baseline)
              + (kind.isEmpty() ? " missing" : " " + kind)
              + "). Take the JSON report of a successful run of quantize");
    }
    List<String> targets = new ArrayList<>();
    List<JsonObject> named = new ArrayList<>();
    for (JsonElement one : array(json, "outputs")) {
      JsonObject output = one.getAsJsonObject();
      Path target = Path.of(output.get("target").getAsString());
      if (target.toAbsolutePath().normalize().equals(result.toAbsolutePath().normalize())) {
        return output;
      }
      targets.add(target.toString());
      if (Objects.equals(target.getFileName(), result.getFileName())) {
        named.add(output);
      }
    }
    if (named.size() != 1) {
      throw new MojoExecutionException(
          text("the baseline %s is a report of %s, not of %s", baseline, targets, result)
              + ". Take a report of this output");
    }
    return named.get(0);
  }

  private static JsonArray array(JsonObject json, String name) {
    if (json.get(name) instanceof JsonArray array) {
      return array;
    }
    throw new JsonParseException("a report without a list of " + name);
  }

  /** The error of a weight. */
  record Errors(double sqnr, double cosine) {}

  /** The errors by weight in a verification, or in a report. */
  static Map<String, Errors> errors(JsonObject json) {
    Map<String, Errors> errors = new LinkedHashMap<>();
    for (JsonElement one : array(json, "weights")) {
      JsonObject weight = one.getAsJsonObject();
      JsonObject measured = weight.getAsJsonObject("errors");
      errors.put(
          weight.get("name").getAsString(),
          new Errors(number(measured.get("sqnr_db")), number(measured.get("cosine"))));
    }
    return errors;
  }

  /** No error at all is infinitely good, and null in JSON. */
  private static double number(JsonElement value) {
    return value.isJsonNull() ? Double.POSITIVE_INFINITY : value.getAsDouble();
  }

  List<String> missed(Map<String, Errors> errors, long before, long after) {
    List<String> missed = new ArrayList<>();
    if (minSqnr != null) {
      List<String> low = new ArrayList<>();
      errors.forEach(
          (name, e) -> {
            if (e.sqnr() < minSqnr) {
              low.add(text("%s has %.2f dB", name, e.sqnr()));
            }
          });
      add("minSqnr " + minSqnr, low, missed);
    }
    if (minWeightCosine != null) {
      List<String> low = new ArrayList<>();
      errors.forEach(
          (name, e) -> {
            if (e.cosine() < minWeightCosine) {
              low.add(name + " has " + e.cosine());
            }
          });
      add("minWeightCosine " + minWeightCosine, low, missed);
    }
    if (maxSizeRatio != null && after > maxSizeRatio * before) {
      missed.add(text("maxSizeRatio %s: %d bytes of %d", maxSizeRatio, after, before));
    }
    return missed;
  }

  List<String> worse(Map<String, Errors> errors, long after, JsonObject earlier) {
    List<String> missed = new ArrayList<>();
    List<String> low = new ArrayList<>();
    List<String> gone = new ArrayList<>();
    errors(earlier)
        .forEach(
            (name, was) -> {
              Errors is = errors.get(name);
              if (is == null) {
                gone.add(name);
              } else if (is.sqnr() < was.sqnr() - maxSqnrDrop) {
                low.add(text("%s has %.2f dB, not %.2f dB", name, is.sqnr(), was.sqnr()));
              }
            });
    add("not quantized any more, see the baseline", gone, missed);
    add("more than " + maxSqnrDrop + " dB below the baseline", low, missed);
    long bytes = 0;
    for (JsonElement file : array(earlier, "files")) {
      bytes += file.getAsJsonObject().get("bytes").getAsLong();
    }
    if (after > bytes * (1 + maxGrowth)) {
      missed.add(text("larger than the baseline: %d bytes, not %d", after, bytes));
    }
    return missed;
  }

  private static void add(String limit, List<String> found, List<String> missed) {
    if (!found.isEmpty()) {
      String named = String.join(", ", found.subList(0, Math.min(MAX_NAMED, found.size())));
      int more = found.size() - MAX_NAMED;
      missed.add(limit + ": " + named + (more > 0 ? " and " + more + " more" : ""));
    }
  }

  private static String text(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }

  private static long bytes(Path path) throws IOException {
    try (Stream<Path> files = Files.walk(path)) {
      long bytes = 0;
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        bytes += Files.size(file);
      }
      return bytes;
    }
  }
}
