package dev.monoquant.script;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.input.ParseBudget;
import dev.monoquant.script.SourceFile.ClassDef;
import dev.monoquant.spi.ReadLimits;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;

/** All classes and functions of a program by their qualified names. */
final class Definitions {

  /**
   * A function and its file.
   *
   * @param file its file
   * @param function the function
   */
  record Free(SourceFile file, Function function) {}

  /** Estimated bytes of a name or literal, including its share of the objects around it. */
  private static final int NODE = 64;

  private final String label;
  private final ReadLimits limits;
  private final Map<String, SourceFile> files = new LinkedHashMap<>();
  private final Map<String, ClassDef> classes = new LinkedHashMap<>();
  private final Map<String, Free> functions = new LinkedHashMap<>();
  private final ParseBudget budget;
  private long kept;

  private Definitions(String label, ReadLimits limits) {
    this.budget = new ParseBudget(label, limits.maxParsedBytes());
    this.label = label;
    this.limits = limits;
  }

  /**
   * {@return the classes and functions in all source files of an archive, except those that cannot
   * be parsed}
   *
   * @param code the text of each file by its path below {@code code/}
   * @param label the archive, for messages
   * @param limits bounds on sizes and counts read from untrusted input
   * @throws ModelFormatException if a class is defined twice, or the names of its parameters or
   *     buffers are in an unknown form, or the number of names and types exceeds {@code
   *     maxPickleValues}
   */
  static Definitions of(SortedMap<String, String> code, String label, ReadLimits limits) {
    Definitions all = new Definitions(label, limits);
    code.forEach((path, text) -> all.add(SourceFile.parse(path, text, label, all::charge)));
    return all;
  }

  /** {@return the definitions of other code of the same archive, within the same limits} */
  Definitions reread(SortedMap<String, String> code) {
    return of(code, label, limits);
  }

  private void add(SourceFile file) {
    files.put(file.path(), file);
    for (ClassDef type : file.classes().values()) {
      if (classes.put(type.qualified(), type) != null) {
        throw new ModelFormatException(
            Reason.PICKLE_SHAPE,
            label,
            "entry " + quote("code/" + file.path()),
            "declares "
                + quote(type.qualified())
                + ", which another entry declares too. The archive was altered; save it again.");
      }
    }
    file.functions()
        .values()
        .forEach(f -> functions.put(file.prefix() + f.name(), new Free(file, f)));
  }

  private void charge(int more) {
    budget.charge((long) NODE * more);
    kept += more;
    if (kept > limits.maxPickleValues()) {
      throw new ModelFormatException(
          Reason.LIMIT,
          label,
          "code",
          "declares more than "
              + limits.maxPickleValues()
              + " names and types (limit maxPickleValues). Raise the limit if the file can be"
              + " trusted.");
    }
  }

  /** {@return the exception for the first position in the code that cannot be parsed} */
  Optional<ModelFormatException> fault() {
    return files.values().stream().flatMap(f -> f.fault().stream()).findFirst();
  }

  Collection<SourceFile> files() {
    return files.values();
  }

  Collection<ClassDef> classes() {
    return classes.values();
  }

  Map<String, Free> functions() {
    return functions;
  }

  Optional<ClassDef> type(String qualified) {
    return Optional.ofNullable(classes.get(qualified));
  }

  Optional<Free> function(String qualified) {
    return Optional.ofNullable(functions.get(qualified));
  }
}
