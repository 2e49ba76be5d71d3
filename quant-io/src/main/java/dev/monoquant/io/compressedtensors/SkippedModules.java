package dev.monoquant.io.compressedtensors;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.BoundedMatch;
import dev.monoquant.Problem;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.model.ModelConfig;
import dev.monoquant.spi.OutputContents;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;

/**
 * The list of modules that loaders do not convert, as transformers 5.24 reads it ({@code
 * should_convert_module}): an entry selects a module whose name it matches as a regular expression,
 * from the start up to a dot or the end, and a module whose name ends with it.
 *
 * <p>The audit finds quantized modules that an entry selects, and matrices in float that none
 * selects, under their names in the file and in loaders.
 *
 * <p>What this does not do: embeddings need no entry, since loaders convert only Linear layers, but
 * a file does not tell them apart; so every matrix in float has one.
 */
final class SkippedModules {

  private static final String PREFIX = "model.";
  private static final String BOUNDARY = "(?:(?<=\\.)|(?=\\.|$))";

  private final List<String> entries;
  private final List<Pattern> patterns;

  private SkippedModules(List<String> entries, List<Pattern> patterns) {
    this.entries = entries;
    this.patterns = patterns;
  }

  /** {@return the list as JSON} */
  static JsonValue json(DirectoryContents contents) {
    return new JsonValue.Arr(
        contents.named(contents.floats()).stream().map(JsonValue::of).toList());
  }

  /**
   * {@return the errors that a loader would make, empty if none}
   *
   * @param quantization the quantization configuration
   * @param key the name of the list in it
   * @param config the root of config.json
   * @param contents the contents of the directory
   */
  static List<Problem> faults(
      JsonValue.Obj quantization, String key, JsonValue.Obj config, OutputContents contents) {
    SkippedModules skipped = read(quantization, key);
    DirectoryContents directory =
        new DirectoryContents(contents, Set.of(), LoaderNames.of(new ModelConfig(config)));
    List<Problem> faults = new ArrayList<>();
    add(
        faults,
        directory,
        directory.packed(),
        skipped::selects,
        "is quantized, and is not read so");
    Predicate<String> converted = name -> !skipped.selects(name);
    add(
        faults,
        directory,
        directory.floats(),
        converted,
        "is in float, and is taken for quantized");
    return faults;
  }

  private static void add(
      List<Problem> faults,
      DirectoryContents directory,
      List<String> modules,
      Predicate<String> wrong,
      String what) {
    List<String> found =
        modules.stream()
            .filter(module -> names(directory, module).stream().anyMatch(wrong))
            .toList();
    if (!found.isEmpty()) {
      String shown = found.stream().limit(3).map(n -> quote(n)).collect(Collectors.joining(", "));
      int more = found.size() - 3;
      faults.add(
          Problem.error(
              ModelConfig.FILE,
              (more > 0 ? shown + " and " + more + " more" : shown) + ": " + what,
              "Loaders would read it wrongly; quantize these layers alike, or write"
                  + " compressed-tensors"));
    }
  }

  private static Set<String> names(DirectoryContents directory, String module) {
    Set<String> names = new LinkedHashSet<>(List.of(module));
    names.addAll(directory.names().of(module));
    List.copyOf(names).forEach(name -> names.add(PREFIX + name));
    return names;
  }

  private static SkippedModules read(JsonValue.Obj quantization, String key) {
    List<String> entries = new ArrayList<>();
    List<Pattern> patterns = new ArrayList<>();
    if (quantization.find(key).orElse(null) instanceof JsonValue.Arr array) {
      for (JsonValue item : array.items()) {
        if (item instanceof JsonValue.Str text) {
          entries.add(text.value());
          try {
            patterns.add(Pattern.compile("(?:" + text.value() + ")" + BOUNDARY));
          } catch (PatternSyntaxException e) {
            throw new IllegalArgumentException("entry " + text.value() + " is no regex", e);
          }
        }
      }
    }
    return new SkippedModules(entries, patterns);
  }

  private boolean selects(String module) {
    if (entries.stream().anyMatch(module::endsWith)) {
      return true;
    }
    for (Pattern pattern : patterns) {
      try {
        if (BoundedMatch.atStart(pattern, module)) {
          return true;
        }
      } catch (BoundedMatch.TooLong e) {
        throw new IllegalArgumentException("entry " + pattern + " takes too long on " + module, e);
      }
    }
    return false;
  }
}
