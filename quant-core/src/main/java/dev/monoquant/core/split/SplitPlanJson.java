package dev.monoquant.core.split;

import dev.monoquant.ConfigurationException;
import dev.monoquant.ModelFormatException;
import dev.monoquant.core.split.SplitPlan.Range;
import dev.monoquant.core.split.SplitPlan.Unit;
import dev.monoquant.files.json.JsonDialect;
import dev.monoquant.files.json.JsonFields;
import dev.monoquant.files.json.JsonText;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.json.JsonValue.Arr;
import dev.monoquant.files.json.JsonValue.Num;
import dev.monoquant.files.json.JsonValue.Obj;
import dev.monoquant.files.json.StrictJson;
import dev.monoquant.files.manifest.Sha256;
import dev.monoquant.spi.Hashing;
import dev.monoquant.spi.OutputShare.Pieces;
import dev.monoquant.spi.ReadChoices;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A {@link SplitPlan} as JSON:
 *
 * <pre>
 * {"split": 1,
 *  "input": {"path": P, "entry": E, "strip_prefixes": true|false|null, "fold": ..., "format": F|null,
 *            "options": {NAME: TEXT}, "requantize": false, "files": {NAME: "BYTES bytes, TIME"}},
 *  "output": {"path": P, "overwrite": false, "hash": "outputs", "recipe": {...}},
 *  "identity": {NAME: TEXT},
 *  "files": {FILE: BYTES},
 *  "units": [
 *   {"tensors": [NAME], "read": BYTES, "written": BYTES, "ranges": {FILE: [OFFSET, LENGTH, ...]},
 *    "hashes": {INPUT: [FIRST, COUNT]}}                                            in one line
 *  ]}
 * </pre>
 *
 * <p>Other members, missing members and other types are refused.
 */
public final class SplitPlanJson {

  private static final long VERSION = 1;
  private static final String ANY_RECIPE = "recipe";

  private SplitPlanJson() {}

  /**
   * {@return the plan as a text in a fixed order, a line for each unit}
   *
   * @param plan a plan
   */
  public static String write(SplitPlan plan) {
    StringBuilder out = new StringBuilder("{\"split\": ").append(VERSION).append(",\n");
    member(out, "input", input(plan.input()));
    member(out, "output", output(plan.output()));
    member(out, "identity", texts(plan.identity()));
    Map<String, JsonValue> files = new LinkedHashMap<>();
    plan.files().forEach((name, bytes) -> files.put(name, Num.of(bytes)));
    member(out, "files", new Obj(files));
    out.append("\"units\": [");
    for (int i = 0; i < plan.units().size(); i++) {
      out.append(i == 0 ? "\n" : ",\n").append(JsonText.compact(unit(plan.units().get(i))));
    }
    return out.append("\n]}\n").toString();
  }

  private static void member(StringBuilder out, String key, JsonValue value) {
    out.append('"').append(key).append("\": ").append(JsonText.compact(value)).append(",\n");
  }

  private static JsonValue input(SplitPlan.Input input) {
    Map<String, JsonValue> json = new LinkedHashMap<>();
    json.put("path", JsonValue.of(input.path()));
    json.put("entry", JsonValue.of(input.choices().entry()));
    json.put("strip_prefixes", flag(input.choices().stripPrefixes()));
    json.put("fold", flag(input.choices().fold()));
    json.put("format", input.format().<JsonValue>map(JsonValue::of).orElse(JsonValue.Literal.NULL));
    json.put("options", texts(input.options()));
    json.put("requantize", JsonValue.of(input.requantize()));
    json.put("files", texts(input.files()));
    return new Obj(json);
  }

  private static JsonValue flag(Optional<Boolean> value) {
    return value.<JsonValue>map(JsonValue::of).orElse(JsonValue.Literal.NULL);
  }

  private static JsonValue output(SplitPlan.Target output) {
    Map<String, JsonValue> json = new LinkedHashMap<>();
    json.put("path", JsonValue.of(output.path()));
    json.put("overwrite", JsonValue.of(output.overwrite()));
    json.put("hash", JsonValue.of(output.hashing().wire()));
    json.put(ANY_RECIPE, strict(output.recipe(), ANY_RECIPE));
    return new Obj(json);
  }

  private static JsonValue texts(Map<String, String> texts) {
    Map<String, JsonValue> json = new LinkedHashMap<>();
    texts.forEach((key, text) -> json.put(key, JsonValue.of(text)));
    return new Obj(json);
  }

  private static JsonValue unit(Unit unit) {
    Map<String, JsonValue> json = new LinkedHashMap<>();
    json.put("tensors", new Arr(unit.tensors().stream().<JsonValue>map(JsonValue::of).toList()));
    json.put("read", Num.of(unit.read()));
    json.put("written", Num.of(unit.written()));
    Map<String, JsonValue> ranges = new LinkedHashMap<>();
    unit.ranges()
        .forEach(
            (file, runs) -> {
              List<JsonValue> numbers = new ArrayList<>();
              runs.forEach(
                  run -> {
                    numbers.add(Num.of(run.offset()));
                    numbers.add(Num.of(run.length()));
                  });
              ranges.put(file, new Arr(numbers));
            });
    json.put("ranges", new Obj(ranges));
    Map<String, JsonValue> hashes = new LinkedHashMap<>();
    unit.hashes()
        .forEach(
            (file, run) ->
                hashes.put(file, new Arr(List.of(Num.of(run.first()), Num.of(run.count())))));
    json.put("hashes", new Obj(hashes));
    return new Obj(json);
  }

