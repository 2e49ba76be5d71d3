package dev.monoquant.script;

import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.script.SourceFile.ClassDef;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.IntConsumer;
import java.util.function.Predicate;

/** What is known of the names of one function: their values, the classes of modules, and calls. */
final class Locals {

  /** The deepest call that is followed. */
  private static final int MOST_DEPTH = 8;

  /** The most names and attributes on the way from a module to one inside of it. */
  private static final int MOST_ATTRIBUTES = 50;

  /** Functions that return a tensor, as far as models make masks by them. */
  private static final Set<String> TENSORS =
      Set.of(
          "torch.add",
          "torch.expand",
          "torch.masked_fill",
          "torch.mul",
          "torch.permute",
          "torch.select",
          "torch.slice",
          "torch.sub",
          "torch.to",
          "torch.transpose",
          "torch.unsqueeze",
          "torch.where");

  /**
   * A program.
   *
   * @param definitions its code
   * @param constants its constants
   * @param pure interfaces whose methods change none of their arguments
   * @param known whether functions that were looked at change no tensor
   */
  record Program(
      Definitions definitions,
      PickleTuple constants,
      Set<String> pure,
      Map<Function, Boolean> known) {}

  private final Program program;
  private final Optional<ClassDef> type;
  private final Function function;
  private final Map<String, Integer> assignments;
  private final Map<String, Integer> statements = new HashMap<>();
  private final Map<String, Integer> reads = new HashMap<>();
  private final int depth;

  /**
   * @param program the program
   * @param type the class of a method; empty for a function
   * @param function the function
   */
  Locals(Program program, Optional<ClassDef> type, Function function) {
    this(program, type, function, 0);
  }

  private Locals(Program program, Optional<ClassDef> type, Function function, int depth) {
    this.program = program;
    this.type = type;
    this.function = function;
    this.depth = depth;
    this.assignments = function.assignments();
    for (int i = 0; i < function.body().size(); i++) {
      Statement statement = function.body().get(i);
      int index = i;
      statement.alias().ifPresent(name -> statements.put(name, index));
      statement.values().forEach(this::read);
      statement.member().ifPresent(this::read);
    }
  }

  private void read(Expr expr) {
    if (expr instanceof Expr.Name name) {
      reads.merge(name.name(), 1, Integer::sum);
    }
    expr.children().forEach(this::read);
  }

  /** {@return the function} */
  Function function() {
    return function;
  }

  /** {@return whether a name is used} */
  boolean has(String name) {
    return assignments.containsKey(name) || reads.containsKey(name);
  }

  /**
   * Follows names that are set once and read once, and brackets.
   *
   * @param expr an expression
   * @param through receives the statements that set the names
   * @return the first expression that is neither
   */
  Expr value(Expr expr, Set<Integer> through) {
    return follow(expr, name -> reads.getOrDefault(name, 0) == 1, through::add);
  }

  /** {@return what names and brackets stand for, as far as the names are set once} */
  Expr origin(Expr expr) {
    return follow(expr, name -> true, statement -> {});
  }

  private Expr follow(Expr expr, Predicate<String> followed, IntConsumer through) {
    Expr at = expr;
    while (true) {
      if (at instanceof Expr.Paren paren) {
        at = paren.inner();
        continue;
      }
      OptionalInt statement =
          at instanceof Expr.Name name && followed.test(name.name())
              ? setBefore(name)
              : OptionalInt.empty();
      if (statement.isEmpty()) {
        return at;
      }
      through.accept(statement.getAsInt());
      at = set(statement.getAsInt());
    }
  }

  /**
   * {@return the only statement that sets a name, if it sets nothing else and stands before the
   * place where the name is read: from name to name, one comes to an end}
   */
  private OptionalInt setBefore(Expr.Name name) {
    Integer statement = isSetOnce(name.name()) ? statements.get(name.name()) : null;
    return statement != null && set(statement).end() <= name.start()
        ? OptionalInt.of(statement)
        : OptionalInt.empty();
  }

