package dev.monoquant.script;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Finds which attributes and constants a program may change in place, by whatever name it reaches
 * them: {@code self.weight[0] = 1} changes a part of the weight, as does {@code a.mul_(2)} after
 * {@code a, b = self.weight.chunk(2)}.
 *
 * <p>The names of all functions, the attributes of all classes and the results of all functions are
 * variables. One follows from another if it may be the same tensor, a view of it or a list that
 * contains it. The order of execution, branches and the values of arguments are not considered, so
 * that the variables found are more than those that change, never fewer, but for lists that {@code
 * +} joins by name. Time and memory are linear in the code.
 */
final class Aliases {

  /** Functions whose result may be their first argument, a view of it or an item of it. */
  private static final Set<String> VIEWS =
      Set.of(
          "__getitem__",
          "_conj",
          "_reshape_alias",
          "_unwrap_optional",
          "adjoint",
          "alias",
          "alpha_dropout",
          "as_strided",
          "as_tensor",
          "atleast_1d",
          "atleast_2d",
          "atleast_3d",
          "broadcast_tensors",
          "broadcast_to",
          "chunk",
          "conj",
          "conj_physical",
          "contiguous",
          "copy",
          "cpu",
          "cuda",
          "detach",
          "diagonal",
          "dict",
          "dropout",
          "dsplit",
          "expand",
          "expand_as",
          "feature_alpha_dropout",
          "feature_dropout",
          "flatten",
          "get",
          "hsplit",
          "imag",
          "items",
          "lift",
          "lift_fresh",
          "linalg_diagonal",
          "list",
          "mH",
          "mT",
          "matrix_H",
          "meshgrid",
          "moveaxis",
          "movedim",
          "narrow",
          "numpy_T",
          "permute",
          "pin_memory",
          "pop",
          "popitem",
          "positive",
          "ravel",
          "real",
          "reshape",
          "reshape_as",
          "resolve_conj",
          "resolve_neg",
          "select",
          "setdefault",
          "slice",
          "split",
          "split_with_sizes",
          "squeeze",
          "sum_to_size",
          "swapaxes",
          "swapdims",
          "t",
          "tensor_split",
          "to",
          "transpose",
          "type_as",
          "unbind",
          "unflatten",
          "unfold",
          "unsafe_chunk",
          "unsafe_split",
          "unsafe_split_with_sizes",
          "unsqueeze",
          "values",
          "view",
          "view_as",
          "view_as_complex",
          "view_as_real",
          "vsplit");

  /** Functions that put their other arguments into the first one. */
  private static final Set<String> ADDITIONS =
      Set.of("_set_item", "append", "extend", "insert", "setdefault", "update");

  /** Functions of numbers whose result contains the items of arguments that are lists. */
  private static final Set<String> JOINS = Set.of("add", "mul");

  private static final String TORCH = "torch.";
  private static final String PRIM = "ops.prim.";
  private static final String RESULT = "return";
  private static final String OTHER_CLASS = "another class";

  /** The most variables that may be the list that something is added to. */
  private static final int MOST_LISTS = 1_000;

  /**
   * What may stand for a tensor.
   *
   * @param owner a function, the name of a class, or a text for what is not known
   * @param name a name in it
   */
  private record Variable(Object owner, String name) {}

  /** An item that is added to a list, which may have several names. */
  private record Addition(List<Variable> list, List<Variable> items) {}

  private final Definitions definitions;

  /** Mostly one, else a set: the same name may stand for a weight of each of many classes. */
  private final Map<Variable, Collection<Variable>> sources = new HashMap<>();

  private final Map<Variable, String> changed = new LinkedHashMap<>();
  private final List<Addition> additions = new ArrayList<>();

  private Aliases(Definitions definitions) {
    this.definitions = definitions;
  }

