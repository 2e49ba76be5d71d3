package dev.monoquant.io.compressedtensors;

import dev.monoquant.model.Layer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Builds entries of {@code ignore} and {@code targets} that select only the given modules of a
 * file, also if a loader adds prefixes to their names.
 *
 * <p>A loader matches names of its own modules, and puts other prefixes before them than the file
 * has: {@code visual.blocks.0.attn.qkv} of a file is {@code model.visual.blocks.0.attn.qkv} in
 * transformers, {@code model.layers.0.mlp.up_proj} is {@code
 * model.language_model.layers.0.mlp.up_proj}, {@code language_model.lm_head} is {@code lm_head}. So
 * each module has up to three entries:
 *
 * <pre>
 * model.layers.0.mlp.up_proj                                       the name in the file
 * re:(.*\.)?model\.layers\.\d+\.mlp\.up_proj$                      the name behind any prefix
 * re:(?:(?:model|language_model|...)\.)*layers\.\d+\.mlp\.up_proj$ behind any of those that wrap
 * </pre>
 *
 * <p>Names that differ only in numbers share a pattern if it selects none of the other modules;
 * else each has its own pattern. A pattern that would still select another module is left out. Time
 * and memory are linear in the sum of the lengths of the names.
 *
 * <p>What this does not do: {@link LoaderNames} handles other differences between names in loaders
 * and in the file.
 */
final class ModulePatterns {

  static final String REGEX = "re:";

  /** The prefixes of a language model, in files or in loaders. */
  private static final List<String> WRAPPERS =
      List.of(
          "model",
          "language_model",
          "text_model",
          "llm",
          "transformer",
          "backbone",
          "base_model",
          "module",
          "thinker",
          "vlm");

  /**
   * Parts that may stand between a tower and its layers: {@code vision_tower.vision_model.encoder}.
   */
  private static final List<String> INNER = List.of("vision_model", "audio_model", "model");

  private static final List<String> TOWERS =
      List.of("vision", "visual", "vit", "image", "audio", "speech", "tower");

  /** Stands for a number; no text has it. */
  private static final String NUMBER = "\uffff";

  private static final String EXPERT = "expert_";

  /**
   * The suffixes, from a dot on, of names that must not be selected, unchanged and in each shape.
   */
  private final Set<String> endings = new HashSet<>();

  /** Such names without wrappers, unchanged and in each shape. */
  private final Set<String> cores = new HashSet<>();

  private ModulePatterns(Collection<String> modules, Collection<String> others) {
    Set<String> lasts = modules.stream().map(ModulePatterns::last).collect(Collectors.toSet());
    for (String name : others) {
      if (lasts.contains(last(name))) {
        for (int at = 0; at >= 0; at = next(name, at)) {
          for (Numbers numbers : Numbers.values()) {
            endings.add(shape(name.substring(at), numbers));
          }
        }
        for (Numbers numbers : Numbers.values()) {
          cores.add(shape(Core.of(name).text(), numbers));
        }
      }
    }
  }

  /**
   * {@return names and patterns that select some modules, the names first}
   *
   * @param modules the modules to select, by their names in the file
   * @param others the modules that must not be selected, by their names in the file
   */
  static List<String> selecting(Collection<String> modules, Collection<String> others) {
    ModulePatterns patterns = new ModulePatterns(modules, others);
    Set<String> entries = new LinkedHashSet<>(modules);
    patterns.add(List.copyOf(modules), Numbers.ANY, entries);
    return List.copyOf(entries);
  }

  /** Which numbers of a name a pattern leaves open. */
  private enum Numbers {
    /** All of them. */
    ANY,
    /** All but the first: the layer is fixed, the expert is open. */
    ANY_BUT_FIRST,
    /** None. */
    AS_THEY_ARE;

    Numbers narrower() {
      return this == ANY ? ANY_BUT_FIRST : AS_THEY_ARE;
    }
  }

