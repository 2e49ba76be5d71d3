package dev.monoquant.io.compressedtensors;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.json.JsonDialect;
import dev.monoquant.files.json.JsonText;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.json.StrictJson;
import dev.monoquant.files.model.ModelConfig;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.SideFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Writes {@code config.json} from that of the source. */
final class ConfigWriter {

  private ConfigWriter() {}

  /** {@return the bytes of config.json; empty if the source has none and nothing is quantized} */
  static Optional<byte[]> write(ModelSource source, OutputContents contents, DirectoryFormat format)
      throws IOException {
    List<EncodedWeight> weights = contents.weights();
    Optional<SideFile> side =
        source.info().sideFiles().stream()
            .filter(s -> s.name().equals(ModelConfig.FILE))
            .findFirst();
    Map<String, JsonValue> config = new LinkedHashMap<>();
    if (side.isPresent()) {
      config.putAll(
          object(ModelConfig.parse(side.get(), ReadLimits.DEFAULT), side.get().path().toString())
              .members());
    } else if (weights.isEmpty()) {
      return Optional.empty();
    }
    boolean stale = FormerQuantization.remove(config);
    if (stale) {
      FormerQuantization.setType(config, contents);
    }
    if (weights.isEmpty() && !stale) {
      return Optional.of(Files.readAllBytes(side.orElseThrow().path()));
    }
    if (!weights.isEmpty()) {
      boolean tied = config.get("tie_word_embeddings") != JsonValue.Literal.FALSE;
      Set<String> heads = tied ? TiedHeads.of(contents.layers(), modelType(config)) : Set.of();
      LoaderNames names = LoaderNames.of(new ModelConfig(new JsonValue.Obj(config)));
      config.put(
          ModelConfig.QUANTIZATION, format.config(new DirectoryContents(contents, heads, names)));
    }
    return Optional.of(JsonText.pretty(new JsonValue.Obj(config)).getBytes(StandardCharsets.UTF_8));
  }

  private static String modelType(Map<String, JsonValue> config) {
    return config.get("model_type") instanceof JsonValue.Str type ? type.value() : "";
  }

  /**
   * {@return config.json as an object}
   *
   * @param bytes its bytes
   * @param file its name for messages
   * @throws ModelFormatException if it is not an object, or not strict JSON
   */
  static JsonValue.Obj parse(byte[] bytes, String file) {
    JsonDialect dialect =
        new JsonDialect(
            file,
            "the configuration",
            Reason.HEADER_JSON,
            Reason.HEADER_JSON,
            ReadLimits.DEFAULT.maxDepth(),
            true,
            ReadLimits.DEFAULT.maxParsedBytes());
    return object(StrictJson.parse(ByteBuffer.wrap(bytes), dialect), file);
  }

  private static JsonValue.Obj object(JsonValue json, String file) {
    if (json instanceof JsonValue.Obj object) {
      return object;
    }
    throw new ModelFormatException(
        Reason.METADATA, file, "", "is " + json.kind() + ", not an object. Fetch it again.");
  }

  /** {@return the {@code quantization_config} of compressed-tensors} */
  static JsonValue.Obj quantization(DirectoryContents directory) {
    OutputContents contents = directory.contents();
    List<ModuleWeight> weights = contents.weights().stream().map(ModuleWeight::of).toList();
    Set<String> heads = directory.heads();
    LoaderNames names = directory.names();
    List<ModuleWeight> linears = weights.stream().filter(w -> !w.isTable()).toList();
    Map<ConfigGroup, String> ways = new HashMap<>();
    boolean alike = linears.stream().map(linear -> way(linear, ways)).distinct().count() == 1;
    Map<String, List<ModuleWeight>> groups = new TreeMap<>();
    for (ModuleWeight weight : linears) {
      String key = alike ? "" : way(weight, ways) + isExpert(weight);
      groups.computeIfAbsent(key, k -> new ArrayList<>()).add(weight);
    }
    Map<String, List<ModuleWeight>> tables = new TreeMap<>();
    weights.stream()
        .filter(ModuleWeight::isTable)
        .forEach(
            table -> tables.computeIfAbsent(way(table, ways), k -> new ArrayList<>()).add(table));
    Map<String, JsonValue> configGroups = new LinkedHashMap<>();
    for (List<ModuleWeight> group :
        Stream.concat(groups.values().stream(), tables.values().stream()).toList()) {
      String name = "group_" + configGroups.size();
      boolean all = alike && !group.get(0).isTable();
      List<String> targets = all ? List.of("Linear") : targets(group, weights, names);
      ModuleWeight first = group.get(0);
      configGroups.put(name, first.group(name, targets).json());
    }
    List<String> ignore = ignored(contents.kept(), weights, heads, names);
    List<Form> forms = weights.stream().map(ModuleWeight::form).distinct().toList();
    String format = forms.size() == 1 ? forms.get(0).wire() : ConfigGroup.MIXED;
    Map<String, JsonValue> json = new TreeMap<>();
    json.put("quant_method", JsonValue.of(ConfigGroup.METHOD));
    json.put("format", JsonValue.of(format));
    json.put("quantization_status", JsonValue.of("compressed"));
    json.put("ignore", new JsonValue.Arr(ignore.stream().map(JsonValue::of).toList()));
    json.put("config_groups", new JsonValue.Obj(configGroups));
    contents
        .kvCache()
        .ifPresent(
            cache ->
                json.put("kv_cache_scheme", ActivationArguments.json(cache, Optional.empty())));
    return new JsonValue.Obj(json);
  }

