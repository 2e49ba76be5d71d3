package dev.monoquant.files.manifest;

import dev.monoquant.ModelFormatException;
import dev.monoquant.files.json.JsonDialect;
import dev.monoquant.files.json.JsonText;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.json.StrictJson;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.Provenance;
import dev.monoquant.spi.ReadChoices;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * A {@link Provenance} as texts, for the metadata of a file or for a manifest:
 *
 * <pre>
 * monoquant.tool        monoquant 0.1.0
 * monoquant.config      {"scheme":"int8",...}                    the recipe, if there is one
 * monoquant.plugins     {"scheme int8":"CLASS VERSION",...}      if there are any
 * monoquant.schemes     int4@1,int8@1                            the schemes of the weights
 * monoquant.calibration SHA-256                                  if a scheme used a calibration
 * monoquant.edits       {"TENSOR":"divided (awq) by 0.5 to 2"}   if tensors were scaled before
 * monoquant.reading     {"entry":"ema/model","fold":true,...}    if the input left a choice
 * </pre>
 *
 * <p>Does not write the hashes of the inputs. They are a member of the manifest.
 */
public final class ProvenanceText {

  /** The prefix of the keys written here and in manifests. */
  public static final String PREFIX = "monoquant.";

  /** The key of the configuration. */
  public static final String CONFIGURATION = PREFIX + "config";

  private static final String EDITS = PREFIX + "edits";

  private static final String PLUGINS = PREFIX + "plugins";

  private ProvenanceText() {}

  /**
   * {@return the provenance of an output as texts by key; empty if the provenance is unknown}
   *
   * @param contents the contents of the output
   */
  public static SortedMap<String, String> of(OutputContents contents) {
    SortedMap<String, String> texts = new TreeMap<>(JsonText.BY_CODE_POINT);
    contents.provenance().ifPresent(provenance -> add(texts, provenance, contents));
    return texts;
  }

  private static void add(
      Map<String, String> texts, Provenance provenance, OutputContents contents) {
    texts.put(PREFIX + "tool", provenance.tool() + " " + provenance.version());
    texts.put(
        PREFIX + "schemes",
        contents.weights().stream()
            .map(weight -> weight.scheme().toString())
            .distinct()
            .sorted()
            .collect(Collectors.joining(",")));
    if (!provenance.configuration().isEmpty()) {
      texts.put(CONFIGURATION, provenance.configuration());
    }
    if (!provenance.plugins().isEmpty()) {
      texts.put(PLUGINS, JsonText.compact(object(provenance.plugins())));
    }
    provenance.calibration().ifPresent(hash -> texts.put(PREFIX + "calibration", hash));
    if (!provenance.edits().isEmpty()) {
      texts.put(EDITS, JsonText.compact(object(provenance.edits())));
    }
    JsonValue.Obj reading = reading(provenance.reading());
    if (!reading.members().isEmpty()) {
      texts.put(PREFIX + "reading", JsonText.compact(reading));
    }
  }

  private static JsonValue.Obj reading(Provenance.Reading reading) {
    ReadChoices choices = reading.choices();
    Map<String, JsonValue> json = new LinkedHashMap<>();
    if (!choices.entry().isEmpty()) {
      json.put("entry", JsonValue.of(choices.entry()));
    }
    choices.stripPrefixes().ifPresent(strip -> json.put("strip_prefixes", JsonValue.of(strip)));
    choices.fold().ifPresent(fold -> json.put("fold", JsonValue.of(fold)));
    if (!reading.options().texts().isEmpty()) {
      json.put("options", object(reading.options().texts()));
    }
    return new JsonValue.Obj(json);
  }

  private static JsonValue.Obj object(Map<String, String> texts) {
    Map<String, JsonValue> json = new LinkedHashMap<>();
    texts.forEach((key, value) -> json.put(key, JsonValue.of(value)));
    return new JsonValue.Obj(json);
  }

  /**
   * {@return the plugins that made a file, class and version by kind and id; empty if the file does
   * not name them in the form written here} The names come from an untrusted file and are only for
   * messages.
   *
   * @param metadata the metadata of the file
   */
  public static Map<String, String> plugins(Map<String, String> metadata) {
    return texts(metadata, PLUGINS);
  }

  /**
   * {@return how tensors were scaled before they were quantized, by the names of tensors; empty if
   * the file does not say it in the form written here} It comes from an untrusted file and is only
   * for messages.
   *
   * @param metadata the metadata of the file
   */
  public static Map<String, String> edits(Map<String, String> metadata) {
    return texts(metadata, EDITS);
  }

  private static Map<String, String> texts(Map<String, String> metadata, String key) {
    Map<String, String> texts = new TreeMap<>();
    String text = metadata.getOrDefault(key, "{}");
    try {
      JsonValue json =
          StrictJson.parse(
              ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)),
              JsonDialect.own(key, "the metadata"));
      if (json instanceof JsonValue.Obj object) {
        object.members().keySet().forEach(k -> texts.put(k, object.text(k).orElse("")));
      }
      return texts.containsValue("") ? Map.of() : texts;
    } catch (ModelFormatException e) {
      return Map.of();
    }
  }
}
