package dev.monoquant.io.torchscript;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * The calls of {@code torch.NAME(...)} in printed TorchScript, with their arguments as they stand
 * there. One pass, whatever the nesting. What this does not do: it resolves no names.
 */
final class CallSites {

  private static final String PREFIX = "torch.";

  /**
   * A call.
   *
   * @param name such as {@code linear}
   * @param arguments their texts, trimmed; those that hold brackets are empty texts
   */
  record Call(String name, List<String> arguments) {}

  /** A bracket that is open: of a call, or any other. */
  private static final class Bracket {
    private final Optional<String> call;
    private final List<String> arguments = new ArrayList<>();
    private int start;
    private boolean nested;

    Bracket(Optional<String> call, int start) {
      this.call = call;
      this.start = start;
    }

    void endArgument(String code, int end, boolean last) {
      String text = nested ? "" : code.substring(start, end).trim();
      if (call.isPresent() && (nested || !last || !text.isEmpty())) {
        arguments.add(text);
      }
      start = end + 1;
      nested = false;
    }
  }

  private final String code;
  private final List<Call> calls = new ArrayList<>();
  private final Deque<Bracket> open = new ArrayDeque<>();

  private CallSites(String code) {
    this.code = code;
  }

  /**
   * Finds calls.
   *
   * @param code the text of a file
   * @return the calls in the order in which they end
   */
  static List<Call> of(String code) {
    CallSites sites = new CallSites(code);
    for (int at = 0; at < code.length(); at++) {
      char c = code.charAt(at);
      if (c == '"' || c == '\'') {
        at = endOfText(code, at);
      } else {
        sites.visit(c, at);
      }
    }
    return sites.calls;
  }

  private void visit(char c, int at) {
    if (c == '(' || c == '[' || c == '{') {
      if (!open.isEmpty()) {
        open.peek().nested = true;
      }
      open.push(new Bracket(c == '(' ? callee(at) : Optional.empty(), at + 1));
    } else if (open.isEmpty()) {
      return;
    } else if (c == ',') {
      open.peek().endArgument(code, at, false);
    } else if (c == ')' || c == ']' || c == '}') {
      Bracket bracket = open.pop();
      bracket.endArgument(code, at, true);
      bracket.call.ifPresent(name -> calls.add(new Call(name, bracket.arguments)));
    }
  }

  /** The name before a bracket if it is one of {@code torch}, and of nothing that ends so. */
  private Optional<String> callee(int bracket) {
    int start = bracket;
    while (start > 0 && Character.isJavaIdentifierPart(code.charAt(start - 1))) {
      start--;
    }
    int prefix = start - PREFIX.length();
    boolean torch =
        start < bracket
            && code.startsWith(PREFIX, prefix)
            && (prefix == 0 || " (,=[\n".indexOf(code.charAt(prefix - 1)) >= 0);
    return torch ? Optional.of(code.substring(start, bracket)) : Optional.empty();
  }

  private static int endOfText(String code, int quote) {
    int at = quote + 1;
    while (at < code.length() && code.charAt(at) != code.charAt(quote)) {
      at += code.charAt(at) == '\\' ? 2 : 1;
    }
    return at;
  }
}
