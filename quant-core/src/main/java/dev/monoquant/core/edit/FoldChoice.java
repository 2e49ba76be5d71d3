package dev.monoquant.core.edit;

import dev.monoquant.ConfigurationException;
import dev.monoquant.PluginException;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.model.ModelConfig;
import dev.monoquant.model.ElementType;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ScaleFold;
import dev.monoquant.spi.ScaleFold.Side;
import dev.monoquant.spi.ScaleFolds;
import dev.monoquant.spi.ScaleMapping;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * Chooses the mapping of a model, by the class in its config.json or else by its names, and leaves
 * out folds that would change the model.
 */
final class FoldChoice {

  private FoldChoice() {}

  static ScaleFolds of(Settings settings, ModelInfo model) throws IOException {
    ScaleMapping mapping = mapping(settings, model);
    ScaleFolds all;
    try {
      all = mapping.folds(model);
    } catch (RuntimeException e) {
      throw new PluginException(
          "scale mapping " + mapping.id() + " failed on " + model.name() + ": " + e, e);
    }
    requireLawful(mapping, model, all);
    Map<String, String> left = new LinkedHashMap<>(all.left());
    List<ScaleFold> folds = new ArrayList<>();
    for (ScaleFold fold : all.folds()) {
      String reason = refusal(model, fold);
      if (reason.isEmpty()) {
        folds.add(fold);
      } else {
        fold.multiplied().forEach(side -> left.put(side.tensor().name(), reason));
      }
    }
    return new ScaleFolds(folds, left);
  }

  private static ScaleMapping mapping(Settings settings, ModelInfo model) throws IOException {
    List<ScaleMapping> mappings = settings.plugins().scaleMappings();
    Set<String> classes = classes(settings, model);
    List<ScaleMapping> found =
        mappings.stream()
            .filter(
                m ->
                    classes.isEmpty()
                        ? m.recognises(model)
                        : m.models().stream().anyMatch(classes::contains))
            .toList();
    if (found.size() == 1) {
      return found.get(0);
    }
    Set<String> known = new TreeSet<>();
    mappings.forEach(m -> known.addAll(m.models()));
    String ids = String.join(", ", found.stream().map(ScaleMapping::id).toList());
    throw new ConfigurationException(
        model.name()
            + ": edit: "
            + (found.isEmpty()
                ? classes.isEmpty()
                    ? "its names do not tell which norms can be divided. Give the directory with its"
                        + " config.json"
                    : "no scale mapping knows the architecture "
                        + String.join(", ", classes)
                        + ". Known are "
                        + String.join(", ", known)
                        + "; a plugin can add it"
                : "several scale mappings know it: "
                    + ids
                    + ". Remove the jar of all but one of them")
            + ", or leave the edit out");
  }

  private static Set<String> classes(Settings settings, ModelInfo model) throws IOException {
    Set<String> classes = new LinkedHashSet<>();
    JsonValue value =
        ModelConfig.of(model.sideFiles(), settings.limits()).root().members().get("architectures");
    if (value instanceof JsonValue.Arr array) {
      for (JsonValue item : array.items()) {
        if (item instanceof JsonValue.Str text) {
          classes.add(text.value());
        }
      }
    }
    return classes;
  }

  /** Each tensor is there, is multiplied at most once, and divided at most once. */
  private static void requireLawful(ScaleMapping mapping, ModelInfo model, ScaleFolds all) {
    Set<Object> there = new HashSet<>(model.tensors());
    Set<String> divided = new HashSet<>();
    Set<String> multiplied = new HashSet<>();
    for (ScaleFold fold : all.folds()) {
      for (Side side : fold.divided()) {
        if (!there.contains(side.tensor()) || !divided.add(side.tensor().name())) {
          throw broken(mapping, side, "divides");
        }
      }
      for (Side side : fold.multiplied()) {
        if (!there.contains(side.tensor()) || !multiplied.add(side.tensor().name())) {
          throw broken(mapping, side, "multiplies");
        }
      }
    }
  }

  private static PluginException broken(ScaleMapping mapping, Side side, String does) {
    return new PluginException(
        "scale mapping "
            + mapping.id()
            + " "
            + does
            + " tensor "
            + side.tensor().name()
            + " twice, or the model has no such tensor");
  }

  private static String refusal(ModelInfo model, ScaleFold fold) {
    for (Side side : Stream.concat(fold.divided().stream(), fold.multiplied().stream()).toList()) {
      String name = side.tensor().name();
      ElementType type = side.tensor().type();
      if (model.ties().containsKey(name) || model.ties().containsValue(name)) {
        return name + " is the same tensor as another one";
      }
      if (!type.isQuantizable() || type == ElementType.FLOAT64) {
        return name + " is of type " + type.wire() + "; F32, F16 and BF16 can be scaled";
      }
    }
    return "";
  }
}