  static Aliases of(Definitions definitions) {
    Aliases aliases = new Aliases(definitions);
    for (SourceFile.ClassDef type : definitions.classes()) {
      type.methods().values().forEach(m -> aliases.read(m, Optional.of(type)));
    }
    definitions.functions().values().forEach(f -> aliases.read(f.function(), Optional.empty()));
    aliases.link();
    aliases.spread();
    return aliases;
  }

  /**
   * {@return the function that may change an attribute in place, or empty}
   *
   * @param type the qualified name of its class, or {@link Slot#CONSTANTS}
   * @param attribute its name
   */
  Optional<String> change(String type, String attribute) {
    return Optional.ofNullable(changed.get(new Variable(type, attribute)));
  }

  /** Connects what was found at places of which the class is not known with all classes. */
  private void link() {
    for (SourceFile.ClassDef type : definitions.classes()) {
      for (String attribute : type.attributes().keySet()) {
        Variable own = new Variable(type.qualified(), attribute);
        Variable read = new Variable(OTHER_CLASS, attribute);
        Variable set = new Variable(OTHER_CLASS + " set", attribute);
        if (sources.containsKey(read)) {
          follows(read, List.of(own));
        }
        if (sources.containsKey(set)) {
          follows(own, List.of(set));
        }
      }
      for (Function method : type.methods().values()) {
        Variable result = new Variable(called(method.name()), RESULT);
        if (sources.containsKey(result)) {
          follows(result, List.of(new Variable(method, RESULT)));
          for (int i = 1; i < method.parameters().size(); i++) {
            follows(
                new Variable(method, method.parameters().get(i).name()),
                List.of(new Variable(called(method.name()), "")));
          }
        }
      }
    }
    for (Addition addition : additions) {
      for (Variable list : reached(addition.list())) {
        follows(list, addition.items());
      }
    }
  }

  private static String called(String method) {
    return OTHER_CLASS + "." + method;
  }

  private Set<Variable> reached(List<Variable> from) {
    Set<Variable> all = new LinkedHashSet<>(from);
    Deque<Variable> open = new ArrayDeque<>(from);
    while (!open.isEmpty() && all.size() < MOST_LISTS) {
      for (Variable source : sources.getOrDefault(open.pop(), List.of())) {
        if (all.add(source)) {
          open.push(source);
        }
      }
    }
    return all;
  }

  /** Marks all that a changed variable may stand for. */
  private void spread() {
    Deque<Variable> open = new ArrayDeque<>(changed.keySet());
    while (!open.isEmpty()) {
      Variable at = open.pop();
      String by = changed.getOrDefault(at, "");
      for (Variable source : sources.getOrDefault(at, List.of())) {
        if (changed.putIfAbsent(source, by) == null) {
          open.push(source);
        }
      }
    }
  }

  private void follows(Variable variable, List<Variable> from) {
    sources.merge(
        variable,
        List.copyOf(from),
        (known, more) -> {
          if (known.containsAll(more)) {
            return known;
          }
          Collection<Variable> all = known instanceof Set ? known : new LinkedHashSet<>(known);
          all.addAll(more);
          return all;
        });
  }

  private void read(Function function, Optional<SourceFile.ClassDef> type) {
    new Reader(function, type).read();
  }

  /** Reads one function. */
  private final class Reader {
    private final Function function;
    private final Map<String, Integer> assignments;
    private final Map<String, SourceFile.ClassDef> types = new HashMap<>();

    Reader(Function function, Optional<SourceFile.ClassDef> self) {
      this.function = function;
      this.assignments = function.assignments();
      for (Function.Parameter parameter : function.parameters()) {
        parameter
            .type()
            .flatMap(Expr::dotted)
            .flatMap(definitions::type)
            .ifPresent(t -> name(parameter.name(), t));
      }
      self.filter(t -> !function.parameters().isEmpty())
          .ifPresent(t -> name(function.parameters().get(0).name(), t));
    }

    private void name(String name, SourceFile.ClassDef type) {
      if (assignments.getOrDefault(name, 0) == 1) {
        types.put(name, type);
      }
    }

