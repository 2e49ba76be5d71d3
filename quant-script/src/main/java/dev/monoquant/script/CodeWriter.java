package dev.monoquant.script;

import dev.monoquant.script.SourceFile.ClassDef;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Writes the source of the new program: each file with its changes, and copies of classes. */
final class CodeWriter {

  private final Pass pass;
  private final Map<ModuleType, List<Pass.Special>> ofTypes = new HashMap<>();
  private final Map<SourceFile, List<Pass.Special>> ofFiles = new HashMap<>();
  private final SortedMap<String, String> code = new TreeMap<>();

  private CodeWriter(Pass pass) {
    this.pass = pass;
    for (Pass.Special special : pass.specials()) {
      if (special.target().type().isPresent()) {
        ofTypes.computeIfAbsent(special.target().type().get(), t -> new ArrayList<>()).add(special);
      } else {
        ofFiles.computeIfAbsent(special.target().file(), f -> new ArrayList<>()).add(special);
      }
    }
  }

  static SortedMap<String, String> write(Definitions definitions, ModuleTypes types, Pass pass) {
    CodeWriter writer = new CodeWriter(pass);
    Map<SourceFile, List<ModuleType>> inPlace = new LinkedHashMap<>();
    for (ModuleType type : types.all()) {
      if (type.name().equals(type.original().qualified())) {
        inPlace.computeIfAbsent(type.original().file(), f -> new ArrayList<>()).add(type);
      } else {
        writer.copy(type);
      }
    }
    for (SourceFile file : definitions.files()) {
      writer.file(file, inPlace.getOrDefault(file, List.of()));
    }
    return writer.code;
  }

  private void file(SourceFile file, List<ModuleType> inPlace) {
    Edits edits = new Edits();
    inPlace.forEach(type -> change(type, edits));
    pass.functions(file).forEach(body -> edits.addAll(body.edits()));
    StringBuilder text = new StringBuilder(edits.apply(file.text(), 0, file.text().length()));
    for (Pass.Special special : ofFiles.getOrDefault(file, List.of())) {
      if (text.charAt(text.length() - 1) != '\n') {
        text.append('\n');
      }
      text.append(text(special)).append('\n');
    }
    code.put(file.path(), text.toString());
  }

  private void copy(ModuleType type) {
    Edits edits = new Edits();
    change(type, edits);
    ClassDef original = type.original();
    String text = edits.apply(original.file().text(), original.start(), original.end());
    String place = type.name().substring(0, type.name().lastIndexOf('.')).replace('.', '/');
    code.put(place + ".py", text + "\n");
  }

  private void change(ModuleType type, Edits edits) {
    ClassDef original = type.original();
    original
        .lists()
        .values()
        .forEach(
            list -> {
              if (list.items().stream().anyMatch(i -> isHeld(type, i))) {
                edits.replace(list.start(), list.end(), names(type, list));
              }
            });
    type.held()
        .forEach(
            (attribute, slot) -> {
              Expr declared = type.declared(attribute);
              edits.replace(declared.start(), declared.end(), slot.holder());
            });
    type.children()
        .forEach(
            (attribute, child) -> {
              Expr declared = type.declared(attribute);
              if (!child.name().equals(child.original().qualified())) {
                edits.replace(declared.start(), declared.end(), child.name());
              }
            });
    List<String> added = new ArrayList<>();
    type.constants()
        .forEach((attribute, slot) -> added.add("\n  " + attribute + " : " + slot.holder()));
    if (!added.isEmpty()) {
      edits.replace(original.headEnd(), original.headEnd(), String.join("", added));
    }
    pass.methods(type).forEach(body -> edits.addAll(body.edits()));
    if (!type.name().equals(original.qualified())) {
      original.methods().values().forEach(method -> rename(type, method, edits));
    }
    String special =
        ofTypes.getOrDefault(type, List.of()).stream()
            .map(s -> "\n  " + text(s))
            .collect(Collectors.joining());
    if (!special.isEmpty()) {
      edits.replace(original.end(), original.end(), special);
    }
  }

  private static boolean isHeld(ModuleType type, Expr.Text item) {
    return item.plain().map(type.held()::containsKey).orElse(false);
  }

  private static String names(ModuleType type, ClassDef.NameList list) {
    return list.items().stream()
        .filter(i -> !isHeld(type, i))
        .map(i -> i.quoted() + ", ")
        .collect(Collectors.joining("", "[", "]"));
  }

  /** Renames the class in the parameter types of a method; the first parameter has this type. */
  private static void rename(ModuleType type, Function method, Edits edits) {
    for (Function.Parameter parameter : method.parameters()) {
      parameter
          .type()
          .filter(t -> t.dotted().filter(type.original().qualified()::equals).isPresent())
          .ifPresent(t -> edits.replace(t.start(), t.end(), type.name()));
    }
  }

  private static String text(Pass.Special special) {
    Function function = special.target().function();
    Edits edits = new Edits();
    edits.addAll(special.body().edits());
    edits.replace(function.nameToken().start(), function.nameToken().end(), special.name());
    for (Function.Parameter parameter : function.parameters()) {
      if (parameter.type().isEmpty()) {
        continue;
      }
      Expr type = parameter.type().get();
      if (special.parameters().get(parameter.name()) instanceof Value.Held held) {
        edits.replace(type.start(), parameter.end(), held.slot().holder());
      } else {
        String name =
            special
                .target()
                .type()
                .filter(t -> type.dotted().filter(t.original().qualified()::equals).isPresent())
                .map(ModuleType::name)
                .orElse(special.target().file().text().substring(type.start(), type.end()));
        edits.replace(type.start(), parameter.end(), name);
      }
    }
    return edits.apply(special.target().file().text(), function.start(), function.end());
  }
}
