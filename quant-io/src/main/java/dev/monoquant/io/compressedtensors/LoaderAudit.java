package dev.monoquant.io.compressedtensors;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.Problem;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.model.ModelConfig;
import dev.monoquant.model.Family;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Finds the errors that a loader would make with a directory, given its {@code quantization_config}
 * and the loader's own modules:
 *
 * <ul>
 *   <li>a packed weight that it treats as float, or decodes by another group;
 *   <li>a float matrix that it treats as packed, and initialises with random numbers;
 *   <li>layers that it merges, packed in different ways;
 *   <li>tensors with the name of a part, but no quantized weight;
 *   <li>a second quantization configuration, inside the first or of a part of the model.
 * </ul>
 *
 * <p>Modules are looked up by their names in the file, by these names with the prefix that loaders
 * add for vision-language models, and by the names of {@link LoaderNames}. Every matrix counts as a
 * Linear, since files hold no classes.
 *
 * <p>What this does not do: it reads no numbers, and it ignores modules of a loader that are in no
 * file. The plan, not this audit, decides whether some of several merged layers may be left
 * unquantized.
 */
final class LoaderAudit {

  private static final String PREFIX = "model.";

  /** Names of the parts of quantized weights in loaders of compressed-tensors. */
  private static final Set<String> PARTS =
      Set.of(
          "weight_packed",
          "weight_scale",
          "weight_shape",
          "weight_zero_point",
          "weight_global_scale",
          "weight_g_idx");

  private final String file;
  private final GroupMatcher groups;
  private final ModuleMatcher ignore;
  private final LoaderNames inLoader;
  private final Map<String, List<String>> faults = new LinkedHashMap<>();

  private LoaderAudit(JsonValue.Obj quantization, JsonValue.Obj config, String file) {
    this.file = file;
    this.groups = new GroupMatcher(ConfigGroup.read(quantization, file), file);
    this.ignore = new ModuleMatcher(ignored(quantization), file);
    this.inLoader = LoaderNames.of(new ModelConfig(config));
  }

  /**
   * {@return the errors that a loader would make, empty if none}
   *
   * @param config the root of config.json
   * @param weights the quantized weights in the directory
   * @param kept the other tensors in it
   * @param file the configuration, for messages
   * @throws dev.monoquant.ModelFormatException if the configuration is not one of
   *     compressed-tensors
   */
  static List<Problem> faults(
      JsonValue.Obj config, List<EncodedWeight> weights, List<TensorInfo> kept, String file) {
    Optional<JsonValue.Obj> quantization =
        ModelConfig.ownQuantization(config)
            .or(() -> ModelConfig.quantization(config).filter(LoaderAudit::isOurs));
    LoaderAudit audit = new LoaderAudit(quantization.orElse(NONE), config, file);
    audit.onlyOne(config);
    Set<String> names = new HashSet<>();
    weights.forEach(w -> names.add(w.matrix().layer()));
    kept.forEach(t -> MatrixModule.of(t).ifPresent(names::add));
    weights.forEach(w -> audit.packed(ModuleWeight.of(w), names));
    Set<String> floats = new LinkedHashSet<>();
    kept.forEach(t -> MatrixModule.of(t).ifPresent(floats::add));
    floats.forEach(module -> audit.kept(module, names));
    kept.forEach(audit::part);
    audit.families(weights, kept);
    return audit.problems();
  }

  private static boolean isOurs(JsonValue.Obj quantization) {
    return quantization.text("quant_method").filter(ConfigGroup.METHOD::equals).isPresent();
  }

  /** A configuration that quantizes nothing. */
  private static final JsonValue.Obj NONE =
      new JsonValue.Obj(
          Map.of(
              "quant_method",
              JsonValue.of(ConfigGroup.METHOD),
              "config_groups",
              new JsonValue.Obj(Map.of())));

  private static List<String> ignored(JsonValue.Obj quantization) {
    return quantization.find("ignore").orElse(null) instanceof JsonValue.Arr array
        ? array.items().stream()
            .filter(JsonValue.Str.class::isInstance)
            .map(item -> ((JsonValue.Str) item).value())
            .toList()
        : List.of();
  }