  private void add(List<String> modules, Numbers numbers, Set<String> entries) {
    Map<String, List<String>> byShape = new LinkedHashMap<>();
    for (String module : modules) {
      byShape.computeIfAbsent(shape(module, numbers), s -> new ArrayList<>()).add(module);
    }
    byShape.forEach(
        (shape, names) -> {
          boolean last = numbers == Numbers.AS_THEY_ARE;
          Core core = Core.of(shape);
          boolean behindAnything = !endings.contains(shape);
          boolean behindWrappers = !cores.contains(core.text());
          if (!last && (names.size() == 1 || !behindAnything || !behindWrappers)) {
            add(names, numbers.narrower(), entries);
            return;
          }
          if (behindAnything) {
            entries.add(REGEX + "(.*\\.)?" + regex(shape) + "$");
          }
          if (behindWrappers && (core.differs() || !behindAnything)) {
            entries.add(core.pattern());
          }
        });
  }

  /** The last part of a name; all numbers are equal, since a pattern may leave them open. */
  private static String last(String name) {
    String last = name.substring(name.lastIndexOf('.') + 1);
    return Layer.isNumber(last) ? NUMBER : last;
  }

  private static int next(String name, int at) {
    int dot = name.indexOf('.', at);
    return dot < 0 ? -1 : dot + 1;
  }

  /** A name with its numbers replaced. */
  private static String shape(String name, Numbers numbers) {
    if (numbers == Numbers.AS_THEY_ARE) {
      return name;
    }
    boolean replace = numbers == Numbers.ANY;
    StringBuilder shape = new StringBuilder(name.length());
    for (String part : name.split("\\.", -1)) {
      boolean number = Layer.isNumber(part) || isExpert(part);
      String open = isExpert(part) ? EXPERT + NUMBER : NUMBER;
      shape.append(shape.isEmpty() ? "" : ".").append(number && replace ? open : part);
      replace |= number;
    }
    return shape.toString();
  }

  /** {@return whether a module belongs to a vision or audio tower} */
  static boolean isInTower(String module) {
    return TOWERS.stream().anyMatch(module::contains);
  }

  /** {@return whether a part of a name is a named expert, such as {@code expert_3}} */
  static boolean isExpert(String part) {
    return part.startsWith(EXPERT) && Layer.isNumber(part.substring(EXPERT.length()));
  }

  /** {@return a regex that only this name matches, for Python's re and Java} */
  static String regex(String name) {
    StringBuilder regex = new StringBuilder();
    for (String part : name.split("\\.", -1)) {
      regex.append(regex.isEmpty() ? "" : "\\.");
      boolean open = part.endsWith(NUMBER);
      regex.append(quoted(open ? part.substring(0, part.length() - 1) : part));
      regex.append(open ? "\\d+" : "");
    }
    return regex.toString();
  }

  /** Quotes a text for Python's re and Java. */
  private static String quoted(String text) {
    StringBuilder quoted = new StringBuilder();
    text.codePoints()
        .forEach(
            c -> {
              if (c < 0x80 && !Character.isLetterOrDigit(c) && c != '_') {
                quoted.append('\\');
              }
              quoted.appendCodePoint(c);
            });
    return quoted.toString();
  }

  /**
   * A name without its wrappers.
   *
   * @param first the tower; empty if there is none
   * @param rest the parts after it, without those between a tower and its layers
   * @param differs whether the name in a loader may have other parts before or in it
   */
  private record Core(String first, String rest, boolean differs) {

    static Core of(String name) {
      List<String> parts = new ArrayList<>(List.of(name.split("\\.", -1)));
      int wrappers = strip(parts, 0, WRAPPERS);
      String first = parts.get(0);
      boolean tower = parts.size() > 1 && TOWERS.stream().anyMatch(first::contains);
      if (tower) {
        strip(parts, 1, INNER);
        return new Core(first, String.join(".", parts.subList(1, parts.size())), true);
      }
      return new Core("", String.join(".", parts), wrappers > 0);
    }

    /** Removes wrappers, but never the last part, which is the module itself. */
    private static int strip(List<String> parts, int at, List<String> wrappers) {
      int stripped = 0;
      while (parts.size() > at + 1 && wrappers.contains(parts.get(at))) {
        parts.remove(at);
        stripped++;
      }
      return stripped;
    }

    String text() {
      return first.isEmpty() ? rest : first + "." + rest;
    }

    String pattern() {
      String tower = first.isEmpty() ? "" : regex(first) + "\\." + any(INNER);
      return REGEX + any(WRAPPERS) + tower + regex(rest) + "$";
    }

    private static String any(List<String> wrappers) {
      return "(?:(?:" + String.join("|", wrappers) + ")\\.)*";
    }
  }
}
