package dev.monoquant.cli;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.Recipe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/** Reads a recipe: YAML 1.2, of which JSON is a part. Duplicate keys are refused. */
final class RecipeFile {

  private static final long MAX_BYTES = 1 << 20;

  private RecipeFile() {}

  static QuantizationConfig read(Path file) {
    String text;
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw new ConfigurationException(
            "recipe "
                + file
                + " has "
                + Files.size(file)
                + " bytes; at most "
                + MAX_BYTES
                + " are allowed");
      }
      text = Files.readString(file);
    } catch (IOException e) {
      throw new ConfigurationException(
          "recipe " + file + " could not be read: " + e + ". Check the path", e);
    }
    return parse(text, file.toString());
  }

  static QuantizationConfig parse(String text, String name) {
    Object tree;
    try {
      LoadSettings settings =
          LoadSettings.builder().setLabel(name).setAllowDuplicateKeys(false).build();
      tree = new Load(settings).loadFromString(text);
    } catch (YamlEngineException e) {
      String why = String.valueOf(e.getMessage()).replaceAll("\\s*\\n\\s*", " ");
      throw new ConfigurationException("recipe " + name + " is no YAML or JSON: " + why, e);
    }
    if (!(tree instanceof Map<?, ?> map)) {
      throw new ConfigurationException(
          "recipe " + name + " is no map of settings. Example: {scheme: int8, ignore: [lm_head]}");
    }
    Map<String, Object> keyed = new LinkedHashMap<>();
    map.forEach((key, value) -> keyed.put(String.valueOf(key), value));
    return Recipe.parse(keyed, name);
  }
}
