package dev.monoquant.core.trial;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.monoquant.ConfigurationException;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.OutputException;
import dev.monoquant.ValidationException;
import dev.monoquant.core.report.ErrorStatistics;
import dev.monoquant.core.report.RunComparison;
import dev.monoquant.core.report.RunResult;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * The outcome of a run in a child, as the JSON that the child writes: a comparison, or a failure
 * with its kind. Numbers are exact, including non-finite ones.
 */
final class RunOutcome {

  private RunOutcome() {}

  static String toJson(RunComparison run) {
    JsonObject json = new JsonObject();
    json.addProperty("inputs", run.inputs());
    json.addProperty("rounds", run.rounds());
    JsonArray models = new JsonArray();
    for (RunResult model : run.models()) {
      JsonObject one = new JsonObject();
      one.addProperty("name", model.name());
      one.addProperty("bytes", model.fileBytes());
      one.addProperty("median", model.medianNanos());
      one.addProperty("fastest", model.fastestNanos());
      one.addProperty("slowest", model.spread().slowestNanos());
      one.addProperty("low", model.spread().lowSpeedup());
      one.addProperty("high", model.spread().highSpeedup());
      one.addProperty("load", model.loadNanos());
      one.addProperty("first", model.firstNanos());
      one.add("outputs", numbers(model.outputs()));
      one.add("floats", numbers(model.floats()));
      one.addProperty("mismatched", model.mismatched());
      JsonArray pairs = new JsonArray();
      for (RunResult.Pair pair : model.pairs()) {
        pairs.add(pair.reference());
        pairs.add(pair.result());
      }
      one.add("pairs", pairs);
      models.add(one);
    }
    json.add("models", models);
    return new Gson().toJson(json);
  }

  static String toJson(SortedMap<String, List<Long>> times) {
    JsonObject layers = new JsonObject();
    times.forEach(
        (name, numbers) -> {
          JsonArray all = new JsonArray();
          numbers.forEach(all::add);
          layers.add(name, all);
        });
    JsonObject json = new JsonObject();
    json.add("layers", layers);
    return new Gson().toJson(json);
  }

  static String toJson(ObserveJob.Outcome outcome) {
    JsonObject json = new JsonObject();
    json.addProperty("calls", outcome.calls());
    json.addProperty("note", outcome.note());
    return new Gson().toJson(json);
  }

  static String toJson(Costs.Distance distance) {
    JsonObject json = new JsonObject();
    json.add("outputs", numbers(distance.outputs()));
    json.add("floats", numbers(distance.floats()));
    json.addProperty("mismatched", distance.mismatched());
    return new Gson().toJson(json);
  }

  static String toJson(Throwable failure) {
    JsonObject json = new JsonObject();
    json.addProperty("failure", kind(failure));
    json.addProperty("message", String.valueOf(failure.getMessage()));
    if (failure instanceof ModelFormatException e) {
      json.addProperty("reason", e.reason().name());
      json.addProperty("file", e.file());
    }
    if (kind(failure).equals("internal")) {
      json.addProperty("message", failure.toString());
    }
    return new Gson().toJson(json);
  }

  private static String kind(Throwable failure) {
    if (failure instanceof ConfigurationException) {
      return "configuration";
    }
    if (failure instanceof ModelFormatException) {
      return "format";
    }
    if (failure instanceof ValidationException) {
      return "validation";
    }
    if (failure instanceof OutputException) {
      return "output";
    }
    return failure instanceof OutOfMemoryError ? "memory" : "internal";
  }

  /**
   * Returns the result, or throws the failure of the child.
   *
   * @param text the output of a child; untrusted, because the child may have run any code
   * @param remedy an alternative to append to a message
   */
  static RunComparison parse(String text, String remedy) {
    return read(text, remedy, RunOutcome::comparison);
  }

  /** Like {@link #parse}, of the times of layers. */
  static SortedMap<String, List<Long>> parseTimes(String text) {
    return read(
        text,
        "",
        json -> {
          SortedMap<String, List<Long>> times = new TreeMap<>();
          json.getAsJsonObject("layers")
              .asMap()
              .forEach(
                  (name, numbers) ->
                      times.put(
                          name,
                          numbers.getAsJsonArray().asList().stream()
                              .map(JsonElement::getAsLong)
                              .toList()));
          return times;
        });
  }