    private Variable local(String name) {
      return new Variable(function, name);
    }

    void read() {
      for (Statement statement : function.body()) {
        List<Variable> values = new ArrayList<>();
        statement.values().forEach(v -> values.addAll(eval(v)));
        statement
            .alias()
            .ifPresent(n -> type(statement.values().get(0)).ifPresent(t -> name(n, t)));
        if (!values.isEmpty()) {
          statement.assigned().forEach(n -> follows(local(n), values));
        }
        statement.member().ifPresent(m -> set(m, values));
        if (statement.line().is(RESULT)) {
          follows(local(RESULT), values);
        }
        if (!statement.understood()) {
          statement.line().tokens().stream()
              .filter(Token::isName)
              .forEach(t -> changed.putIfAbsent(local(t.text()), "a line that is not understood"));
        }
      }
    }

    private void set(Expr.Member member, List<Variable> values) {
      eval(member.base());
      Optional<SourceFile.ClassDef> type = type(member.base());
      follows(
          new Variable(
              type.map(SourceFile.ClassDef::qualified).orElse(OTHER_CLASS + " set"), member.name()),
          values);
    }

    /** {@return the class of a module} */
    private Optional<SourceFile.ClassDef> type(Expr expr) {
      if (expr instanceof Expr.Name name) {
        return Optional.ofNullable(types.get(name.name()));
      }
      if (expr instanceof Expr.Paren paren) {
        return type(paren.inner());
      }
      if (expr instanceof Expr.Member member) {
        return type(member.base()).flatMap(t -> child(t, member.name()));
      }
      return expr instanceof Expr.Call call
          ? attributeOf(call).flatMap(n -> type(argument(call, 0)).flatMap(t -> child(t, n)))
          : Optional.empty();
    }

    private Optional<SourceFile.ClassDef> child(SourceFile.ClassDef type, String attribute) {
      return type.declared(attribute).flatMap(definitions::type);
    }

    /** {@return the attribute that {@code getattr(module, "name")} names} */
    private Optional<String> attributeOf(Expr.Call call) {
      return call.callee() instanceof Expr.Name name
              && name.name().equals("getattr")
              && call.arguments().size() == 2
              && argument(call, 1) instanceof Expr.Text text
          ? text.plain()
          : Optional.empty();
    }

    private static Expr argument(Expr.Call call, int index) {
      return call.arguments().get(index).value();
    }

    /** {@return the variables that a value may stand for; none for what is new} */
    private List<Variable> eval(Expr expr) {
      if (expr instanceof Expr.Name name) {
        return assignments.containsKey(name.name()) ? List.of(local(name.name())) : List.of();
      }
      if (expr instanceof Expr.Member member) {
        return attribute(member.base(), member.name());
      }
      if (expr instanceof Expr.Call call) {
        Optional<String> attribute = attributeOf(call);
        return attribute.isPresent() ? attribute(argument(call, 0), attribute.get()) : call(call);
      }
      List<Variable> all = new ArrayList<>();
      expr.children().forEach(c -> all.addAll(eval(c)));
      return all;
    }

    private List<Variable> attribute(Expr base, String name) {
      if (base instanceof Expr.Name root && !assignments.containsKey(root.name())) {
        return root.name().equals(Slot.CONSTANTS)
            ? List.of(new Variable(Slot.CONSTANTS, name))
            : List.of();
      }
      Optional<SourceFile.ClassDef> type = type(base);
      if (type.isPresent()) {
        return child(type.get(), name).filter(SourceFile.ClassDef::isModule).isPresent()
            ? List.of()
            : List.of(new Variable(type.get().qualified(), name));
      }
      // The item of a named tuple, or the attribute of a module that is not known.
      Variable other = new Variable(OTHER_CLASS, name);
      follows(other, List.of());
      List<Variable> all = new ArrayList<>(eval(base));
      all.add(other);
      return all;
    }