  private boolean ignores(String module) {
    return ignore.names(module) || ignore.matches(module);
  }

  /**
   * The names that loaders may look up: that in the file, those in loaders, and each with the
   * prefix.
   */
  private List<String> asked(String module, Set<String> names) {
    List<String> asked = new ArrayList<>(List.of(module));
    inLoader.of(module).stream().filter(name -> !names.contains(name)).forEach(asked::add);
    for (String name : List.copyOf(asked)) {
      if (!names.contains(PREFIX + name)) {
        asked.add(PREFIX + name);
      }
    }
    return asked;
  }

  private void packed(ModuleWeight weight, Set<String> names) {
    for (String name : asked(weight.module(), names)) {
      Optional<ConfigGroup> group = groups.find(name);
      if (ignores(name)) {
        add("is packed, but a loader ignores it", weight.module(), name);
      } else if (group.isEmpty()) {
        add("is packed, but no group selects it", weight.module(), name);
      } else if (group.get().form() != weight.form()
          || !group.get().weights().equals(weight.arguments())
          || !group.get().activations().equals(weight.inputs())) {
        add("is decoded by group " + quote(group.get().name()), weight.module(), name);
      }
    }
  }

  private void kept(String module, Set<String> names) {
    for (String name : asked(module, names)) {
      if (!ignores(name) && groups.find(name).isPresent()) {
        add("is in float, but a loader takes it for packed", module, name);
      }
    }
  }

  private void families(List<EncodedWeight> weights, List<TensorInfo> kept) {
    Map<String, ModuleWeight> packed = new HashMap<>();
    weights.forEach(w -> packed.put(w.matrix().layer(), ModuleWeight.of(w)));
    List<TensorInfo> tensors = new ArrayList<>(kept);
    weights.forEach(w -> tensors.add(w.matrix().tensor()));
    Set<String> told = new HashSet<>();
    for (Family family : FusedLayers.of(tensors)) {
      long ways =
          family.layers().stream()
              .flatMap(layer -> Stream.ofNullable(packed.get(layer)))
              .map(w -> w.form() + " " + w.arguments() + " " + w.weight().activations())
              .distinct()
              .count();
      if (ways > 1 && !told.containsAll(family.layers())) {
        told.addAll(family.layers());
        add("are merged by loaders, and packed in different ways", family.name(), family.name());
      }
    }
  }

  private void part(TensorInfo tensor) {
    int dot = tensor.name().lastIndexOf('.');
    if (PARTS.contains(tensor.name().substring(dot + 1))) {
      add("is a part of a quantized weight, and belongs to none", tensor.name(), tensor.name());
    }
  }

  /** Loaders read one configuration; a part of the model with another one is not decoded. */
  private void onlyOne(JsonValue.Obj config) {
    config
        .members()
        .forEach(
            (key, value) -> {
              if (value instanceof JsonValue.Obj inner && !ModelConfig.isQuantization(key)) {
                nested(key, inner);
              }
            });
  }

  private void nested(String path, JsonValue.Obj object) {
    object
        .members()
        .forEach(
            (key, value) -> {
              String inner = path + "." + key;
              if (value instanceof JsonValue.Obj child) {
                if (ModelConfig.isQuantization(key) && !child.members().isEmpty()) {
                  add("is a second configuration of quantization", inner, inner);
                } else {
                  nested(inner, child);
                }
              }
            });
  }

  private void add(String fault, String subject, String asked) {
    String said =
        asked.equals(subject)
            ? fault
            : asked.endsWith(subject)
                ? fault + ", where it is called " + PREFIX + "NAME"
                : fault + ", where a loader calls it " + quote(asked);
    faults.computeIfAbsent(said, f -> new ArrayList<>()).add(subject);
  }

  private List<Problem> problems() {
    List<Problem> problems = new ArrayList<>();
    faults.forEach(
        (fault, subjects) -> {
          String shown =
              subjects.stream().limit(3).map(s -> quote(s)).collect(Collectors.joining(", "));
          int more = subjects.size() - 3;
          String names = more > 0 ? shown + " and " + more + " more" : shown;
          problems.add(
              Problem.error(
                  file, names + ": " + fault, "Loaders would read it wrongly; make it anew"));
        });
    return problems;
  }
}
