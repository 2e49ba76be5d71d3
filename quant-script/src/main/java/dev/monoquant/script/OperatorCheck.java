package dev.monoquant.script;

import dev.monoquant.script.SourceFile.ClassDef;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Checks that the code of a program only computes. The whole text is checked, whether or not it is
 * executed: bodies, defaults, and the values of constants, which the engine computes when it loads
 * a program.
 *
 * <p>The check uses tokens and not calls, so that it covers aliases ({@code f = torch.save}),
 * methods ({@code x.save("f")} is {@code torch.save}) and lines that cannot be parsed. It requires:
 *
 * <ul>
 *   <li>{@code torch.NAME} and {@code ops.NAMESPACE.NAME} are on the {@linkplain OperatorList list
 *       of operators that compute}; neither {@code torch} nor {@code ops} occurs alone.
 *   <li>{@code __torch__.…} is a class or function of the program, or a listed class of the engine.
 *   <li>Any other dot is followed by a listed operator or attribute, or by a name that a class of
 *       the program declares and that is not another operator. The same applies to the string in
 *       {@code getattr(x, "name")}, which must be a literal.
 *   <li>The text contains only names, brackets, operators, and numbers and strings in the form that
 *       torch writes: text that its parser would read differently is refused.
 * </ul>
 *
 * <p>What this does not do: it does not bound the run time or memory of the program. Not
 * thread-safe.
 */
final class OperatorCheck {

  private static final String ROOT = "__torch__";
  private static final String CONSTANTS = "CONSTANTS";
  private static final Set<String> ROOTS = Set.of("torch", "ops", ROOT, CONSTANTS);
  private static final String ENGINE_CLASSES = ROOT + ".torch.classes.";

  /** The most findings; a bound on memory. */
  private static final int MOST_FINDINGS = 100;

  private static final String SYMBOLS = "()[]{},:.=+-*/%<>!&|^~";

  private final Definitions definitions;
  private final Set<String> declared = new HashSet<>();
  private final Map<String, String> findings = new LinkedHashMap<>();

  private OperatorCheck(Definitions definitions) {
    this.definitions = definitions;
    for (ClassDef type : definitions.classes()) {
      declared.addAll(type.attributes().keySet());
      declared.addAll(type.methods().keySet());
    }
  }

  /**
   * Checks a program.
   *
   * @param definitions its code
   * @param pickled the names of the program's classes in its pickles, such as {@code __torch__.Net}
   * @param types the types named in its pickles, such as {@code List[int]}
   * @return what is not known to only compute, each once with its first position; empty if there is
   *     nothing
   */
  static List<String> findings(Definitions definitions, Set<String> pickled, Set<String> types) {
    OperatorCheck check = new OperatorCheck(definitions);
    for (String type : types) {
      check.type(type);
    }
    for (String name : pickled) {
      if (!check.isKnown(name)) {
        check.add("class " + name, "the pickles");
      }
    }
    definitions.files().forEach(check::file);
    return check.findings.entrySet().stream().map(f -> f.getKey() + " in " + f.getValue()).toList();
  }

  private void type(String type) {
    try {
      if (!Nesting.isAllowed(type)) {
        add("a type that nests deeper than " + Nesting.MOST + " levels", "the pickles");
      }
    } catch (SourceFault e) {
      add("a type that is not as torch writes it (" + e.getMessage() + ")", "the pickles");
    }
  }

  private void file(SourceFile file) {
    String text = file.text();
    Reader reader = new Reader(file);
    Nesting nesting = new Nesting();
    try {
      int at = 0;
      int line = 0;
      boolean first = true;
      while (at < text.length()) {
        if (Token.isBlank(text.charAt(at))) {
          boolean ends = text.charAt(at) == '\n';
          at = Token.skip(text, at, text.length());
          line = ends ? at : line;
          first |= ends;
        } else {
          Token token = Token.at(text, at);
          reader.take(token);
          if (!nesting.take(token, first ? at - line + 1 : 0)) {
            throw new SourceFault("it nests deeper than " + Nesting.MOST + " levels", at);
          }
          first = false;
          at = token.end();
        }
      }
      reader.end();
    } catch (SourceFault e) {
      reader.add("text that is not as torch writes it (" + e.getMessage() + ")", e.offset());
    }
  }

  private void add(String what, String place) {
    if (findings.size() < MOST_FINDINGS) {
      findings.putIfAbsent(what, place);
    }
  }

  /**
   * Returns whether a dotted name below {@code __torch__} is defined by the program or the engine.
   */
  private boolean isKnown(String dotted) {
    if (dotted.startsWith(ENGINE_CLASSES)) {
      return OperatorList.knowsClass(dotted.substring(ENGINE_CLASSES.length()));
    }
    return definitions.type(dotted).isPresent() || definitions.function(dotted).isPresent();
  }

  private boolean isMember(String name) {
    return OperatorList.memberComputes(name)
        || (declared.contains(name) && !OperatorList.memberIsRefused(name));
  }

  /** Checks the tokens of a file. */
  private final class Reader {

    private final SourceFile file;

    /** The part of a dotted name that was read: its root and the names after it. */
    private final List<Token> chain = new ArrayList<>();

    /** The open calls of {@code getattr}. */
    private final List<Getattr> open = new ArrayList<>();

    private int depth;
    private Token last = new Token(Token.Kind.SYMBOL, "", 0, 0);
    private int lines = 1;
    private int counted;

    Reader(SourceFile file) {
      this.file = file;
    }

