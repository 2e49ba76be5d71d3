package dev.monoquant.core.trial;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.monoquant.core.control.RunTiming;
import dev.monoquant.core.control.SampleInputs;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.model.Layer;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.RunnableFile.Method;
import dev.monoquant.spi.RunnableFile.Parameter;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A side-by-side run as a value, and as the JSON that a child reads.
 *
 * @param candidates the reference first
 * @param methods the methods of the reference, empty if unknown
 * @param guesses the generated inputs to try if there are no samples, in order
 * @param purpose the purpose of the run
 */
public record RunJob(
    List<Candidate> candidates,
    List<Method> methods,
    List<SyntheticInputs> guesses,
    Purpose purpose) {

  /** The purpose of a run, with the duration of its timing and an alternative for messages. */
  public enum Purpose {
    /**
     * A result is to be accepted: its speed is a figure of the report, and the user waits for it,
     * so the timing is short.
     */
    ACCEPT(
        25,
        500_000_000L,
        "; or accept the result without running it: --no-run (withRunning(false))"),
    /** Speed is to be measured. */
    COMPARE(101, 2_000_000_000L, ""),
    /** The layers of a slow result are to be measured, see {@link LayerTiming}. */
    LAYERS(0, 0, ""),
    /** Only outputs are to be compared, see {@link Costs}. */
    COST(0, 0, "");

    private final int mostRounds;
    private final long enoughNanos;
    private final String remedy;

    Purpose(int mostRounds, long enoughNanos, String remedy) {
      this.mostRounds = mostRounds;
      this.enoughNanos = enoughNanos;
      this.remedy = remedy;
    }

    int mostRounds() {
      return mostRounds;
    }

    long enoughNanos() {
      return enoughNanos;
    }

    /** {@return an alternative to append to a message; may be empty} */
    String remedy() {
      return remedy;
    }
  }

  /**
   * A model of the run.
   *
   * @param name the name of the model in the result
   * @param file the file of the model
   */
  public record Candidate(String name, Path file) {}

  /** Copies the lists. */
  public RunJob {
    candidates = List.copyOf(candidates);
    methods = List.copyOf(methods);
    guesses = List.copyOf(guesses);
  }

  /**
   * {@return the job that measures the layers of an output}
   *
   * @param file the copy of the output that measures itself
   * @param methods the methods of the original, empty if unknown
   * @param layers the layers of the original, from which inputs are inferred
   */
  static RunJob ofTimed(Path file, List<Method> methods, List<Layer> layers) {
    return new RunJob(
        List.of(new Candidate("the copy that measures its layers", file)),
        methods,
        SyntheticInputs.candidates(layers),
        Purpose.LAYERS);
  }

  /**
   * A job with the settings that it uses.
   *
   * @param settings the settings of the run
   * @param job the job
   */
  record WithSettings(Settings settings, RunJob job) {}

  /**
   * {@return the job with its settings, as JSON}
   *
   * @param folder the folder for samples that are in memory
   */
  String toJson(Settings settings, Path folder) throws IOException {
    JsonObject json = new JsonObject();
    json.addProperty("purpose", purpose.name());
    JsonArray files = new JsonArray();
    for (Candidate candidate : candidates) {
      JsonObject one = new JsonObject();
      one.addProperty("name", candidate.name());
      one.addProperty("file", candidate.file().toAbsolutePath().toString());
      files.add(one);
    }
    json.add("candidates", files);
    json.add("methods", methods(methods));
    JsonArray made = new JsonArray();
    for (SyntheticInputs guess : guesses) {
      JsonObject one = new JsonObject();
      one.addProperty("describe", guess.describe());
      JsonArray shape = new JsonArray();
      guess.shape().forEach(shape::add);
      one.add("shape", shape);
      one.addProperty("ids", guess.ids());
      one.addProperty("times", guess.times());
      made.add(one);
    }
    json.add("guesses", made);
    json.add("samples", samples(settings, folder));
    json.add("limits", limits(settings.limits()));
    json.addProperty("rounds", settings.timing().rounds().orElse(0));
    json.addProperty("nanos", settings.timing().time().map(Duration::toNanos).orElse(0L));
    return new Gson().toJson(json);
  }

  /**
   * {@return the samples as JSON}
   *
   * @param folder the folder for samples that are in memory
   */
  static JsonArray samples(Settings settings, Path folder) throws IOException {
    JsonArray samples = new JsonArray();
    for (SampleInputs sample : settings.samples()) {
      JsonObject one = new JsonObject();
      if (sample instanceof SampleInputs.OfFile of) {
        // A relative path stays unchanged, for messages: the child has the same current directory.
        one.addProperty("file", of.file().toString());
      } else if (sample instanceof SampleInputs.OfArrays of) {
        Path file = folder.resolve("sample" + samples.size());
        try (OutputStream out = Files.newOutputStream(file)) {
          of.arrays().encode(out);
        }
        one.addProperty("arrays", file.toString());
      }
      samples.add(one);
    }
    return samples;
  }

  /**
   * Reads the output of {@link #toJson}.
   *
   * @param manager owns samples in memory
   */
  static WithSettings parse(JsonObject json, NDManager manager) throws IOException {
    List<SyntheticInputs> guesses = new ArrayList<>();
    for (JsonElement one : json.getAsJsonArray("guesses")) {
      JsonObject fields = one.getAsJsonObject();
      guesses.add(
          new SyntheticInputs(
              fields.get("describe").getAsString(),
              fields.getAsJsonArray("shape").asList().stream().map(JsonElement::getAsLong).toList(),
              fields.get("ids").getAsLong(),
              fields.get("times").getAsInt()));
    }
    List<Method> methods = methods(json.getAsJsonArray("methods"));
    Settings settings =
        inputs(json, manager)
            .withTiming(timing(json.get("rounds").getAsInt(), json.get("nanos").getAsLong()));
    Purpose purpose = Purpose.valueOf(json.get("purpose").getAsString());
    return new WithSettings(settings, new RunJob(candidates(json), methods, guesses, purpose));
  }

  /** {@return the models of a job} */
  static List<Candidate> candidates(JsonObject json) {
    List<Candidate> candidates = new ArrayList<>();
    for (JsonElement one : json.getAsJsonArray("candidates")) {
      JsonObject fields = one.getAsJsonObject();
      candidates.add(
          new Candidate(
              fields.get("name").getAsString(), Path.of(fields.get("file").getAsString())));
    }
    return candidates;
  }

  /** {@return whether a job is one of {@link Costs}} */
  static boolean isCost(JsonObject json) {
    return json.has("purpose") && json.get("purpose").getAsString().equals(Purpose.COST.name());
  }

  /**
   * {@return the settings with the samples and limits of a job}
   *
   * @param manager owns samples in memory
   */
  static Settings inputs(JsonObject json, NDManager manager) throws IOException {
    List<SampleInputs> samples = new ArrayList<>();
    for (JsonElement one : json.getAsJsonArray("samples")) {
      JsonObject fields = one.getAsJsonObject();
      if (fields.has("file")) {
        samples.add(SampleInputs.of(Path.of(fields.get("file").getAsString())));
      } else {
        try (InputStream in = Files.newInputStream(Path.of(fields.get("arrays").getAsString()))) {
          samples.add(SampleInputs.of(NDList.decode(manager, in)));
        }
      }
    }
    return Settings.defaults()
        .withSamples(samples)
        .withLimits(limits(json.getAsJsonArray("limits")));
  }

  private static RunTiming timing(int rounds, long nanos) {
    return new RunTiming(
        rounds == 0 ? OptionalInt.empty() : OptionalInt.of(rounds),
        nanos == 0 ? Optional.empty() : Optional.of(Duration.ofNanos(nanos)));
  }

  static JsonArray methods(List<Method> methods) {
    JsonArray all = new JsonArray();
    for (Method method : methods) {
      JsonArray parameters = new JsonArray();
      for (Parameter parameter : method.parameters()) {
        JsonObject one = new JsonObject();
        one.addProperty("name", parameter.name());
        one.addProperty("type", parameter.type());
        one.addProperty("optional", parameter.optional());
        parameters.add(one);
      }
      JsonObject one = new JsonObject();
      one.addProperty("name", method.name());
      one.add("parameters", parameters);
      one.addProperty("inner", method.inner());
      all.add(one);
    }
    return all;
  }

  static List<Method> methods(JsonArray all) {
    List<Method> methods = new ArrayList<>();
    for (JsonElement element : all) {
      JsonObject method = element.getAsJsonObject();
      List<Parameter> parameters = new ArrayList<>();
      for (JsonElement parameter : method.getAsJsonArray("parameters")) {
        JsonObject one = parameter.getAsJsonObject();
        parameters.add(
            new Parameter(
                one.get("name").getAsString(),
                one.get("type").getAsString(),
                one.get("optional").getAsBoolean()));
      }
      methods.add(
          new Method(
              method.get("name").getAsString(), parameters, method.get("inner").getAsBoolean()));
    }
    return methods;
  }

  static JsonArray limits(ReadLimits limits) {
    JsonArray all = new JsonArray();
    all.add(limits.maxHeaderBytes());
    all.add(limits.maxIndexBytes());
    all.add(limits.maxTensors());
    all.add(limits.maxNameLength());
    all.add(limits.maxRank());
    all.add(limits.maxDepth());
    all.add(limits.maxShards());
    all.add(limits.maxArchiveEntries());
    all.add(limits.maxInflatedBytes());
    all.add(limits.maxPickleBytes());
    all.add(limits.maxPickleOps());
    all.add(limits.maxPickleValues());
    all.add(limits.maxParsedBytes());
    return all;
  }

  private static ReadLimits limits(JsonArray all) {
    return new ReadLimits(
        all.get(0).getAsLong(),
        all.get(1).getAsLong(),
        all.get(2).getAsInt(),
        all.get(3).getAsInt(),
        all.get(4).getAsInt(),
        all.get(5).getAsInt(),
        all.get(6).getAsInt(),
        all.get(7).getAsInt(),
        all.get(8).getAsLong(),
        all.get(9).getAsLong(),
        all.get(10).getAsInt(),
        all.get(11).getAsInt(),
        all.get(12).getAsLong());
  }
}