  /** Like {@link #parse}, of a pass that observes. */
  static ObserveJob.Outcome parseObserved(String text) {
    return read(
        text,
        "",
        json ->
            new ObserveJob.Outcome(json.get("calls").getAsLong(), json.get("note").getAsString()));
  }

  /** Like {@link #parse}, of the distance of one result. */
  static Costs.Distance parseDistance(String text) {
    return read(
        text,
        "",
        json ->
            new Costs.Distance(
                statistics(json.getAsJsonArray("outputs")),
                statistics(json.getAsJsonArray("floats")),
                json.get("mismatched").getAsLong()));
  }

  private static <T> T read(String text, String remedy, Function<JsonObject, T> content) {
    try {
      JsonObject json = JsonParser.parseString(text).getAsJsonObject();
      if (json.has("failure")) {
        throw failure(json, remedy);
      }
      return content.apply(json);
    } catch (JsonParseException
        | ClassCastException
        | IllegalStateException
        | IllegalArgumentException
        | NullPointerException
        | IndexOutOfBoundsException e) {
      throw new ValidationException(
          "the process that runs models wrote a result that is none" + remedy, e);
    }
  }

  private static RunComparison comparison(JsonObject json) {
    List<RunResult> models = new ArrayList<>();
    for (JsonElement one : json.getAsJsonArray("models")) {
      JsonObject model = one.getAsJsonObject();
      models.add(
          new RunResult(
              model.get("name").getAsString(),
              model.get("bytes").getAsLong(),
              model.get("median").getAsLong(),
              model.get("fastest").getAsLong(),
              new RunResult.Spread(
                  model.get("slowest").getAsLong(),
                  model.get("low").getAsDouble(),
                  model.get("high").getAsDouble()),
              model.get("load").getAsLong(),
              model.get("first").getAsLong(),
              statistics(model.getAsJsonArray("outputs")),
              statistics(model.getAsJsonArray("floats")),
              model.get("mismatched").getAsLong(),
              pairs(model.getAsJsonArray("pairs"))));
    }
    return new RunComparison(
        json.get("inputs").getAsString(), json.get("rounds").getAsInt(), models, List.of());
  }

  private static RuntimeException failure(JsonObject json, String remedy) {
    String message = json.get("message").getAsString();
    return switch (json.get("failure").getAsString()) {
      case "configuration" -> new ConfigurationException(message);
      case "format" -> format(json, message);
      case "validation" -> new ValidationException(message);
      case "output" -> new OutputException(message);
      case "memory" ->
          new ValidationException(
              "the process that runs models has too little heap: "
                  + message
                  + ". Give more, for example QUANT_OPTS=-Xmx2g, or use smaller samples"
                  + remedy);
      default ->
          new ValidationException("the process that runs models failed: " + message + remedy);
    };
  }

  private static ModelFormatException format(JsonObject json, String message) {
    String file = json.get("file").getAsString();
    Reason reason = Reason.valueOf(json.get("reason").getAsString());
    // Removes the file from the start of the message, because the exception adds it.
    String detail =
        message.startsWith(file + ": ") ? message.substring(file.length() + 2) : message;
    return new ModelFormatException(reason, file, "", detail);
  }

  private static List<RunResult.Pair> pairs(JsonArray numbers) {
    List<RunResult.Pair> pairs = new ArrayList<>();
    for (int i = 0; i < numbers.size(); i += 2) {
      double reference = numbers.get(i).getAsDouble();
      double result = numbers.get(i + 1).getAsDouble();
      pairs.add(new RunResult.Pair(reference, result));
    }
    return pairs;
  }

  private static JsonArray numbers(ErrorStatistics errors) {
    JsonArray numbers = new JsonArray();
    numbers.add(errors.elements());
    for (double number :
        new double[] {
          errors.signal(), errors.noise(), errors.cross(), errors.decoded(), errors.maxError()
        }) {
      numbers.add(Double.toString(number));
    }
    return numbers;
  }

  private static ErrorStatistics statistics(JsonArray numbers) {
    return new ErrorStatistics(
        numbers.get(0).getAsLong(),
        Double.parseDouble(numbers.get(1).getAsString()),
        Double.parseDouble(numbers.get(2).getAsString()),
        Double.parseDouble(numbers.get(3).getAsString()),
        Double.parseDouble(numbers.get(4).getAsString()),
        Double.parseDouble(numbers.get(5).getAsString()));
  }
}
