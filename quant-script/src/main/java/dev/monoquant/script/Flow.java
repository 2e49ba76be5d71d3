package dev.monoquant.script;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The values that pass from layer to layer of a program, module by module: all methods of the root
 * are followed into the methods and functions that they call, each call anew.
 *
 * <p>A value is followed from the call that makes it through names that are set once, arguments and
 * results. Whatever else happens to it is a use of unknown kind ({@link Kind#OTHER}). Branches and
 * loops are read as if each of their lines ran. If a call cannot be resolved, nothing is known of
 * the program ({@link #isKnown()}).
 */
final class Flow {

  /** The most calls that are followed. */
  private static final int MOST_CALLS = 50_000;

  /** The deepest nesting of calls and expressions that is followed. */
  private static final int MOST_DEPTH = 200;

  private static final int NORM_ARGUMENTS = 9;
  private static final int NORM_TENSORS = 4;
  private static final int NORM_TRAINING = 5;
  private static final int NORM_EPSILON = 7;

  /** What a call does with its first argument. */
  enum Kind {
    /** A product or a convolution with a weight. */
    LAYER,
    /** {@code torch.batch_norm} by stored statistics. */
    NORM,
    /** {@code torch.relu}. */
    RELU,
    /** Selects or arranges numbers, by their order alone. */
    ARRANGED,
    /** Anything else. */
    OTHER
  }

  /** Functions of {@link Kind#ARRANGED} that also take tensors of bytes. */
  private static final Set<String> ARRANGING =
      Set.of(
          "torch.contiguous",
          "torch.detach",
          "torch.flatten",
          "torch.max_pool2d",
          "torch.permute",
          "torch.reshape",
          "torch.transpose",
          "torch.view");

  /** Functions that return no numbers of a tensor, nor its type. */
  private static final Set<String> SIZES =
      Set.of("torch.size", "torch.dim", "torch.numel", "torch.len");

  /** What is known of an expression. */
  private sealed interface Item {}

  /** A value that is made when the program runs. */
  static final class Made implements Item {
    private final List<Use> uses = new ArrayList<>();

    /** {@return what happens to it} */
    List<Use> uses() {
      return uses;
    }
  }

  private record OfModule(Modules.Module module) implements Item {}

  private record Stored(Modules.Place place) implements Item {}

  /** A literal, or what is no tensor and no module. */
  private record Plain() implements Item {}

  private static final Plain PLAIN = new Plain();

  /**
   * What happens to a value.
   *
   * @param kind the kind
   * @param made the result
   * @param stored the weight of a layer, or weight, bias, mean and variance of a norm
   * @param epsilon what a norm adds to the variance
   */
  record Use(Kind kind, Made made, List<Modules.Place> stored, double epsilon) {}

  /** A call of a layer: its input and its output. */
  record Call(Made input, Made output) {}

  private final Definitions definitions;
  private final Map<Modules.Place, List<Call>> layers = new HashMap<>();
  private final Set<Modules.Place> others = new HashSet<>();
  private boolean known = true;
  private int calls;
  private int depth;

  private Flow(Definitions definitions) {
    this.definitions = definitions;
  }

  /** {@return what is known of the values of a program} */
  static Flow of(Definitions definitions, Modules modules) {
    Flow flow = new Flow(definitions);
    Modules.Module root = modules.root();
    for (Function method : root.type().methods().values()) {
      List<Item> arguments = new ArrayList<>(List.of(new OfModule(root)));
      method.parameters().stream().skip(1).forEach(p -> arguments.add(new Made()));
      flow.escape(flow.invoke(method, arguments));
    }
    return flow;
  }

  /** {@return whether all calls were followed} */
  boolean isKnown() {
    return known;
  }

  /** {@return the calls of the layer with a weight} */
  List<Call> calls(Modules.Place weight) {
    return layers.getOrDefault(weight, List.of());
  }

  /** {@return whether a tensor may be read or changed other than by layers and norms} */
  boolean isUsedOtherwise(Modules.Place tensor) {
    return others.contains(tensor);
  }

  /** The names of one call of a function. */
  private static final class Frame {
    private final Map<String, Integer> assignments;
    private final Map<String, Item> values = new HashMap<>();

    Frame(Function function) {
      this.assignments = function.assignments();
    }
  }

  private Item invoke(Function function, List<Item> arguments) {
    if (++calls > MOST_CALLS || depth > MOST_DEPTH) {
      known = false;
      return PLAIN;
    }
    depth++;
    Frame frame = new Frame(function);
    List<Function.Parameter> parameters = function.parameters();
    for (int i = 0; i < parameters.size(); i++) {
      bind(frame, parameters.get(i).name(), i < arguments.size() ? arguments.get(i) : PLAIN);
    }
    List<Item> returned = new ArrayList<>();
    for (Statement statement : function.body()) {
      known &= statement.understood();
      statement.member().ifPresent(m -> set(m, frame));
      boolean result = statement.line().is("return") && statement.values().size() == 1;
      for (Expr expr : statement.values()) {
        Item item = eval(expr, frame);
        if (result) {
          returned.add(item);
        } else if (statement.alias().isPresent()) {
          bind(frame, statement.alias().get(), item);
        } else {
          escape(item);
        }
      }
      if (statement.alias().isEmpty()) {
        statement.assigned().forEach(name -> bind(frame, name, new Made()));
      }
    }
    depth--;
    if (returned.size() == 1) {
      return returned.get(0);
    }
    returned.forEach(this::escape);
    return new Made();
  }

  private void bind(Frame frame, String name, Item item) {
    if (frame.assignments.getOrDefault(name, 0) == 1) {
      frame.values.put(name, item);
    } else {
      escape(item);
    }
  }

  private void set(Expr.Member member, Frame frame) {
    if (eval(member.base(), frame) instanceof OfModule owner
        && !owner.module().children().containsKey(member.name())) {
      others.add(new Modules.Place(owner.module(), member.name()));
    } else {
      known = false;
    }
  }

  private void escape(Item item) {
    if (item instanceof Made made) {
      made.uses.add(new Use(Kind.OTHER, new Made(), List.of(), 0));
    } else if (item instanceof Stored stored) {
      others.add(stored.place());
    } else if (item instanceof OfModule) {
      known = false;
    }
  }

  private Item eval(Expr expr, Frame frame) {
    if (depth > MOST_DEPTH) {
      known = false;
      return PLAIN;
    }
    depth++;
    Item item = evaluated(expr, frame);
    depth--;
    return item;
  }

  private Item evaluated(Expr expr, Frame frame) {
    if (expr instanceof Expr.Name name) {
      return named(name.name(), frame);
    }
    if (expr instanceof Expr.Paren paren) {
      return eval(paren.inner(), frame);
    }
    if (expr instanceof Expr.Member member) {
      return attribute(eval(member.base(), frame), member.name());
    }
    if (expr instanceof Expr.Call call) {
      return call(call, frame);
    }
    expr.children().forEach(c -> escape(eval(c, frame)));
    return expr.children().isEmpty() ? PLAIN : new Made();
  }

  private Item named(String name, Frame frame) {
    Integer count = frame.assignments.get(name);
    if (count == null) {
      return PLAIN;
    }
    Item item = frame.values.get(name);
    // A name that is read before the line that sets it would be read in another round of a loop.
    known &= item != null || count > 1;
    return item == null ? new Made() : item;
  }

  private Item attribute(Item base, String name) {
    if (!(base instanceof OfModule owner)) {
      escape(base);
      return base instanceof Plain ? PLAIN : new Made();
    }
    Modules.Module child = owner.module().children().get(name);
    if (child != null) {
      return new OfModule(child);
    }
    return owner.module().tensors().containsKey(name)
        ? new Stored(new Modules.Place(owner.module(), name))
        : PLAIN;
  }

  private Item call(Expr.Call call, Frame frame) {
    Optional<String> global = global(call.callee(), frame);
    if (global.filter("getattr"::equals).isPresent()
        && call.arguments().size() == 2
        && call.arguments().get(1).value() instanceof Expr.Text text) {
      Item base = eval(call.arguments().get(0).value(), frame);
      known &= text.plain().isPresent();
      return attribute(base, text.plain().orElse(""));
    }
    if (global.filter(n -> n.equals("annotate") || n.equals("unchecked_cast")).isPresent()
        && call.arguments().size() == 2) {
      return eval(call.arguments().get(1).value(), frame);
    }
    List<Item> arguments = new ArrayList<>();
    call.arguments().forEach(a -> arguments.add(eval(a.value(), frame)));
    if (global.isPresent()) {
      Optional<Definitions.Free> free = definitions.function(global.get());
      return free.isPresent()
          ? invoke(call, free.get().function(), arguments)
          : operation(global.get(), call, arguments);
    }
    if (call.callee() instanceof Expr.Member member
        && eval(member.base(), frame) instanceof OfModule owner) {
      Function method = owner.module().type().methods().get(member.name());
      if (method != null && owner.module().isOpen()) {
        arguments.add(0, owner);
        return invoke(call, method, arguments);
      }
    }
    known = false;
    return PLAIN;
  }

  private Item invoke(Expr.Call call, Function function, List<Item> arguments) {
    known &= !hasKeyword(call) && arguments.size() <= function.parameters().size();
    return invoke(function, arguments);
  }

  private static boolean hasKeyword(Expr.Call call) {
    return call.arguments().stream().anyMatch(a -> a.keyword().isPresent());
  }

  /** {@return the name of a global function} */
  private static Optional<String> global(Expr callee, Frame frame) {
    if (callee instanceof Expr.Name name) {
      return Optional.of(name.name()).filter(n -> !frame.assignments.containsKey(n));
    }
    return callee
        .dotted()
        .filter(n -> !frame.assignments.containsKey(n.substring(0, n.indexOf('.'))));
  }

  private Item operation(String name, Expr.Call call, List<Item> arguments) {
    if (SIZES.contains(name)) {
      arguments.stream().filter(a -> a instanceof OfModule).forEach(this::escape);
      return PLAIN;
    }
    Made made = new Made();
    Use use = arguments.isEmpty() || hasKeyword(call) ? null : use(name, call, arguments, made);
    if (use == null || !(arguments.get(0) instanceof Made input)) {
      arguments.forEach(this::escape);
      return made;
    }
    input.uses.add(use);
    if (use.kind() == Kind.LAYER) {
      layers
          .computeIfAbsent(use.stored().get(0), p -> new ArrayList<>())
          .add(new Call(input, made));
    }
    int taken = 1 + use.stored().size();
    arguments.stream().skip(taken).filter(a -> !(a instanceof Stored)).forEach(this::escape);
    return made;
  }

  private @Nullable Use use(String name, Expr.Call call, List<Item> arguments, Made made) {
    boolean layer = name.equals("torch.linear") || Window.of(name, call).isPresent();
    if (layer && arguments.size() > 1 && arguments.get(1) instanceof Stored weight) {
      return new Use(Kind.LAYER, made, List.of(weight.place()), 0);
    }
    if (name.equals("torch.batch_norm")) {
      return norm(call, arguments, made);
    }
    if (name.equals("torch.relu") || name.equals("torch.relu_")) {
      return new Use(Kind.RELU, made, List.of(), 0);
    }
    boolean passes = name.equals("torch.dropout") && isFalse(call, 2);
    return passes || ARRANGING.contains(name) ? new Use(Kind.ARRANGED, made, List.of(), 0) : null;
  }

  private static @Nullable Use norm(Expr.Call call, List<Item> arguments, Made made) {
    if (arguments.size() != NORM_ARGUMENTS || !isFalse(call, NORM_TRAINING)) {
      return null;
    }
    List<Modules.Place> tensors = new ArrayList<>();
    for (int i = 1; i <= NORM_TENSORS; i++) {
      if (arguments.get(i) instanceof Stored stored) {
        tensors.add(stored.place());
      }
    }
    if (tensors.size() < NORM_TENSORS
        || !(call.arguments().get(NORM_EPSILON).value() instanceof Expr.Numeral epsilon)) {
      return null;
    }
    try {
      return new Use(Kind.NORM, made, tensors, Double.parseDouble(epsilon.text()));
    } catch (NumberFormatException e) {
      return null;
    }
  }

  private static boolean isFalse(Expr.Call call, int index) {
    return call.positional(index)
        .filter(e -> e instanceof Expr.Name name && name.name().equals("False"))
        .isPresent();
  }
}
