package dev.monoquant.script;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Processes all code of a program once, for a given set of weights, and collects the uses of
 * weights and the changes of the text.
 *
 * <p>A function that is called with a weight is copied under a new name, with holders in place of
 * tensors, if a kernel can then run at least one of its uses.
 */
final class Pass {

  private static final int MAX_SPECIALS = 10_000;

  /**
   * A function or method.
   *
   * @param type the class of a method; empty for a function
   * @param file its file
   * @param function the function
   */
  record Target(Optional<ModuleType> type, SourceFile file, Function function) {

    static Target method(ModuleType type, Function function) {
      return new Target(Optional.of(type), type.original().file(), function);
    }

    /** {@return the number of parameters that a call does not pass explicitly} */
    int hidden() {
      return type.isPresent() ? 1 : 0;
    }
  }

  /**
   * A copy of a function that takes holders.
   *
   * @param target the original
   * @param name the name of the copy
   * @param parameters what is known of its arguments
   * @param body the rewritten body
   */
  record Special(Target target, String name, Map<String, Value> parameters, Body body) {

    /** {@return whether it avoids at least one decoded tensor} */
    boolean accepted() {
      return body.uses().stream().anyMatch(Use::isHeld);
    }
  }

  private final Definitions definitions;
  private final ModuleTypes types;
  private final Map<ModuleType, List<Body>> methods = new LinkedHashMap<>();
  private final Map<SourceFile, List<Body>> functions = new LinkedHashMap<>();
  private final Map<String, Optional<Special>> specials = new LinkedHashMap<>();
  private final Map<ModuleType, Set<String>> set = new HashMap<>();
  private final Set<String> names = new HashSet<>();
  private final boolean convolves;
  private final Set<String> sharing;
  private final Optional<String> normed;
  private final Map<String, Boolean> pure = new HashMap<>();

  private Pass(
      Definitions definitions, ModuleTypes types, Set<String> sharing, Optional<String> normed) {
    this.definitions = definitions;
    this.types = types;
    this.sharing = sharing;
    this.normed = normed;
    this.convolves =
        Stream.concat(
                types.constants().values().stream(),
                types.all().stream().flatMap(t -> t.held().values().stream()))
            .anyMatch(slot -> slot.plan().flatMap(Plan::window).isPresent());
  }

  static Pass over(Definitions definitions, ModuleTypes types) {
    return over(definitions, types, Set.of(), Optional.empty());
  }

  /**
   * Processes the code.
   *
   * @param sharing the classes of holders whose products may share an input, see {@link Sharing}
   * @param normed the function that normalizes what is not normalized yet, see {@link Chains}
   */
  static Pass over(
      Definitions definitions, ModuleTypes types, Set<String> sharing, Optional<String> normed) {
    Pass pass = new Pass(definitions, types, sharing, normed);
    for (ModuleType type : types.all()) {
      List<Body> bodies = new ArrayList<>();
      for (Function method : type.original().methods().values()) {
        bodies.add(pass.body(Target.method(type, method), Map.of()));
      }
      pass.methods.put(type, bodies);
    }
    for (SourceFile file : definitions.files()) {
      List<Body> bodies = new ArrayList<>();
      for (Function function : file.functions().values()) {
        bodies.add(pass.body(new Target(Optional.empty(), file, function), Map.of()));
      }
      pass.functions.put(file, bodies);
    }
    return pass;
  }

  private Body body(Target target, Map<String, Value> given) {
    return Body.of(this, target.file().text(), target.function(), parameters(target, given));
  }

  private Map<String, Value> parameters(Target target, Map<String, Value> given) {
    Map<String, Value> parameters = new LinkedHashMap<>();
    for (Function.Parameter parameter : target.function().parameters()) {
      declared(parameter)
          .ifPresent(
              type ->
                  parameters.put(
                      parameter.name(), new Value.OfModule(type, parameter.name() + "'")));
    }
    if (target.type().isPresent() && !target.function().parameters().isEmpty()) {
      parameters.put(
          target.function().parameters().get(0).name(),
          new Value.OfModule(target.type().get(), Value.OfModule.SELF));
    }
    parameters.putAll(given);
    return parameters;
  }

  /** {@return whether products may share an input} */
  boolean shares() {
    return !sharing.isEmpty();
  }

  /** {@return whether products with holders of a class may} */
  boolean shares(String holder) {
    return sharing.contains(holder);
  }

  /** {@return whether it is known that a function changes no tensor} */
  boolean isPure(Target target) {
    if (!shares()) {
      return false;
    }
    String key = key(target, Map.of());
    Boolean known = pure.get(key);
    if (known == null) {
      pure.put(key, false); // Recursive calls are not followed.
      known =
          Body.sharing(this, target.file().text(), target.function(), parameters(target, Map.of()))
              .isPure();
      pure.put(key, known);
    }
    return known;
  }

  /**
   * {@return the class of modules that is the declared type of a parameter, if there is exactly
   * one}
   */
  private Optional<ModuleType> declared(Function.Parameter parameter) {
    return parameter.type().flatMap(Expr::dotted).flatMap(types::only);
  }

  /** {@return all uses of weights; those in functions appear once for each call} */
  Collection<Use> uses() {
    List<Use> all = new ArrayList<>();
    methods.values().forEach(l -> l.forEach(b -> all.addAll(b.uses())));
    functions.values().forEach(l -> l.forEach(b -> all.addAll(b.uses())));
    return all;
  }

  /** {@return the changes of the methods of a class, in the order of the methods} */
  List<Body> methods(ModuleType type) {
    return methods.getOrDefault(type, List.of());
  }

