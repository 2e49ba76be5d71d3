package dev.monoquant.core.trial;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.spi.RunnableFile.Method;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A pass over the samples with a program whose weights observe their inputs, as a value, and as the
 * JSON that a child reads.
 *
 * @param name the name of the model, for messages
 * @param original the file of the model, which the observing program must agree with
 * @param observing the file of the observing program
 * @param methods the methods of the model, empty if unknown
 * @param parameters the parameters to read, in order
 * @param batch rows of a sample that are run in one call; 0 for whole samples
 * @param mostCalls the most calls
 * @param state the file for the sums, so far and at the end; if it exists, the pass goes on from it
 * @param identity what the state must be of
 */
public record ObserveJob(
    String name,
    Path original,
    Path observing,
    List<Method> methods,
    List<String> parameters,
    int batch,
    long mostCalls,
    Path state,
    String identity) {

  /** Sums are saved this often, so that an interrupted pass can go on. */
  static final Duration SAVING = Duration.ofSeconds(20);

  private static final String KIND = "observe";

  /** Copies the lists. */
  public ObserveJob {
    methods = List.copyOf(methods);
    parameters = List.copyOf(parameters);
  }

  /**
   * The result of a pass.
   *
   * @param calls the calls of the model
   * @param note what the user should know; may be empty
   */
  public record Outcome(long calls, String note) {}

  /**
   * {@return the job with its settings, as JSON}
   *
   * @param folder the folder for samples that are in memory
   */
  String toJson(Settings settings, Path folder) throws IOException {
    JsonObject json = new JsonObject();
    json.addProperty(KIND, name);
    json.addProperty("original", original.toAbsolutePath().toString());
    json.addProperty("observing", observing.toAbsolutePath().toString());
    json.add("methods", RunJob.methods(methods));
    JsonArray names = new JsonArray();
    parameters.forEach(names::add);
    json.add("parameters", names);
    json.addProperty("batch", batch);
    json.addProperty("mostCalls", mostCalls);
    json.addProperty("state", state.toAbsolutePath().toString());
    json.addProperty("identity", identity);
    json.add("samples", RunJob.samples(settings, folder));
    json.add("limits", RunJob.limits(settings.limits()));
    return new Gson().toJson(json);
  }

  /** {@return whether a job is a pass that observes} */
  static boolean is(JsonObject json) {
    return json.has(KIND);
  }

  /** Reads the output of {@link #toJson}, but for the samples and limits. */
  static ObserveJob parse(JsonObject json) {
    List<String> names = new ArrayList<>();
    for (JsonElement one : json.getAsJsonArray("parameters")) {
      names.add(one.getAsString());
    }
    return new ObserveJob(
        json.get(KIND).getAsString(),
        Path.of(json.get("original").getAsString()),
        Path.of(json.get("observing").getAsString()),
        RunJob.methods(json.getAsJsonArray("methods")),
        names,
        json.get("batch").getAsInt(),
        json.get("mostCalls").getAsLong(),
        Path.of(json.get("state").getAsString()),
        json.get("identity").getAsString());
  }
}
