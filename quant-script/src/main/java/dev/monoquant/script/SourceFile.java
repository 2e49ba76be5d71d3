package dev.monoquant.script;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A source file in the form that torch's printer writes: classes and functions; nothing else
 * matters. Source: {@code torch/csrc/jit/serialization/python_print.cpp} of torch 2.13.
 *
 * <p>Code that cannot be parsed is skipped, and the first such position is recorded: reading
 * weights needs only the classes, but rewriting needs all code. Parsing fails only for code that
 * would change the tensors of a model: a class that is defined twice, and a list of parameters or
 * buffers in an unknown form.
 */
final class SourceFile {

  private final String path;
  private final String text;
  private final String label;
  private final Map<String, ClassDef> classes = new LinkedHashMap<>();
  private final Map<String, Function> functions = new LinkedHashMap<>();
  private final IntConsumer charge;
  private @Nullable SourceFault fault;

  private SourceFile(String path, String text, String label, IntConsumer charge) {
    this.path = path;
    this.text = text;
    this.label = label;
    this.charge = charge;
  }

  /**
   * Parses a file.
   *
   * @param path its path below {@code code/}
   * @param text its source
   * @param label the archive, for messages
   * @param charge receives the number of names and literals that are kept; throws if they are too
   *     many
   * @return the file
   * @throws ModelFormatException if a class is defined twice, or the names of its parameters or
   *     buffers are in an unknown form
   */
  static SourceFile parse(String path, String text, String label, IntConsumer charge) {
    SourceFile file = new SourceFile(path, text, label, charge);
    Lines lines = new Lines(text, 0, text.length());
    for (Lines.Line head = lines.take(); head != null; head = lines.take()) {
      file.top(head, lines);
    }
    return file;
  }

  /** {@return its path below code/} */
  String path() {
    return path;
  }

  /** {@return its source} */
  String text() {
    return text;
  }

  /** {@return the prefix of the qualified name of a class, including the last dot} */
  String prefix() {
    String stem = path.endsWith(".py") ? path.substring(0, path.length() - 3) : path;
    return stem.replace('/', '.') + ".";
  }

  /** {@return its classes by unqualified name} */
  Map<String, ClassDef> classes() {
    return classes;
  }

  /** {@return its functions by unqualified name} */
  Map<String, Function> functions() {
    return functions;
  }

  /** {@return the exception for the first position that cannot be parsed} */
  Optional<ModelFormatException> fault() {
    return Optional.ofNullable(fault).map(this::refusal);
  }

  private ModelFormatException refusal(SourceFault why) {
    long line = text.substring(0, Math.min(why.offset(), text.length())).lines().count();
    return new ModelFormatException(
        Reason.PICKLE_SHAPE,
        label,
        "entry " + quote("code/" + path),
        "line "
            + line
            + " is not as torch writes it: "
            + why.getMessage()
            + ". The archive was altered or is of an unknown version; save it again.",
        why);
  }

  private void note(SourceFault why) {
    if (fault == null) {
      fault = why;
    }
  }

  /** Reads a top-level line and the block after it. */
  private void top(Lines.Line head, Lines lines) {
    if (head.is("class") && head.indent() == 0) {
      type(head, lines);
      return;
    }
    Lines.Block block = lines.takeBlock(head);
    try {
      head.requireWhole();
      if (head.indent() != 0) {
        throw new SourceFault("it is indented", head.start());
      }
      if (head.is("def")) {
        function(head, block, functions);
      }
      block.fault().ifPresent(this::note);
    } catch (SourceFault e) {
      note(e);
    }
  }

  private void function(Lines.Line head, Lines.Block block, Map<String, Function> all)
      throws SourceFault {
    ExprParser parser = new ExprParser(head);
    Function function = Function.of(head, block, parser);
    charge.accept(parser.nodes() + 1);
    if (all.putIfAbsent(function.name(), function) != null) {
      throw new SourceFault("function " + function.name() + " is there twice", head.start());
    }
    block.fault().ifPresent(this::note);
  }

  /** Reads a class. */
  private void type(Lines.Line head, Lines lines) {
    String name = "";
    String base = "";
    try {
      head.requireWhole();
      ExprParser parser = new ExprParser(head);
      parser.expect("class");
      name = parser.takeName().text();
      if (parser.next("(")) {
        parser.take();
        base = parser.next(")") ? "" : parser.takeName().text();
        parser.expect(")");
      }
      parser.expect(":");
      parser.requireEnd();
    } catch (SourceFault e) {
      note(e);
      lines.takeBlock(head);
      return;
    }
    charge.accept(1);
    if (classes.containsKey(name)) {
      throw refusal(new SourceFault("class " + name + " is there twice", head.start()));
    }
    Map<String, ClassDef.Attribute> attributes = new LinkedHashMap<>();
    Map<String, ClassDef.NameList> lists = new LinkedHashMap<>();
    Map<String, Function> methods = new LinkedHashMap<>();
    int end = head.end();
    for (Lines.Line line = lines.peek();
        line != null && line.indent() > head.indent();
        line = lines.peek()) {
      lines.take();
      Lines.Block block = lines.takeBlock(line);
      end = Math.max(line.end(), block.end());
      try {
        if (line.is("__parameters__") || line.is("__buffers__")) {
          list(line, lists);
        } else if (line.is("def")) {
          line.requireWhole();
          function(line, block, methods);
          continue;
        } else {
          line.requireWhole();
          attribute(line, attributes);
        }
        if (!block.isEmpty()) {
          throw new SourceFault("a block that is no method", line.start());
        }
      } catch (SourceFault e) {
        note(e);
      }
    }
    classes.put(
        name,
        new ClassDef(this, name, base, attributes, lists, methods, head.start(), head.end(), end));
  }

