package dev.monoquant.script;

import java.util.Optional;

/** Names with dots, such as {@code torch.linear}. */
final class Dotted {

  private Dotted() {}

  /** {@return the name, if the expression is one of more than one part} */
  static Optional<String> of(Expr expr) {
    if (expr instanceof Expr.Member member) {
      if (member.base() instanceof Expr.Name root) {
        return Optional.of(root.name() + "." + member.name());
      }
      return of(member.base()).map(base -> base + "." + member.name());
    }
    return Optional.empty();
  }

  /** {@return the name at its beginning, if the expression is a name with or without dots} */
  static Optional<String> root(Expr expr) {
    if (expr instanceof Expr.Name name) {
      return Optional.of(name.name());
    }
    return expr instanceof Expr.Member member ? root(member.base()) : Optional.empty();
  }
}
