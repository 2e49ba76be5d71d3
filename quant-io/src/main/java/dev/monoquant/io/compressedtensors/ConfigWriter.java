package dev.monoquant.io.compressedtensors;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.json.JsonFiles;
import dev.monoquant.files.json.JsonText;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.SideFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** Makes {@code config.json} from the one of the source. */
final class ConfigWriter {

  static final String QUANTIZATION = "quantization_config";
  static final String OLD_QUANTIZATION = "compression_config";
  static final String METHOD = "compressed-tensors";
  static final String PACK = "pack-quantized";

  private ConfigWriter() {}

  /**
   * {@return the bytes of config.json, or empty if the output has none: there was none, and nothing
   * is quantized}
   */
  static Optional<byte[]> write(ModelSource source, List<Layer> layers, List<PackedWeight> weights)
      throws IOException {
    Optional<SideFile> side =
        source.info().sideFiles().stream()
            .filter(s -> s.name().equals(DirectoryPlan.CONFIG))
            .findFirst();
    Map<String, JsonValue> config = new LinkedHashMap<>();
    if (side.isPresent()) {
      config.putAll(read(side.get()).members());
    } else if (weights.isEmpty()) {
      return Optional.empty();
    }
    boolean stale = config.remove(QUANTIZATION) != null;
    stale |= config.remove(OLD_QUANTIZATION) != null;
    if (weights.isEmpty() && !stale) {
      return Optional.of(Files.readAllBytes(side.orElseThrow().path()));
    }
    if (!weights.isEmpty()) {
      boolean tied = config.get("tie_word_embeddings") != JsonValue.Literal.FALSE;
      Set<String> heads = tied ? TiedHeads.of(layers, modelType(config)) : Set.of();
      config.put(QUANTIZATION, quantization(layers, weights, heads));
    }
    return Optional.of(JsonText.pretty(new JsonValue.Obj(config)).getBytes(StandardCharsets.UTF_8));
  }

  private static String modelType(Map<String, JsonValue> config) {
    return config.get("model_type") instanceof JsonValue.Str type ? type.value() : "";
  }

  private static JsonValue.Obj read(SideFile side) throws IOException {
    String file = side.path().toString();
    JsonValue json =
        JsonFiles.read(
            side.path(), file, "the configuration", Reason.HEADER_JSON, true, ReadLimits.DEFAULT);
    if (json instanceof JsonValue.Obj object) {
      return object;
    }
    throw new ModelFormatException(
        Reason.METADATA, file, "", "is " + json.kind() + ", not an object. Fetch it again.");
  }

  private static JsonValue quantization(
      List<Layer> layers, List<PackedWeight> weights, Set<String> heads) {
    Map<String, List<PackedWeight>> groups = new TreeMap<>();
    for (PackedWeight weight : weights) {
      String key = JsonText.compact(arguments(weight));
      groups.computeIfAbsent(key, k -> new ArrayList<>()).add(weight);
    }
    Map<String, JsonValue> configGroups = new LinkedHashMap<>();
    for (List<PackedWeight> group : groups.values()) {
      List<JsonValue> targets =
          groups.size() == 1
              ? List.of(JsonValue.of("Linear"))
              : group.stream()
                  .map(PackedWeight::module)
                  .sorted(JsonText.BY_CODE_POINT)
                  .map(JsonValue::of)
                  .toList();
      configGroups.put(
          "group_" + configGroups.size(),
          new JsonValue.Obj(
              Map.of(
                  "targets", new JsonValue.Arr(targets),
                  "format", JsonValue.of(PACK),
                  "weights", arguments(group.get(0)))));
    }
    List<JsonValue> ignore = ignored(layers, weights, heads).stream().map(JsonValue::of).toList();
    return new JsonValue.Obj(
        Map.of(
            "quant_method", JsonValue.of(METHOD),
            "format", JsonValue.of(PACK),
            "quantization_status", JsonValue.of("compressed"),
            "ignore", new JsonValue.Arr(ignore),
            "config_groups", new JsonValue.Obj(configGroups)));
  }

  /** Fields left out have the default or null: a reader refuses a field it does not know. */
  private static JsonValue.Obj arguments(PackedWeight weight) {
    Map<String, JsonValue> json = new TreeMap<>();
    json.put("num_bits", JsonValue.Num.of(weight.bits()));
    json.put("type", JsonValue.of("int"));
    json.put("symmetric", JsonValue.of(weight.symmetric()));
    json.put("strategy", JsonValue.of(weight.strategy().wire()));
    json.put("dynamic", JsonValue.of(false));
    if (weight.strategy() instanceof Strategy.Group group) {
      json.put("group_size", JsonValue.Num.of(group.size()));
    }
    return new JsonValue.Obj(json);
  }

  /**
   * A loader takes every other Linear for quantized, so each one in float is named, and each layer
   * that could be one.
   */
  private static Set<String> ignored(
      List<Layer> layers, List<PackedWeight> weights, Set<String> heads) {
    Set<String> ignored = new LinkedHashSet<>();
    for (Layer layer : layers) {
      LayerKind kind = layer.kind();
      boolean linear =
          kind.equals(LayerKind.LINEAR)
              || kind.equals(LayerKind.ROUTER)
              || (kind.equals(LayerKind.UNKNOWN) && isMatrix(layer.tensor("weight")));
      if (linear && !layer.name().isEmpty()) {
        ignored.add(layer.name());
      }
    }
    ignored.addAll(heads);
    weights.forEach(w -> ignored.remove(w.module()));
    return ignored;
  }

  private static boolean isMatrix(Optional<TensorInfo> weight) {
    return weight.isPresent() && weight.get().shape().rank() == 2;
  }
}