  /**
   * The text that weights of one group share; groups are sorted by it.
   *
   * @param ways the texts so far: many weights have few
   */
  private static String way(ModuleWeight weight, Map<ConfigGroup, String> ways) {
    return ways.computeIfAbsent(weight.group("", List.of()), ConfigWriter::way);
  }

  private static String way(ConfigGroup group) {
    return JsonText.compact(group.arguments())
        + group.form().wire()
        + group.inputs().map(JsonText::compact).orElse("");
  }

  private static boolean isExpert(ModuleWeight weight) {
    return FusedLayers.mixture(weight.module()).isPresent();
  }

  /**
   * The targets of a group. Tables are named, as loaders have others that are in no file. Experts
   * have a separate group, which transformers finds by a regex that contains "experts"; so no regex
   * of another group, which may hold shared_experts, contains it. The names of experts are left
   * out: there are thousands, and no loader has such modules.
   */
  private static List<String> targets(
      List<ModuleWeight> group, List<ModuleWeight> weights, LoaderNames names) {
    Set<String> own = group.stream().map(ModuleWeight::module).collect(Collectors.toSet());
    List<String> targets =
        names.selecting(
            own.stream().sorted(JsonText.BY_CODE_POINT).toList(),
            weights.stream().map(ModuleWeight::module).filter(m -> !own.contains(m)).toList());
    return isExpert(group.get(0))
        ? targets.stream().filter(t -> t.startsWith(ModulePatterns.REGEX)).toList()
        : targets.stream()
            .map(t -> t.startsWith(ModulePatterns.REGEX) ? t.replace("experts", "[e]xperts") : t)
            .toList();
  }

  /**
   * A loader treats every Linear not listed as quantized, so each matrix left unquantized is
   * listed, whatever its layer kind.
   */
  private static List<String> ignored(
      List<TensorInfo> kept, List<ModuleWeight> weights, Set<String> heads, LoaderNames names) {
    Set<String> ignored = new LinkedHashSet<>();
    kept.forEach(tensor -> MatrixModule.of(tensor).ifPresent(ignored::add));
    ignored.addAll(heads);
    List<String> packed = weights.stream().map(ModuleWeight::module).toList();
    packed.forEach(ignored::remove);
    List<String> entries = new ArrayList<>(names.selecting(ignored, packed));
    kept.stream()
        .flatMap(tensor -> JoinedExperts.mixture(tensor).stream())
        .map(mixture -> expertsOf(mixture, packed))
        .distinct()
        .forEach(entries::add);
    return entries;
  }

  /**
   * The pattern for the experts of a mixture in one tensor: vLLM looks up each by its number,
   * transformers looks up none. The number of the layer is left open unless that selects other
   * modules.
   */
  private static String expertsOf(String mixture, List<String> packed) {
    List<String> parts = List.of(mixture.split("\\.", -1));
    int number = parts.size() - 1;
    while (number >= 0 && !parts.get(number).chars().allMatch(Character::isDigit)) {
      number--;
    }
    String local = String.join(".", parts.subList(number + 1, parts.size()));
    boolean alone = packed.stream().noneMatch(m -> m.contains("." + local + "."));
    String regex =
        number < 0 || !alone
            ? ModulePatterns.regex(mixture)
            : "\\d+\\." + ModulePatterns.regex(local);
    return ModulePatterns.REGEX + "(.*\\.)?" + regex + "\\..*";
  }
}