  private void attribute(Lines.Line line, Map<String, ClassDef.Attribute> attributes)
      throws SourceFault {
    ExprParser parser = new ExprParser(line);
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
    }
    charge.accept(parser.nodes());
  }

  private static void put(Map<String, ClassDef.Attribute> attributes, String name, Expr type)
      throws SourceFault {
    if (attributes.putIfAbsent(name, new ClassDef.Attribute(name, type)) != null) {
      throw new SourceFault("attribute " + quote(name) + " is there twice", type.start());
    }
  }

  /** Reads {@code __parameters__ = ["weight", ]}: without it the tensors are unknown. */
  private void list(Lines.Line line, Map<String, ClassDef.NameList> lists) {
    try {
      line.requireWhole();
      ExprParser parser = new ExprParser(line);
      String name = parser.takeName().text();
      parser.expect("=");
      ClassDef.NameList list = names(parser.expression());
      parser.requireEnd();
      charge.accept(parser.nodes());
      if (lists.put(name, list) != null) {
        throw new SourceFault(name + " is there twice", line.start());
      }
    } catch (SourceFault e) {
      throw refusal(e);
    }
  }

  private static ClassDef.NameList names(Expr expr) throws SourceFault {
    if (!(expr instanceof Expr.Display list) || list.open() != '[') {
      throw new SourceFault("a list of names was expected", expr.start());
    }
    List<Expr.Text> items = new ArrayList<>();
    for (Expr item : list.items()) {
      if (!(item instanceof Expr.Text text) || text.plain().isEmpty()) {
        throw new SourceFault("a name in quotes was expected", item.start());
      }
      items.add(text);
    }
    return new ClassDef.NameList(items, expr.start(), expr.end());
  }

  /**
   * A class.
   *
   * @param file its file
   * @param name its unqualified name
   * @param base such as {@code Module}, {@code NamedTuple} or {@code Interface}; empty if none
   * @param attributes its attributes in order, without constants
   * @param lists {@code __parameters__} and {@code __buffers__}
   * @param methods its methods
   * @param start the offset of {@code class}
   * @param headEnd the end of its first line
   * @param end the end of its last line
   */
  record ClassDef(
      SourceFile file,
      String name,
      String base,
      Map<String, Attribute> attributes,
      Map<String, NameList> lists,
      Map<String, Function> methods,
      int start,
      int headEnd,
      int end) {

    /**
     * An attribute.
     *
     * @param name its name, which may contain any characters
     * @param type its type
     */
    record Attribute(String name, Expr type) {}

    /**
     * A list of attributes.
     *
     * @param items the names with their offsets
     * @param start the offset of its opening bracket
     * @param end the offset of its closing bracket
     */
    record NameList(List<Expr.Text> items, int start, int end) {
      NameList {
        items = List.copyOf(items);
      }
    }

    ClassDef {
      attributes = Collections.unmodifiableMap(new LinkedHashMap<>(attributes));
      lists = Collections.unmodifiableMap(new LinkedHashMap<>(lists));
      methods = Collections.unmodifiableMap(new LinkedHashMap<>(methods));
    }

    /** {@return the names of its parameters and buffers, in this order} */
    Set<String> stateNames() {
      Set<String> names = parameterNames();
      names.addAll(names("__buffers__"));
      return names;
    }

    /** {@return the names of its parameters, in this order} */
    Set<String> parameterNames() {
      return names("__parameters__");
    }

    private Set<String> names(String list) {
      Set<String> names = new LinkedHashSet<>();
      NameList found = lists.get(list);
      if (found != null) {
        found.items().forEach(item -> item.plain().ifPresent(names::add));
      }
      return names;
    }

    /** {@return its qualified name} */
    String qualified() {
      return file.prefix() + name;
    }

    /** {@return whether it is a module, which has parameters and methods} */
    boolean isModule() {
      return base.equals("Module");
    }

    /** {@return whether its own code, not the pickle, sets the attributes of its objects} */
    boolean hasOwnState() {
      return methods.containsKey("__setstate__") || methods.containsKey("__getstate__");
    }

    /** {@return whether the attribute is a tensor} */
    boolean isTensor(String attribute) {
      Attribute found = attributes.get(attribute);
      return found != null
          && found.type() instanceof Expr.Name type
          && type.name().equals("Tensor");
    }

    /** {@return the declared class of the attribute, or empty if it has none} */
    Optional<String> declared(String attribute) {
      return Optional.ofNullable(attributes.get(attribute)).flatMap(a -> a.type().dotted());
    }
  }
}
