package dev.monoquant.script;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Whether the code of a program does nothing but compute. All of its text is looked at, whatever is
 * reached when it runs: bodies, defaults and the values of constants, which the engine computes
 * when it loads a program.
 *
 * <p>It decides by tokens and not by calls, so that it holds for aliases ({@code f = torch.save}),
 * for methods ({@code x.save("f")} is {@code torch.save}) and for lines that are not understood:
 *
 * <ul>
 *   <li>{@code torch.NAME} and {@code ops.NAMESPACE.NAME} are on the {@linkplain OperatorList list
 *       of operators that compute}; neither {@code torch} nor {@code ops} stands alone.
 *   <li>{@code __torch__.…} is a class or function of the program, or a listed class of the
 *       engine's own.
 *   <li>Behind any other dot stands a listed operator or attribute, or a name that a class of the
 *       program declares and that is no other operator. The same holds for the text in {@code
 *       getattr(x, "name")}, which is nothing but a text.
 *   <li>Nothing else is in the text than names, brackets, operators, and numbers and strings as
 *       torch writes them: what its parser would take for something else is not let pass.
 * </ul>
 *
 * <p>What this does not do: it does not tell how long the program runs, or how much memory it
 * takes. Not thread-safe.
 */
final class OperatorCheck {

  private static final String ROOT = "__torch__";
  private static final String CONSTANTS = "CONSTANTS";
  private static final Set<String> ROOTS = Set.of("torch", "ops", ROOT, CONSTANTS);
  private static final String ENGINE_CLASSES = ROOT + ".torch.classes.";

  /** Further ones tell nothing more; a bound on memory. */
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
   * @param pickled the names of the classes of the program that its pickles name, such as {@code
   *     __torch__.Net}
   * @return each thing that is not known to compute, once, with its first place; empty if there is
   *     none
   */
  static List<String> findings(Definitions definitions, Set<String> pickled) {
    OperatorCheck check = new OperatorCheck(definitions);
    for (String name : pickled) {
      if (!check.isKnown(name)) {
        check.add("class " + name, "the pickles");
      }
    }
    definitions.files().forEach(check::file);
    return check.findings.entrySet().stream().map(f -> f.getKey() + " in " + f.getValue()).toList();
  }

  private void file(SourceFile file) {
    String text = file.text();
    Reader reader = new Reader(file);
    try {
      int at = 0;
      while (at < text.length()) {
        if (Token.isBlank(text.charAt(at))) {
          at = Token.skip(text, at, text.length());
        } else {
          Token token = Token.at(text, at);
          reader.take(token);
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

  /** Whether a dotted name below {@code __torch__} is one of the program or of the engine. */
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

  /** Follows the tokens of a file. */
  private final class Reader {

    private final SourceFile file;

    /** A root and the names behind it with dots between, as far as they were read. */
    private final List<Token> chain = new ArrayList<>();

    /** The calls of {@code getattr} that are not closed. */
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

    /** Offsets mostly rise, so that lines are counted once. */
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

    /** How many of the names are a class or function of the program; 0 if they are none. */
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

    /** {@code getattr} gives what its text names: the text must be there, and be known. */
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

    /** What was read of a call of {@code getattr}. */
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
   * Whether a number is digits with at most one point and an exponent, as torch writes it: behind
   * anything else, its parser would see a member.
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
