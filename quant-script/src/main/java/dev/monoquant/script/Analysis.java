package dev.monoquant.script;

import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.files.torch.TorchGlobals;
import dev.monoquant.script.SourceFile.ClassDef;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Determines how the code of a program uses each tensor, as if all of them were replaced by
 * holders.
 */
final class Analysis {

  private record Key(String type, String attribute) {}

  /** Functions whose results, or errors, depend on the order of numbers in memory. */
  private static final Set<String> ORDERED =
      Set.of(
          "torch.as_strided",
          "torch.as_strided_",
          "torch.as_strided_copy",
          "torch.resize_",
          "torch.resize_as_",
          "torch.set_",
          "torch.stride",
          "torch.view_as_complex");

  private final Pass pass;
  private final Map<Key, List<Use>> uses = new HashMap<>();
  private final Set<String> named = new HashSet<>();
  private final Set<Key> listed = new HashSet<>();
  private final Map<String, Integer> instances = new HashMap<>();
  private final Set<String> ordered = new TreeSet<>();
  private final Overwritten overwritten;

  private Analysis(Pass pass, Overwritten overwritten) {
    this.pass = pass;
    this.overwritten = overwritten;
  }

  static Analysis of(Definitions definitions, Modules modules, PickleTuple constants) {
    Map<String, String> all = new TreeMap<>();
    for (int i = 0; i < constants.size(); i++) {
      if (constants.get(i) instanceof PickleObject object
          && TorchGlobals.isTensor(object.callee())) {
        all.put("c" + i, "");
      }
    }
    ModuleTypes types =
        ModuleTypes.of(
            definitions,
            modules,
            Analysis::tensors,
            all,
            constants,
            (type, attribute) -> Optional.empty());
    Analysis analysis =
        new Analysis(Pass.over(definitions, types), Overwritten.of(definitions, modules));
    for (Use use : analysis.pass.uses()) {
      Key key = new Key(use.slot().type(), use.slot().attribute());
      analysis.uses.computeIfAbsent(key, k -> new ArrayList<>()).add(use);
    }
    modules.all().forEach(m -> analysis.instances.merge(m.type().qualified(), 1, Integer::sum));
    analysis.findNames(definitions);
    analysis.findLists(modules);
    return analysis;
  }

  private static Map<String, String> tensors(Modules.Module module) {
    Map<String, String> tensors = new TreeMap<>();
    if (module.isOpen()) {
      module.tensors().keySet().stream()
          .filter(module.type()::isTensor)
          .forEach(t -> tensors.put(t, ""));
    }
    return tensors;
  }

  /**
   * Finds classes that code names other than as the type of an attribute or of the module itself.
   */
  private void findNames(Definitions definitions) {
    for (ClassDef type : definitions.classes()) {
      type.methods().values().forEach(m -> findNames(m, 1));
    }
    definitions.functions().values().forEach(f -> findNames(f.function(), 0));
  }

  private void findNames(Function function, int hidden) {
    function.parameters().stream().skip(hidden).forEach(p -> p.type().ifPresent(this::findNames));
    function.body().forEach(s -> s.values().forEach(this::findNames));
  }

  private void findNames(Expr expr) {
    expr.dotted().ifPresent(named::add);
    expr.dotted().filter(ORDERED::contains).ifPresent(ordered::add);
    expr.children().forEach(this::findNames);
  }

  /** Finds weights that are also items of a list of tensors: both would have to change. */
  private void findLists(Modules modules) {
    Map<TensorView, List<Key>> places = new HashMap<>();
    for (Modules.Module module : modules.all()) {
      module
          .tensors()
          .forEach(
              (attribute, tensor) ->
                  TensorView.of(tensor)
                      .ifPresent(
                          view ->
                              places
                                  .computeIfAbsent(view, v -> new ArrayList<>())
                                  .add(new Key(module.type().qualified(), attribute))));
    }
    for (Modules.Module module : modules.all()) {
      module
          .lists()
          .forEach(
              (list, items) -> {
                if (module.attributesOf(list).isEmpty()) {
                  items.stream()
                      .flatMap(i -> TensorView.of(i).stream())
                      .forEach(v -> listed.addAll(places.getOrDefault(v, List.of())));
                }
              });
    }
  }

  private List<Use> uses(String type, String attribute) {
    return uses.getOrDefault(new Key(type, attribute), List.of());
  }

  /**
   * {@return the plan of a holder that replaces an attribute}
   *
   * @param type a class of the original, or {@link Slot#CONSTANTS}
   * @param attribute its attribute
   */
  Plan plan(String type, String attribute) {
    Plan plan = Use.plan(uses(type, attribute));
    boolean changes =
        plan.bias().filter(b -> pass.sets(type, b) || overwritten.isChanged(type, b)).isPresent();
    return changes ? plan.withoutBias() : plan;
  }

  /** {@return the functions that take the decoded tensor of an attribute, by name} */
  Collection<String> others(String type, String attribute) {
    return uses(type, attribute).stream()
        .filter(u -> u.kind() == Use.Kind.OTHER && !u.detail().isEmpty())
        .map(Use::detail)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /**
   * {@return why no int8 kernel can run a convolution of the program, whose results have another
   * order in memory than those of the original; empty if one can}
   */
  Optional<String> order() {
    return ordered.isEmpty()
        ? Optional.empty()
        : Optional.of(
            "the code depends on the order of numbers in memory ("
                + String.join(", ", ordered)
                + "), which int8 convolutions change");
  }

  /** {@return why an attribute of a module must not be replaced by a holder, or empty} */
  Optional<String> refusal(Modules.Module module, String attribute) {
    return refusal(module.type().qualified(), attribute)
        .or(() -> overwritten.refusal(module, attribute));
  }

  /**
   * {@return why an attribute must not be replaced by a holder in modules of a class, or empty}
   *
   * @param type a class of the original, or {@link Slot#CONSTANTS}
   * @param attribute its attribute
   */
  Optional<String> refusal(String type, String attribute) {
    if (named.contains(type) && instances.getOrDefault(type, 0) > 1) {
      return Optional.of(
          "code takes modules of its class as arguments, of which there are several");
    }
    if (listed.contains(new Key(type, attribute))) {
      return Optional.of("a list of tensors holds it too");
    }
    return uses(type, attribute).stream()
        .filter(u -> u.kind() == Use.Kind.FORBIDDEN)
        .map(Use::detail)
        .findFirst()
        .or(() -> overwritten.refusal(type, attribute));
  }
}
