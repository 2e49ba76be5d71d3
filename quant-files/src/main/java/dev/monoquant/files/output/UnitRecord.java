package dev.monoquant.files.output;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.json.JsonDialect;
import dev.monoquant.files.json.JsonText;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.json.StrictJson;
import dev.monoquant.files.manifest.Manifest;
import dev.monoquant.files.output.Journal.Hashed;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;

/**
 * What a unit of a shared output wrote: a file of JSON, which exists once the unit is complete.
 *
 * <pre>
 * {"plan":ID,"unit":3,
 *  "files":{FILE:{REGION:"START BYTES SHA"}},        the regions that it wrote, by file
 *  "inputs":{INPUT:[FIRST,HASH,HASH,...]},           the pieces of inputs that it hashed
 *  "remarks":{WEIGHT:TEXT}}                          its errors, for the report
 * </pre>
 *
 * @param plan the id of the plan
 * @param unit the number of the unit
 * @param files the regions with their hashes, by file and region
 * @param inputs the hashes of pieces, by input
 * @param remarks texts by weight
 */
record UnitRecord(
    String plan,
    int unit,
    SortedMap<String, SortedMap<String, Hashed>> files,
    SortedMap<String, Pieces> inputs,
    SortedMap<String, String> remarks) {

  /**
   * Hashes of pieces of an input.
   *
   * @param first the first piece
   * @param hashes the hash of each
   */
  record Pieces(long first, List<String> hashes) {}

  byte[] toBytes() {
    Map<String, JsonValue> json = new LinkedHashMap<>();
    json.put("plan", JsonValue.of(plan));
    json.put("unit", JsonValue.Num.of(unit));
    Map<String, JsonValue> regions = Manifest.sorted();
    files.forEach(
        (file, hashed) -> {
          Map<String, JsonValue> texts = Manifest.sorted();
          hashed.forEach((name, region) -> texts.put(name, JsonValue.of(region.text())));
          regions.put(file, new JsonValue.Obj(texts));
        });
    json.put("files", new JsonValue.Obj(regions));
    Map<String, JsonValue> pieces = Manifest.sorted();
    inputs.forEach((name, run) -> pieces.put(name, run(run)));
    json.put("inputs", new JsonValue.Obj(pieces));
    Map<String, JsonValue> texts = Manifest.sorted();
    remarks.forEach((name, text) -> texts.put(name, JsonValue.of(text)));
    json.put("remarks", new JsonValue.Obj(texts));
    return (JsonText.compact(new JsonValue.Obj(json)) + "\n").getBytes(StandardCharsets.UTF_8);
  }

  private static JsonValue run(Pieces run) {
    List<JsonValue> items = new ArrayList<>();
    items.add(JsonValue.Num.of(run.first()));
    run.hashes().forEach(hash -> items.add(JsonValue.of(hash)));
    return new JsonValue.Arr(items);
  }

  /**
   * Reads a record.
   *
   * @param bytes its file
   * @param label the file, for messages
   * @throws ModelFormatException if it is not one
   */
  static UnitRecord parse(byte[] bytes, String label) {
    JsonValue json = StrictJson.parse(ByteBuffer.wrap(bytes), JsonDialect.own(label, "the record"));
    if (!(json instanceof JsonValue.Obj all)) {
      throw fault(label, "it is no object");
    }
    SortedMap<String, SortedMap<String, Hashed>> files = Manifest.sorted();
    for (String file : object(all, "files", label).members().keySet()) {
      SortedMap<String, Hashed> regions = Manifest.sorted();
      Manifest.texts(object(all, "files", label), file, label)
          .forEach((name, text) -> regions.put(name, Hashed.parse(text, label)));
      files.put(file, regions);
    }
    SortedMap<String, Pieces> inputs = Manifest.sorted();
    object(all, "inputs", label)
        .members()
        .forEach((name, run) -> inputs.put(name, pieces(run, label)));
    return new UnitRecord(
        all.text("plan").orElse(""),
        Math.toIntExact(number(all.find("unit").orElse(JsonValue.of("")), label)),
        files,
        inputs,
        Manifest.texts(all, "remarks", label));
  }

  private static Pieces pieces(JsonValue json, String label) {
    if (!(json instanceof JsonValue.Arr array) || array.items().isEmpty()) {
      throw fault(label, "the hashes of an input are no list");
    }
    List<String> hashes =
        array.items().stream()
            .skip(1)
            .map(
                item -> {
                  if (item instanceof JsonValue.Str text) {
                    return text.value();
                  }
                  throw fault(label, "the hash of a piece is no text");
                })
            .toList();
    return new Pieces(number(array.items().get(0), label), hashes);
  }

  private static JsonValue.Obj object(JsonValue.Obj all, String key, String label) {
    if (all.find(key).orElse(null) instanceof JsonValue.Obj object) {
      return object;
    }
    throw fault(label, quote(key) + " is no object");
  }

  private static long number(JsonValue json, String label) {
    if (json instanceof JsonValue.Num number && number.count().isPresent()) {
      return number.count().get();
    }
    throw fault(label, "a number is missing");
  }

  private static ModelFormatException fault(String label, String what) {
    return new ModelFormatException(
        Reason.METADATA, label, "", "is no record of a unit: " + what + ". Run the unit again.");
  }
}