  private Expr set(int statement) {
    return function.body().get(statement).values().get(0);
  }

  private boolean isSetOnce(String name) {
    return assignments.getOrDefault(name, 0) == 1;
  }

  /** {@return whether all names of an expression are set once or global} */
  boolean isLasting(Expr expr) {
    boolean lasting =
        !(expr instanceof Expr.Name name) || assignments.getOrDefault(name.name(), 1) == 1;
    return lasting && expr.children().stream().allMatch(this::isLasting);
  }

  /** {@return whether an expression is the first argument that a method is called with} */
  boolean isFirstParameter(Expr expr) {
    return expr instanceof Expr.Name name
        && function.parameters().size() > 1
        && function.parameters().get(1).name().equals(name.name())
        && isSetOnce(name.name());
  }

  /** {@return what the function returns, if it does so in one place} */
  Optional<Expr> returned() {
    return function.body().stream().filter(s -> s.line().is("return")).count() == 1
        ? function.body().stream()
            .filter(s -> s.line().is("return") && s.values().size() == 1)
            .findFirst()
            .map(s -> s.values().get(0))
        : Optional.empty();
  }

  /** {@return whether an expression calls a global function by that name} */
  boolean isCall(Expr.Call call, String name) {
    return global(call).filter(name::equals).isPresent();
  }

  private Optional<String> global(Expr.Call call) {
    if (call.callee() instanceof Expr.Name name) {
      return Optional.of(name.name()).filter(n -> !assignments.containsKey(n));
    }
    return call.callee()
        .dotted()
        .filter(n -> !assignments.containsKey(n.substring(0, n.indexOf('.'))));
  }

  /** {@return the number of arguments; -1 if one has a keyword} */
  static int positionals(Expr.Call call) {
    return call.arguments().stream().allMatch(a -> a.keyword().isEmpty())
        ? call.arguments().size()
        : -1;
  }

  /** {@return the value of a literal integer} */
  static OptionalInt whole(Expr expr) {
    if (expr instanceof Expr.Unary unary && unary.operand() instanceof Expr.Numeral negative) {
      OptionalInt value = negative.integer();
      return value.isPresent() ? OptionalInt.of(-value.getAsInt()) : value;
    }
    return expr instanceof Expr.Numeral numeral ? numeral.integer() : OptionalInt.empty();
  }

  /** {@return whether an expression is a number, or a tensor that is one number} */
  boolean isNumber(Expr expr) {
    Expr at = origin(expr);
    if (at instanceof Expr.Unary unary) {
      return unary.operand() instanceof Expr.Name name
          ? name.name().equals("inf") && !assignments.containsKey(name.name())
          : unary.operand() instanceof Expr.Numeral;
    }
    if (at instanceof Expr.Call call) {
      return isCall(call, "torch.full") && call.positional(0).filter(this::isEmpty).isPresent();
    }
    return at instanceof Expr.Numeral
        || constant(at)
            .flatMap(name -> Slot.constant(program.constants(), name))
            .flatMap(TensorView::of)
            .filter(view -> view.sizes().isEmpty())
            .isPresent();
  }

  /** {@return the name of a constant without its prefix, if an expression is one} */
  private static Optional<String> constant(Expr expr) {
    return expr.dotted()
        .filter(name -> name.startsWith(Slot.CONSTANT_PREFIX))
        .map(name -> name.substring(Slot.CONSTANT_PREFIX.length()));
  }

  /** {@return whether an expression is known to be a tensor} */
  boolean isTensor(Expr expr) {
    Expr at = origin(expr);
    if (at instanceof Expr.Name name) {
      return isSetOnce(name.name())
          && function.parameters().stream().anyMatch(p -> isTensor(p, name.name()));
    }
    if (at instanceof Expr.Member member) {
      return constant(at).isPresent()
          || type(member.base(), 0).filter(t -> t.isTensor(member.name())).isPresent();
    }
    return at instanceof Expr.Call call && global(call).filter(TENSORS::contains).isPresent();
  }

