package dev.monoquant.script;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A file of source as torch's printer writes it: classes and functions, and nothing else that
 * matters. Source: {@code torch/csrc/jit/serialization/python_print.cpp} of torch 2.13.
 */
public final class SourceFile {

  private final String path;
  private final String text;
  private final Map<String, ClassDef> classes = new LinkedHashMap<>();
  private final Map<String, Function> functions = new LinkedHashMap<>();
  private final List<Lines.Line> others = new ArrayList<>();

  private SourceFile(String path, String text) {
    this.path = path;
    this.text = text;
  }

  /**
   * Parses a file.
   *
   * @param path its path below {@code code/}
   * @param text its source
   * @param label the archive, for messages
   * @return the file
   * @throws ModelFormatException if it is not what torch writes
   */
  public static SourceFile parse(String path, String text, String label) {
    SourceFile file = new SourceFile(path, text);
    try {
      file.read(Lines.of(text));
    } catch (SourceFault e) {
      long line = text.substring(0, Math.min(e.offset(), text.length())).lines().count();
      throw new ModelFormatException(
          Reason.PICKLE_SHAPE,
          label,
          "entry " + quote("code/" + path),
          "line "
              + line
              + " is not as torch writes it: "
              + e.getMessage()
              + ". The archive was altered or is of an unknown version; save it again.",
          e);
    }
    return file;
  }

  /** {@return its path below code/} */
  String path() {
    return path;
  }

  /** {@return its source} */
  public String text() {
    return text;
  }

  /**
   * {@return what stands before the name of a class in its qualified name, with a dot at the end}
   */
  String prefix() {
    String stem = path.endsWith(".py") ? path.substring(0, path.length() - 3) : path;
    return stem.replace('/', '.') + ".";
  }

  /** {@return its classes by their own names} */
  public Map<String, ClassDef> classes() {
    return classes;
  }

  /** {@return its functions by their own names} */
  public Map<String, Function> functions() {
    return functions;
  }

  /** {@return whether there is anything else in it} */
  public boolean hasOthers() {
    return !others.isEmpty();
  }

  private void read(List<Lines.Line> lines) throws SourceFault {
    int at = 0;
    while (at < lines.size()) {
      Lines.Line head = lines.get(at);
      int next = blockEnd(lines, at);
      if (head.indent() != 0) {
        throw new SourceFault("it is indented", head.start());
      }
      if (head.startsWith("def")) {
        Function function = Function.of(head, lines.subList(at + 1, next));
        if (functions.put(function.name(), function) != null) {
          throw new SourceFault("function " + function.name() + " is there twice", head.start());
        }
      } else if (head.startsWith("class")) {
        ClassDef type = classDef(head, lines.subList(at + 1, next));
        if (classes.put(type.name(), type) != null) {
          throw new SourceFault("class " + type.name() + " is there twice", head.start());
        }
      } else {
        others.add(head);
      }
      at = next;
    }
  }

  /** The index after the lines that are indented more than one. */
  private static int blockEnd(List<Lines.Line> lines, int head) {
    int at = head + 1;
    while (at < lines.size() && lines.get(at).indent() > lines.get(head).indent()) {
      at++;
    }
    return at;
  }

  private ClassDef classDef(Lines.Line head, List<Lines.Line> body) throws SourceFault {
    ExprParser parser = new ExprParser(head.tokens(), 1);
    String name = parser.take().text();
    String base = "";
    if (parser.next("(")) {
      parser.take();
      base = parser.next(")") ? "" : parser.take().text();
      parser.expect(")");
    }
    parser.expect(":");
    Map<String, ClassDef.Attribute> attributes = new LinkedHashMap<>();
    Map<String, ClassDef.NameList> lists = new LinkedHashMap<>();
    Map<String, Function> methods = new LinkedHashMap<>();
    int at = 0;
    while (at < body.size()) {
      Lines.Line line = body.get(at);
      int next = blockEnd(body, at);
      if (line.startsWith("def")) {
        Function method = Function.of(line, body.subList(at + 1, next));
        if (methods.put(method.name(), method) != null) {
          throw new SourceFault("method " + method.name() + " is there twice", line.start());
        }
      } else {
        if (next != at + 1) {
          throw new SourceFault("a block that is no method", line.start());
        }
        member(line, attributes, lists);
      }
      at = next;
    }
    int end = body.isEmpty() ? head.end() : body.get(body.size() - 1).end();
    return new ClassDef(
        this, name, base, attributes, lists, methods, head.start(), head.end(), end);
  }

  private static void member(
      Lines.Line line,
      Map<String, ClassDef.Attribute> attributes,
      Map<String, ClassDef.NameList> lists)
      throws SourceFault {
    ExprParser parser = new ExprParser(line.tokens(), 0);
    Expr target = parser.expression();
    if (target instanceof Expr.Name name && parser.next(":")) {
      parser.take();
      Expr type = parser.expression();
      if (!parser.next("=")) {
        put(attributes, name.name(), type);
      }
    } else if (target instanceof Expr.Index index
        && index.base() instanceof Expr.Name base
        && base.name().equals("__annotations__")
        && index.items().size() == 1
        && index.items().get(0) instanceof Expr.Text text) {
      parser.expect("=");
      Expr type = parser.expression();
      if (text.plain().isPresent()) {
        put(attributes, text.plain().get(), type);
      }
    } else if (target instanceof Expr.Name list
        && (list.name().equals("__parameters__") || list.name().equals("__buffers__"))) {
      parser.expect("=");
      if (lists.put(list.name(), nameList(parser.expression())) != null) {
        throw new SourceFault(list.name() + " is there twice", line.start());
      }
    }
  }

  private static void put(Map<String, ClassDef.Attribute> attributes, String name, Expr type)
      throws SourceFault {
    if (attributes.put(name, new ClassDef.Attribute(name, type)) != null) {
      throw new SourceFault("attribute " + quote(name) + " is there twice", type.start());
    }
  }

  private static ClassDef.NameList nameList(Expr expr) throws SourceFault {
    List<Expr.Text> items = new ArrayList<>();
    for (Expr item : expr.children()) {
      if (!(item instanceof Expr.Text text)) {
        throw new SourceFault("a name in quotes was expected", item.start());
      }
      items.add(text);
    }
    return new ClassDef.NameList(items, expr.start(), expr.end());
  }
}