  /**
   * {@return the id of a plan: plans with equal values have equal ids, whatever the folder of the
   * output}
   *
   * @param plan a plan
   */
  public static String id(SplitPlan plan) {
    String text = write(plan.withTarget(Path.of(plan.name())));
    return Sha256.of(text.getBytes(StandardCharsets.UTF_8)).substring(0, 16);
  }

  /**
   * Reads a plan.
   *
   * @param json what {@link #write} wrote
   * @param name the file, for messages
   * @return the plan
   * @throws ConfigurationException if it is not a plan of this version
   */
  public static SplitPlan parse(String json, String name) {
    try {
      return new Reader(new JsonFields.Fault(name, "a plan of units")).plan(strict(json, name));
    } catch (ModelFormatException | IllegalArgumentException | ArithmeticException e) {
      throw new ConfigurationException(
          name + ": is no plan of this version: " + e.getMessage() + " Plan again", e);
    }
  }

  private static JsonValue strict(String json, String name) {
    return StrictJson.parse(
        ByteBuffer.wrap(json.getBytes(StandardCharsets.UTF_8)), JsonDialect.own(name, "the plan"));
  }

  private record Reader(JsonFields.Fault fault) {

    SplitPlan plan(JsonValue json) {
      JsonFields all =
          fields("the plan", json, "split", "input", "output", "identity", "files", "units");
      if (all.number("split") != VERSION) {
        throw fault.of("split", "has version " + all.number("split") + ", not " + VERSION);
      }
      SortedMap<String, Long> files = new TreeMap<>();
      members("files", all.get("files"))
          .forEach((file, bytes) -> files.put(file, all.number("files", bytes)));
      List<Unit> units = new ArrayList<>();
      for (JsonValue unit : items("units", all.get("units"))) {
        units.add(unit("unit " + units.size(), unit));
      }
      return new SplitPlan(
          input(all.get("input")),
          output(all.get("output")),
          new TreeMap<>(all.texts("identity")),
          files,
          units);
    }

    private JsonFields fields(String where, JsonValue json, String... names) {
      return new JsonFields(fault, where, json, Set.of(names));
    }

    private Map<String, JsonValue> members(String where, JsonValue json) {
      if (json instanceof Obj object) {
        return object.members();
      }
      throw fault.of(where, "is " + json.kind() + ", not an object");
    }

    private List<JsonValue> items(String where, JsonValue json) {
      if (json instanceof Arr array) {
        return array.items();
      }
      throw fault.of(where, "is " + json.kind() + ", not an array");
    }

    private SplitPlan.Input input(JsonValue json) {
      JsonFields input =
          fields(
              "input",
              json,
              "path",
              "entry",
              "strip_prefixes",
              "fold",
              "format",
              "options",
              "requantize",
              "files");
      return new SplitPlan.Input(
          input.text("path"),
          new ReadChoices(
              input.text("entry"), choice(input, "strip_prefixes"), choice(input, "fold")),
          isNull(input, "format") ? Optional.empty() : Optional.of(input.text("format")),
          new TreeMap<>(input.texts("options")),
          input.flag("requantize"),
          new TreeMap<>(input.texts("files")));
    }

    private static boolean isNull(JsonFields fields, String key) {
      return fields.get(key) == JsonValue.Literal.NULL;
    }

    private static Optional<Boolean> choice(JsonFields fields, String key) {
      return isNull(fields, key) ? Optional.empty() : Optional.of(fields.flag(key));
    }

    private SplitPlan.Target output(JsonValue json) {
      JsonFields output = fields("output", json, "path", "overwrite", "hash", ANY_RECIPE);
      return new SplitPlan.Target(
          output.text("path"),
          output.flag("overwrite"),
          Hashing.parse(output.text("hash")),
          JsonText.compact(output.get(ANY_RECIPE)));
    }

    private Unit unit(String where, JsonValue json) {
      JsonFields unit = fields(where, json, "tensors", "read", "written", "ranges", "hashes");
      List<String> tensors = new ArrayList<>();
      for (JsonValue name : items(where, unit.get("tensors"))) {
        if (!(name instanceof JsonValue.Str text)) {
          throw fault.of(where, "the name of a tensor is " + name.kind());
        }
        tensors.add(text.value());
      }
      SortedMap<String, List<Range>> ranges = new TreeMap<>();
      for (Map.Entry<String, JsonValue> file : members(where, unit.get("ranges")).entrySet()) {
        List<Range> runs = new ArrayList<>();
        for (long[] pair : pairs(unit, file.getValue())) {
          runs.add(new Range(pair[0], pair[1]));
        }
        ranges.put(file.getKey(), List.copyOf(runs));
      }
      SortedMap<String, Pieces> hashes = new TreeMap<>();
      for (Map.Entry<String, JsonValue> file : members(where, unit.get("hashes")).entrySet()) {
        List<long[]> pairs = pairs(unit, file.getValue());
        if (pairs.size() != 1) {
          throw fault.of(where, "the pieces of an input are two numbers");
        }
        hashes.put(file.getKey(), new Pieces(pairs.get(0)[0], pairs.get(0)[1]));
      }
      return new Unit(tensors, unit.number("read"), unit.number("written"), ranges, hashes);
    }

    private List<long[]> pairs(JsonFields unit, JsonValue json) {
      List<JsonValue> numbers = items(unit.where(), json);
      if (numbers.size() % 2 != 0) {
        throw fault.of(unit.where(), "ranges are pairs of numbers");
      }
      List<long[]> pairs = new ArrayList<>();
      for (int i = 0; i < numbers.size(); i += 2) {
        pairs.add(
            new long[] {
              unit.number("ranges", numbers.get(i)), unit.number("ranges", numbers.get(i + 1))
            });
      }
      return pairs;
    }
  }
}