    void take(Token token) throws SourceFault {
      switch (token.kind()) {
        case NAME -> name(token);
        case NUMBER -> {
          if (!isNumeral(token.text())) {
            throw new SourceFault("a number of an unknown form", token.start());
          }
        }
        case STRING -> {
          if (last.kind() == Token.Kind.STRING) {
            throw new SourceFault("two strings without anything between", token.start());
          }
        }
        case SYMBOL -> {
          if (SYMBOLS.indexOf(token.text().charAt(0)) < 0) {
            throw new SourceFault("a character that code does not have", token.start());
          }
        }
      }
      boolean goesOn = token.is(".") && last.isName();
      if (!token.isName() && !goesOn) {
        endChain();
      }
      getattr(token);
      last = token;
    }

    void end() throws SourceFault {
      endChain();
      if (!open.isEmpty() || (last.isName() && last.is("getattr"))) {
        throw new SourceFault("a call that does not end", file.text().length());
      }
    }

    /** Adds a finding. Offsets mostly increase, so that each line is counted once. */
    private void add(String what, int offset) {
      if (findings.size() >= MOST_FINDINGS || findings.containsKey(what)) {
        return;
      }
      if (offset < counted) {
        counted = 0;
        lines = 1;
      }
      for (; counted < offset; counted++) {
        lines += file.text().charAt(counted) == '\n' ? 1 : 0;
      }
      OperatorCheck.this.add(what, "code/" + file.path() + " line " + lines);
    }

    private void name(Token token) {
      if (last.is(".")) {
        if (chain.isEmpty()) {
          member(token.text(), token.start());
        } else {
          chain.add(token);
        }
        return;
      }
      endChain();
      if (ROOTS.contains(token.text())) {
        chain.add(token);
      }
    }

    private void member(String name, int offset) {
      if (!isMember(name)) {
        add("." + name, offset);
      }
    }

    private void endChain() {
      if (chain.isEmpty()) {
        return;
      }
      List<String> names = chain.stream().map(Token::text).toList();
      int offset = chain.get(0).start();
      chain.clear();
      int known =
          switch (names.get(0)) {
            case "torch" -> names.size() > 1 && OperatorList.computes("aten", names.get(1)) ? 2 : 0;
            case "ops" ->
                names.size() > 2 && OperatorList.computes(names.get(1), names.get(2)) ? 3 : 0;
            case CONSTANTS -> names.size() > 1 ? 2 : 0;
            default -> known(names);
          };
      if (known == 0) {
        add(String.join(".", names), offset);
        return;
      }
      if (!isEnum(names, known)) {
        names.subList(known, names.size()).forEach(name -> member(name, offset));
      }
    }

    /**
     * Returns the number of leading names that form a known class or function; 0 if there is none.
     */
    private int known(List<String> names) {
      for (int i = names.size(); i > 1; i--) {
        if (isKnown(String.join(".", names.subList(0, i)))) {
          return i;
        }
      }
      return 0;
    }

    private boolean isEnum(List<String> names, int count) {
      return definitions
          .type(String.join(".", names.subList(0, count)))
          .filter(type -> type.base().equals("Enum"))
          .isPresent();
    }

    /**
     * Checks that a call of {@code getattr} has a string literal, and that the member it names is
     * known.
     */
    private void getattr(Token token) throws SourceFault {
      boolean isCallee = last.isName() && last.is("getattr");
      if (isCallee && !token.is("(")) {
        throw new SourceFault("getattr without a call", last.start());
      }
      if (token.is("(") || token.is("[") || token.is("{")) {
        depth++;
        if (isCallee) {
          open.add(new Getattr(depth));
        }
        return;
      }
      Getattr inner = open.isEmpty() ? null : open.get(open.size() - 1);
      if (token.is(")") || token.is("]") || token.is("}")) {
        if (inner != null && inner.depth == depth) {
          if (inner.commas < 1 || !inner.named) {
            throw new SourceFault("getattr without a text", token.start());
          }
          open.remove(open.size() - 1);
        }
        depth--;
      } else if (inner != null && inner.depth == depth) {
        inner.take(token);
      }
    }

    /** The part of a call of {@code getattr} that was read. */
    private final class Getattr {

      private final int depth;
      private int commas;
      private boolean named;

      Getattr(int depth) {
        this.depth = depth;
      }

      void take(Token token) throws SourceFault {
        if (token.is(",")) {
          commas++;
        } else if (commas == 1) {
          if (named || token.kind() != Token.Kind.STRING || token.text().indexOf('\\') >= 0) {
            throw new SourceFault("getattr with something else than a text", token.start());
          }
          named = true;
          member(token.text().substring(1, token.text().length() - 1), token.start());
        }
      }
    }
  }

  /**
   * Returns whether a number has the form that torch writes: digits with at most one point and an
   * exponent. After any other form, torch's parser would read a member.
   */
  private static boolean isNumeral(String text) {
    int at = 0;
    int digits = 0;
    boolean point = false;
    for (; at < text.length(); at++) {
      char c = text.charAt(at);
      if (c >= '0' && c <= '9') {
        digits++;
      } else if (c == '.' && !point) {
        point = true;
      } else {
        break;
      }
    }
    if (at < text.length() && (text.charAt(at) == 'e' || text.charAt(at) == 'E')) {
      at++;
      if (at < text.length() && (text.charAt(at) == '-' || text.charAt(at) == '+')) {
        at++;
      }
      int start = at;
      while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
        at++;
      }
      digits = at > start ? digits : 0;
    }
    if (at < text.length() && text.charAt(at) == 'j') {
      at++;
    }
    return digits > 0 && at == text.length();
  }
}
