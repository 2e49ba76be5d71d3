package dev.monoquant.cli;

import dev.monoquant.ConfigurationException;
import dev.monoquant.core.recipe.Recipe;
import dev.monoquant.core.recipe.RunRecipe;
import dev.monoquant.spi.Plugins;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalInt;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.constructor.StandardConstructor;
import org.snakeyaml.engine.v2.events.CollectionEndEvent;
import org.snakeyaml.engine.v2.events.CollectionStartEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.ScalarEvent;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.parser.Parser;
import org.snakeyaml.engine.v2.parser.ParserImpl;
import org.snakeyaml.engine.v2.scanner.StreamReader;

/**
 * Reads a recipe: strict JSON if its name ends in .json, such as the config.json of a model, else
 * YAML 1.2. Duplicate keys are refused.
 */
final class RecipeFile {

  private static final long MAX_BYTES = 1 << 20;
  private static final int MAX_DEPTH = 64;
  private static final int MAX_DIGITS = 64;

  private RecipeFile() {}

  /** Reads a recipe, with the calibration as a path from the working directory. */
  static RunRecipe read(Path file, Plugins plugins) {
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
    RunRecipe recipe = parse(text, file.toString(), plugins);
    Path folder = file.getParent();
    return folder == null ? recipe : recipe.in(folder);
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

  static RunRecipe parse(String text, String name, Plugins plugins) {
    if (name.endsWith(".json")) {
      return Recipe.parseRunJson(text, name, plugins);
    }
    LoadSettings settings =
        LoadSettings.builder().setLabel(name).setAllowDuplicateKeys(false).build();
    Object tree;
    Keys keys = new Keys(settings);
    try {
      requireSmall(text, name, settings);
      tree = new Load(settings, keys).loadFromString(text);
    } catch (YamlEngineException e) {
      throw new ConfigurationException("recipe " + name + " is no YAML or JSON: " + why(e), e);
    }
    if (!(tree instanceof Map<?, ?> map)) {
      throw new ConfigurationException(
          "recipe " + name + " is no map of settings. Example: {scheme: int8, ignore: [lm_head]}");
    }
    Map<String, Object> keyed = new LinkedHashMap<>();
    map.forEach((key, value) -> keyed.put(String.valueOf(key), value));
    return Recipe.parseRun(
        keyed, name, (of, key) -> keys.line(of == keyed ? map : of, key), plugins);
  }

  /** Checks the parser's events one by one; building the values is recursive and uses the stack. */
  private static void requireSmall(String text, String name, LoadSettings settings) {
    int depth = 0;
    // The module of the library does not export its own way to events, Parse.
    Parser parser = new ParserImpl(settings, new StreamReader(settings, text));
    while (parser.hasNext()) {
      Event event = parser.next();
      if (event instanceof CollectionStartEvent) {
        depth++;
      } else if (event instanceof CollectionEndEvent) {
        depth--;
      }
      if (depth > MAX_DEPTH) {
        throw refusal(name, event, "nests deeper than " + MAX_DEPTH);
      }
      if (event instanceof ScalarEvent scalar
          && scalar.isPlain()
          && scalar.getValue().length() > MAX_DIGITS
          && scalar.getValue().matches("[-+.0-9eE_]+")) {
        throw refusal(
            name,
            event,
            "a number of "
                + scalar.getValue().length()
                + " characters; at most "
                + MAX_DIGITS
                + " are allowed");
      }
    }
  }

  private static ConfigurationException refusal(String name, Event event, String what) {
    String line = event.getStartMark().map(mark -> ":" + (mark.getLine() + 1)).orElse("");
    return new ConfigurationException("recipe " + name + line + ": " + what);
  }

  /** Builds the values and records the lines of keys. */
  private static final class Keys extends StandardConstructor {

    private final IdentityHashMap<Map<?, ?>, Map<Object, Integer>> lines = new IdentityHashMap<>();

    Keys(LoadSettings settings) {
      super(settings);
    }

    @Override
    protected void constructMapping2ndStep(MappingNode node, Map<Object, Object> mapping) {
      super.constructMapping2ndStep(node, mapping);
      Map<Object, Integer> own = new HashMap<>();
      for (NodeTuple pair : node.getValue()) {
        if (pair.getKeyNode() instanceof ScalarNode key) {
          key.getStartMark().ifPresent(mark -> own.put(key.getValue(), mark.getLine() + 1));
        }
      }
      lines.put(mapping, own);
    }

    OptionalInt line(Map<?, ?> map, String key) {
      Integer line = lines.getOrDefault(map, Map.of()).get(key);
      return line == null ? OptionalInt.empty() : OptionalInt.of(line);
    }
  }
}