  private static boolean isTensor(Function.Parameter parameter, String name) {
    return parameter.name().equals(name)
        && parameter
            .type()
            .filter(t -> !(t instanceof Expr.Name n && n.name().equals("Tensor")))
            .isEmpty();
  }

  private boolean isEmpty(Expr expr) {
    if (expr instanceof Expr.Call call) {
      return isCall(call, "annotate") && call.positional(1).filter(this::isEmpty).isPresent();
    }
    return expr instanceof Expr.Display list && list.items().isEmpty();
  }

  /** {@return the method of a module that is called, if all of its calls change no tensor} */
  Optional<Locals> method(Expr.Call call) {
    return called(call).filter(Locals::isPure);
  }

  private Optional<Locals> called(Expr.Call call) {
    if (depth >= MOST_DEPTH || !(call.callee() instanceof Expr.Member member)) {
      return Optional.empty();
    }
    return type(member.base(), 0)
        .flatMap(
            t ->
                Optional.ofNullable(t.methods().get(member.name()))
                    .map(m -> new Locals(program, Optional.of(t), m, depth + 1)));
  }

  /**
   * {@return the class of a module}
   *
   * @param expr the module
   * @param steps the attributes that are behind it
   */
  private Optional<ClassDef> type(Expr expr, int steps) {
    Expr at = origin(expr);
    if (steps > MOST_ATTRIBUTES) {
      return Optional.empty();
    }
    if (at instanceof Expr.Name name) {
      return type.filter(t -> isSetOnce(name.name()))
          .filter(t -> function.parameters().get(0).name().equals(name.name()));
    }
    if (at instanceof Expr.Member member) {
      return attribute(member.base(), member.name(), steps);
    }
    return at instanceof Expr.Call call
            && isCall(call, "getattr")
            && positionals(call) == 2
            && call.arguments().get(1).value() instanceof Expr.Text text
        ? text.plain().flatMap(n -> attribute(call.arguments().get(0).value(), n, steps))
        : Optional.empty();
  }

  private Optional<ClassDef> attribute(Expr base, String name, int steps) {
    return type(base, steps + 1)
        .flatMap(t -> t.declared(name))
        .flatMap(program.definitions()::type);
  }

  /**
   * {@return whether the function changes no tensor; in doubt, as where it calls itself, it may}
   */
  private boolean isPure() {
    Boolean known = program.known().putIfAbsent(function, false);
    if (known == null) {
      known =
          function.body().stream()
              .allMatch(
                  s ->
                      s.understood()
                          && s.member().isEmpty()
                          && s.values().stream().allMatch(this::isPure));
      program.known().put(function, known);
    }
    return known;
  }

  /** {@return whether an expression changes no tensor} */
  boolean isPure(Expr expr) {
    if (expr instanceof Expr.Call call) {
      Optional<String> global = global(call);
      boolean pure = global.isPresent() ? isPure(global.get(), call) : isPureMethod(call);
      if (!pure) {
        return false;
      }
    }
    return expr.children().stream().allMatch(this::isPure);
  }

  private boolean isPure(String name, Expr.Call call) {
    Optional<Definitions.Free> free = program.definitions().function(name);
    return free.isPresent()
        ? depth < MOST_DEPTH
            && new Locals(program, Optional.empty(), free.get().function(), depth + 1).isPure()
        : PureCalls.contain(name, call);
  }

  private boolean isPureMethod(Expr.Call call) {
    boolean held =
        call.callee() instanceof Expr.Member member
            && type(member.base(), 0)
                .map(ClassDef::qualified)
                .filter(program.pure()::contains)
                .isPresent();
    return held
        || called(call)
            .filter(m -> m.type.filter(ClassDef::isModule).isPresent() && m.isPure())
            .isPresent();
  }
}
