package dev.monoquant.script;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;

/** All classes and functions of a program by their qualified names. */
public final class Definitions {

  /**
   * A function with its place.
   *
   * @param file where it stands
   * @param function the function
   */
  record Free(SourceFile file, Function function) {}

  private final Map<String, SourceFile> files = new LinkedHashMap<>();
  private final Map<String, ClassDef> classes = new LinkedHashMap<>();
  private final Map<String, Free> functions = new LinkedHashMap<>();

  private Definitions() {}

  /**
   * {@return the classes and functions of all source files of an archive}
   *
   * @param code the text of each file by its path below {@code code/}
   * @param label the archive, for messages
   */
  public static Definitions of(SortedMap<String, String> code, String label) {
    Definitions all = new Definitions();
    code.forEach(
        (path, text) -> {
          SourceFile file = SourceFile.parse(path, text, label);
          all.files.put(path, file);
          file.classes().values().forEach(c -> all.classes.put(c.qualified(), c));
          file.functions()
              .values()
              .forEach(f -> all.functions.put(file.prefix() + f.name(), new Free(file, f)));
        });
    return all;
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
