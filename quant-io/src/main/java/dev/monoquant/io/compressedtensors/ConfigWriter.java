package dev.monoquant.io.compressedtensors;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.io.files.JsonFiles;
import dev.monoquant.io.files.JsonText;
import dev.monoquant.io.files.JsonValue;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.OutputRequest;
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
  private static final String HEAD = "lm_head";

  private ConfigWriter() {}

  /**
   * {@return the bytes of config.json, or empty if the output has none: there was none, and nothing
   * is quantized}
   */
  static Optional<byte[]> write(OutputRequest request, List<PackedWeight> weights)
      throws IOException {
    Optional<SideFile> side =
        request.source().sideFiles().stream()
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
      config.put(QUANTIZATION, quantization(request, weights, tied));
    }
    return Optional.of(JsonText.pretty(new JsonValue.Obj(config)).getBytes(StandardCharsets.UTF_8));
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
      OutputRequest request, List<PackedWeight> weights, boolean tied) {
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
    List<JsonValue> ignore = ignored(request, weights, tied).stream().map(JsonValue::of).toList();
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
   * of unknown kind that could be one. An output head tied to the embedding is no layer of the
   * files, but it is a Linear of the loader's model.
   */
  private static Set<String> ignored(
      OutputRequest request, List<PackedWeight> weights, boolean tied) {
    Set<String> quantized = new LinkedHashSet<>();
    weights.forEach(w -> quantized.add(w.module()));
    Set<String> ignored = new LinkedHashSet<>();
    boolean hasEmbedding = false;
    boolean hasHead = false;
    for (Layer layer : request.layers()) {
      hasEmbedding |= layer.kind().equals(LayerKind.EMBEDDING);
      hasHead |= layer.name().equals(HEAD);
      boolean linear =
          layer.kind().equals(LayerKind.LINEAR)
              || (layer.kind().equals(LayerKind.UNKNOWN) && isMatrix(layer.tensor("weight")));
      if (linear && !layer.name().isEmpty() && !quantized.contains(layer.name())) {
        ignored.add(layer.name());
      }
    }
    if (tied && hasEmbedding && !hasHead && !quantized.contains(HEAD)) {
      ignored.add(HEAD);
    }
    return ignored;
  }

  private static boolean isMatrix(Optional<TensorInfo> weight) {
    return weight.isPresent() && weight.get().shape().rank() == 2;
  }
}
