package dev.monoquant.script;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A method that does nothing but multiply its only argument by a weight of its module, as that of
 * {@code nn.Linear} does. A caller may then call the holder of the weight itself.
 *
 * @param weight the attribute of the weight
 * @param bias the attribute that is added; empty if none is
 */
record PlainLinear(String weight, Optional<String> bias) {

  /**
   * {@return what a method multiplies by; empty if it does anything else}
   *
   * @param method the method of a module
   */
  static Optional<PlainLinear> of(Function method) {
    List<Function.Parameter> parameters = method.parameters();
    if (parameters.size() != 2 || parameters.get(1).optional()) {
      return Optional.empty();
    }
    String self = parameters.get(0).name();
    String input = parameters.get(1).name();
    Map<String, Integer> assignments = method.assignments();
    Map<String, Expr> names = new HashMap<>();
    List<Statement> body = method.body();
    for (int i = 0; i < body.size(); i++) {
      Statement statement = body.get(i);
      boolean last = i == body.size() - 1;
      if (!statement.understood() || statement.values().size() != 1) {
        return Optional.empty();
      }
      if (last) {
        return statement.line().is("return")
            ? product(resolved(statement.values().get(0), names), self, input, names)
            : Optional.empty();
      }
      if (statement.alias().filter(n -> assignments.getOrDefault(n, 0) == 1).isEmpty()) {
        return Optional.empty();
      }
      names.put(statement.alias().get(), statement.values().get(0));
    }
    return Optional.empty();
  }

  private static Expr resolved(Expr expr, Map<String, Expr> names) {
    if (expr instanceof Expr.Paren paren) {
      return resolved(paren.inner(), names);
    }
    return expr instanceof Expr.Name name && names.containsKey(name.name())
        ? names.get(name.name())
        : expr;
  }

  private static Optional<PlainLinear> product(
      Expr expr, String self, String input, Map<String, Expr> names) {
    if (!(expr instanceof Expr.Call call)
        || call.callee().dotted().filter("torch.linear"::equals).isEmpty()
        || call.arguments().size() < 2
        || call.arguments().size() > 3
        || call.arguments().stream().anyMatch(a -> a.keyword().isPresent())
        || !(call.arguments().get(0).value() instanceof Expr.Name first)
        || !first.name().equals(input)) {
      return Optional.empty();
    }
    Optional<String> weight = attribute(call.arguments().get(1).value(), self, names);
    Optional<Expr> added = call.positional(2).map(bias -> resolved(bias, names));
    Optional<String> bias = added.flatMap(b -> attribute(b, self, names));
    // Every other name was set to an attribute, or to the product that is returned.
    boolean plain =
        names.values().stream().allMatch(e -> e == expr || attribute(e, self, names).isPresent());
    boolean none =
        added.isEmpty() || (added.get() instanceof Expr.Name name && name.name().equals("None"));
    return weight.isPresent() && plain && (none || bias.isPresent())
        ? Optional.of(new PlainLinear(weight.get(), bias))
        : Optional.empty();
  }

  private static Optional<String> attribute(Expr expr, String self, Map<String, Expr> names) {
    return resolved(expr, names) instanceof Expr.Member member
            && member.base() instanceof Expr.Name base
            && base.name().equals(self)
        ? Optional.of(member.name())
        : Optional.empty();
  }
}
