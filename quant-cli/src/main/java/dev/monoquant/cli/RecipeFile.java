package dev.monoquant.cli;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.recipe.Recipe;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/** Reads a recipe in YAML 1.2, which includes JSON. Duplicate keys are refused. */
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
    } catch (CharacterCodingException e) {
      throw new ConfigurationException("recipe " + file + " is no UTF-8 text", e);
    } catch (IOException e) {
      throw new ConfigurationException(
          "recipe " + file + " could not be read: " + why(file, e) + ". Check the path", e);
    }
    return parse(text, file.toString());
  }

  /** The parser's message spans several lines and draws the position. */
  private static String why(YamlEngineException e) {
    if (e instanceof MarkedYamlEngineException marked && marked.getProblemMark().isPresent()) {
      Mark mark = marked.getProblemMark().get();
      return String.format(
          "line %d, column %d: %s", mark.getLine() + 1, mark.getColumn() + 1, marked.getProblem());
    }
    return String.valueOf(e.getMessage());
  }

  private static String why(Path file, IOException e) {
    if (e instanceof NoSuchFileException) {
      return "no such file";
    }
    return Files.isDirectory(file) ? "it is a directory" : String.valueOf(e.getMessage());
  }

  static QuantizationConfig parse(String text, String name) {
    Object tree;
    try {
      LoadSettings settings =
          LoadSettings.builder().setLabel(name).setAllowDuplicateKeys(false).build();
      tree = new Load(settings).loadFromString(text);
    } catch (YamlEngineException e) {
      throw new ConfigurationException("recipe " + name + " is no YAML or JSON: " + why(e), e);
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