    private List<Variable> call(Expr.Call call) {
      List<List<Variable>> arguments = new ArrayList<>();
      call.arguments().forEach(a -> arguments.add(eval(a.value())));
      Optional<String> global = global(call.callee());
      if (global.isPresent()) {
        Optional<Definitions.Free> free = definitions.function(global.get());
        return free.isPresent()
            ? bound(free.get().function(), 0, call, arguments)
            : operation(global.get(), call, arguments);
      }
      if (!(call.callee() instanceof Expr.Member member)) {
        return joined(arguments);
      }
      Optional<Function> method =
          type(member.base())
              .filter(SourceFile.ClassDef::isModule)
              .map(t -> t.methods().get(member.name()));
      if (method.isPresent()) {
        return bound(method.get(), 1, call, arguments);
      }
      List<Variable> all = new ArrayList<>(eval(member.base()));
      all.addAll(joined(arguments));
      Variable result = new Variable(called(member.name()), RESULT);
      follows(result, List.of());
      follows(new Variable(called(member.name()), ""), all);
      all.add(result);
      return all;
    }

    /** {@return the name of a global function} */
    private Optional<String> global(Expr callee) {
      Optional<String> name =
          callee instanceof Expr.Name simple ? Optional.of(simple.name()) : callee.dotted();
      return name.filter(
          n -> !assignments.containsKey(n.indexOf('.') < 0 ? n : n.substring(0, n.indexOf('.'))));
    }

    private List<Variable> bound(
        Function called, int hidden, Expr.Call call, List<List<Variable>> arguments) {
      List<Function.Parameter> parameters = called.parameters();
      for (int i = 0; i < arguments.size(); i++) {
        Optional<String> keyword = call.arguments().get(i).keyword();
        if (keyword.isPresent() || i + hidden < parameters.size()) {
          String name = keyword.orElseGet(parameters.get(i + hidden)::name);
          follows(new Variable(called, name), arguments.get(i));
        }
      }
      return List.of(new Variable(called, RESULT));
    }

    private List<Variable> operation(String name, Expr.Call call, List<List<Variable>> arguments) {
      for (int i = 0; i < arguments.size(); i++) {
        if (call.arguments().get(i).keyword().filter("out"::equals).isPresent()) {
          change(arguments.get(i), name);
          return arguments.get(i);
        }
      }
      boolean torch = name.startsWith(TORCH);
      if (!torch && !name.startsWith("ops.")) {
        return joined(arguments); // A tuple with names, or annotate.
      }
      String simple = name.substring(name.lastIndexOf('.') + 1);
      List<Variable> first = arguments.isEmpty() ? List.of() : arguments.get(0);
      if ((simple.endsWith("_") && !simple.endsWith("__")) || simple.equals("set_data")) {
        change(torch ? first : joined(arguments), name);
        return first;
      }
      if (name.startsWith(PRIM)) {
        return first;
      }
      if (torch && ADDITIONS.contains(simple)) {
        additions.add(new Addition(first, joined(arguments)));
      }
      if (torch && VIEWS.contains(simple)) {
        return first;
      }
      boolean lists =
          JOINS.contains(simple)
              ? call.arguments().stream().anyMatch(a -> a.value() instanceof Expr.Display)
              : isEinsumOfOne(simple, call);
      return torch && lists ? joined(arguments) : List.of();
    }

    private static boolean isEinsumOfOne(String name, Expr.Call call) {
      return name.equals("einsum")
          && call.arguments().size() > 1
          && argument(call, 1) instanceof Expr.Display operands
          && operands.items().size() == 1;
    }

    private void change(List<Variable> variables, String by) {
      variables.forEach(v -> changed.putIfAbsent(v, by));
    }

    private static List<Variable> joined(List<List<Variable>> arguments) {
      Set<Variable> all = new LinkedHashSet<>();
      arguments.forEach(all::addAll);
      return new ArrayList<>(all);
    }
  }
}