  /** {@return the changes of the functions of a file} */
  List<Body> functions(SourceFile file) {
    return functions.getOrDefault(file, List.of());
  }

  /** {@return the copies of functions that are used} */
  List<Special> specials() {
    return specials.values().stream().flatMap(Optional::stream).filter(Special::accepted).toList();
  }

  /** {@return the function with that qualified name, or empty} */
  Optional<Target> free(String name) {
    return definitions
        .function(name)
        .map(f -> new Target(Optional.empty(), f.file(), f.function()));
  }

  /** {@return the slot of a constant such as {@code c3}, if a holder replaces it} */
  Optional<Slot> constant(String name) {
    return Optional.ofNullable(types.constants().get(name));
  }

  /** {@return the attribute of the class that contains a constant, or empty} */
  Optional<String> attributeOf(ModuleType type, Slot constant) {
    return type.constants().entrySet().stream()
        .filter(e -> e.getValue().equals(constant))
        .map(Map.Entry::getKey)
        .findFirst();
  }

  /** {@return whether a holder runs a convolution} */
  boolean convolves() {
    return convolves;
  }

  /** {@return the function that replaces one of torch, if it takes the same arguments} */
  Optional<String> replacement(String name, Expr.Call call) {
    return normed.filter(
        n ->
            name.equals("torch.batch_norm")
                && call.arguments().stream().noneMatch(a -> a.keyword().isPresent()));
  }

  /** Records that code sets an attribute. */
  void isSet(ModuleType type, String attribute) {
    set.computeIfAbsent(type, t -> new HashSet<>()).add(attribute);
  }

  /** {@return whether code sets the attribute in modules of an original class} */
  boolean sets(String original, String attribute) {
    return set.entrySet().stream()
        .anyMatch(
            e ->
                e.getKey().original().qualified().equals(original)
                    && e.getValue().contains(attribute));
  }

  /**
   * Returns whether the class of the parameter is known for each module that a function is called
   * with.
   */
  boolean takesModules(Target target, List<Value> values) {
    List<Function.Parameter> parameters = target.function().parameters();
    for (int i = 0; i < values.size(); i++) {
      if (values.get(i) instanceof Value.OfModule
          && (i + target.hidden() >= parameters.size()
              || declared(parameters.get(i + target.hidden())).isEmpty())) {
        return false;
      }
    }
    return true;
  }

  /**
   * Copies a function for the weights that it is called with.
   *
   * @param target the function
   * @param call the call
   * @param values its arguments
   * @return the copy; empty if the function is called without weights, or in a way that is not
   *     supported
   */
  Optional<Special> special(Target target, Expr.Call call, List<Value> values) {
    List<Function.Parameter> parameters = target.function().parameters();
    if (values.stream().noneMatch(v -> v instanceof Value.Held held && held.isOwn())
        || values.size() + target.hidden() != parameters.size()
        || call.arguments().stream().anyMatch(a -> a.keyword().isPresent())) {
      return Optional.empty();
    }
    Map<String, Value> given = given(target, values);
    String key = key(target, given);
    Optional<Special> known = specials.get(key);
    if (known != null) {
      return known;
    }
    if (specials.size() >= MAX_SPECIALS) {
      return Optional.empty();
    }
    specials.put(key, Optional.empty()); // Recursive calls are not followed.
    Special special = new Special(target, freshName(target), given, body(target, given));
    specials.put(key, Optional.of(special));
    return Optional.of(special);
  }

  /**
   * Returns what is known of the arguments, with names of owners that are the same for each call.
   */
  private static Map<String, Value> given(Target target, List<Value> values) {
    Map<String, String> owners = new HashMap<>();
    Map<String, Value> given = new TreeMap<>();
    for (Value value : values) {
      if (value instanceof Value.Held held) {
        owners.putIfAbsent(held.owner(), "owner" + owners.size());
      }
    }
    for (int i = 0; i < values.size(); i++) {
      Function.Parameter parameter = target.function().parameters().get(i + target.hidden());
      Value value = values.get(i);
      if (value instanceof Value.Held held && held.isOwn() && parameter.type().isPresent()) {
        Value.Held own = Value.Held.of(held.slot(), owners.getOrDefault(held.owner(), ""));
        given.put(parameter.name(), held.transposed() ? own.flipped() : own);
      } else if (value instanceof Value.OfTensor tensor && owners.containsKey(tensor.owner())) {
        given.put(
            parameter.name(),
            new Value.OfTensor(owners.getOrDefault(tensor.owner(), ""), tensor.attribute()));
      }
    }
    return given;
  }

  private static String key(Target target, Map<String, Value> given) {
    StringBuilder key = new StringBuilder();
    target.type().ifPresent(t -> key.append(t.name()));
    key.append(' ').append(target.file().path()).append(' ').append(target.function().name());
    given.forEach((name, value) -> key.append(' ').append(name).append('=').append(value));
    return key.toString();
  }

  private String freshName(Target target) {
    Set<String> taken = new HashSet<>(target.file().functions().keySet());
    taken.addAll(target.file().classes().keySet());
    target.type().ifPresent(t -> taken.addAll(t.original().methods().keySet()));
    target.type().ifPresent(t -> taken.addAll(t.original().attributes().keySet()));
    String place = target.type().map(ModuleType::name).orElse(target.file().path());
    for (int i = 1; ; i++) {
      String name = target.function().name() + "_held" + i;
      if (!taken.contains(name) && names.add(place + " " + name)) {
        return name;
      }
    }
  }
}
