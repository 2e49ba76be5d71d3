package dev.monoquant.script;

import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.script.SourceFile.ClassDef;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Replaces attentions that code computes in parts by {@code torch.scaled_dot_product_attention},
 * which keeps no scores in memory.
 *
 * <p>An {@link Attention} is replaced if all of it is in one block of one function, if nothing else
 * uses what it computes between, and if no statement from its first to its last calls anything but
 * functions that change no tensor. What code does not tell, such as types and sizes, is checked
 * when it runs; where a check fails, the statements of the original run. Results differ by
 * rounding. A row of scores that are all -inf gives NaN in the original, and 0 in the kernel of
 * torch.
 *
 * <p>An object is used once.
 */
final class FusedAttention {

  /** The name of the library. */
  private static final String NAME = "monoquant_attention";

  private final Locals.Program program;
  private final String library;
  private int count;

  private FusedAttention(Locals.Program program, String library) {
    this.program = program;
    this.library = library;
  }

  /**
   * Replaces attentions.
   *
   * @param code the source by path, which is changed
   * @param definitions what the source was before holders were put in, whose limits hold
   * @param constants the constants of the program
   * @param holders the interfaces of holders
   * @return the number of attentions that are replaced
   */
  static int in(
      SortedMap<String, String> code,
      Definitions definitions,
      PickleTuple constants,
      Set<String> holders) {
    String name = NAME;
    for (int i = 1; code.containsKey(path(name)); i++) {
      name = NAME + "_" + i;
    }
    Definitions now = definitions.reread(code);
    FusedAttention fused =
        new FusedAttention(
            new Locals.Program(now, constants, holders, new IdentityHashMap<>()),
            "__torch__." + name + ".");
    SortedMap<String, String> changed = new TreeMap<>();
    for (SourceFile file : now.files()) {
      Edits edits = new Edits();
      file.functions().values().forEach(f -> fused.replace(file, Optional.empty(), f, edits));
      for (ClassDef type : file.classes().values()) {
        type.methods().values().forEach(m -> fused.replace(file, Optional.of(type), m, edits));
      }
      if (!edits.isEmpty()) {
        changed.put(file.path(), edits.apply(file.text(), 0, file.text().length()));
      }
    }
    if (fused.count > 0) {
      code.putAll(changed);
      code.put(path(name), Library.load("attention.py"));
    }
    return fused.count;
  }

  private static String path(String library) {
    return "__torch__/" + library + ".py";
  }

  private void replace(SourceFile file, Optional<ClassDef> type, Function function, Edits edits) {
    String text = file.text().substring(function.start(), function.end());
    if (!text.contains("torch.matmul") && !text.contains("torch.bmm")) {
      return;
    }
    Locals locals = new Locals(program, type, function);
    Attention.Finder finder = new Attention.Finder(locals);
    SortedSet<Integer> touched = new TreeSet<>();
    for (int i = 0; i < function.body().size(); i++) {
      for (Expr.Call call : calls(function.body().get(i))) {
        Optional<Attention> found = finder.find(call);
        if (found.isPresent() && isAlone(found.get(), i, locals, touched)) {
          touched.add(i);
          touched.addAll(found.get().statements());
          write(found.get(), i, locals, file.text(), edits);
        }
      }
    }
  }

  private static List<Expr.Call> calls(Statement statement) {
    List<Expr.Call> calls = new ArrayList<>();
    statement.values().forEach(v -> calls(v, calls));
    return calls;
  }

  private static void calls(Expr expr, List<Expr.Call> calls) {
    if (expr instanceof Expr.Call call) {
      calls.add(call);
    }
    expr.children().forEach(c -> calls(c, calls));
  }

  /** {@return whether an attention can be computed before a statement as a whole} */
  private static boolean isAlone(
      Attention attention, int last, Locals locals, SortedSet<Integer> touched) {
    List<Statement> body = locals.function().body();
    Statement end = body.get(last);
    SortedSet<Integer> own = attention.statements();
    int first = own.isEmpty() ? last : own.first();
    if (first > last || end.isHead() || attention.product().start() == end.line().start()) {
      return false;
    }
    for (int i = first; i <= last; i++) {
      Statement statement = body.get(i);
      if (!statement.understood()
          || statement.isHead()
          || statement.line().indent() != end.line().indent()
          || statement.member().isPresent()
          || (touched.contains(i) && (i == last || own.contains(i)))
          || !statement.values().stream().allMatch(v -> locals.isPure(v) && locals.isLasting(v))) {
        return false;
      }
    }
    return true;
  }

  private void write(Attention attention, int last, Locals locals, String text, Edits edits) {
    List<Statement> body = locals.function().body();
    Statement end = body.get(last);
    String indent = " ".repeat(end.line().indent());
    List<String> lines = new ArrayList<>();
    String query = set("query", text(attention.query(), text), locals, lines);
    String key = set("key", text(attention.key(), text), locals, lines);
    String value = set("value", text(attention.value(), text), locals, lines);
    String scale =
        attention
            .factor()
            .map(f -> (f.divides() ? "1. / " : "") + "float(" + text(f.number(), text) + ")")
            .orElse("1.");
    scale = set("scale", scale, locals, lines);
    Masks masks = masks(attention, locals, text, lines);
    String made = fresh("attention", locals);
    String operands = query + ", " + key + ", " + value + ", ";
    lines.add(
        "if "
            + library
            + "fits("
            + operands
            + attention.axis()
            + ", "
            + scale
            + ", "
            + masks.bias()
            + ", "
            + masks.hidden()
            + ", "
            + masks.fill()
            + ", "
            + (attention.masks().size() == 1 ? "True" : "False")
            + ", ):");
    lines.add(
        "  "
            + made
            + " = "
            + library
            + "attention("
            + operands
            + scale
            + ", "
            + masks.bias()
            + ", )");
    lines.add("else:");
    for (int i : attention.statements()) {
      Lines.Line line = body.get(i).line();
      lines.add("  " + text.substring(line.start(), line.end()));
      int start = text.lastIndexOf('\n', line.start()) + 1;
      edits.replace(start, text.indexOf('\n', line.end() - 1) + 1, "");
    }
    lines.add("  " + made + " = " + text(attention.product(), text));
    StringBuilder added = new StringBuilder();
    lines.forEach(line -> added.append(line).append('\n').append(indent));
    edits.replace(end.line().start(), end.line().start(), added.toString());
    edits.replace(attention.product().start(), attention.product().end(), made);
    count++;
  }

  private static String text(Expr expr, String text) {
    return text.substring(expr.start(), expr.end());
  }

  /** Sets a new name. */
  private String set(String role, String value, Locals locals, List<String> lines) {
    String name = fresh(role, locals);
    lines.add(name + " = " + value);
    return name;
  }

  private String fresh(String role, Locals locals) {
    String name = "fused_" + role + count;
    while (locals.has(name)) {
      name += "_";
    }
    return name;
  }

  /** The names of what is added to scores, of where they are replaced, and by what. */
  private record Masks(String bias, String hidden, String fill) {}

  private Masks masks(Attention attention, Locals locals, String text, List<String> lines) {
    String bias = "None";
    String hidden = "None";
    String fill = "0.";
    for (Attention.Mask mask : attention.masks()) {
      String next;
      if (mask instanceof Attention.Added added) {
        String numbers = text(added.bias(), text);
        next =
            locals.isTensor(added.bias())
                ? numbers
                : "torch.add(torch.zeros([1]), " + numbers + ")";
        next = bias.equals("None") ? next : "torch.add(" + bias + ", " + next + ")";
      } else {
        Attention.Filled filled = (Attention.Filled) mask;
        String condition = text(filled.condition(), text);
        hidden =
            set(
                "hidden",
                filled.kept() ? "torch.logical_not(" + condition + ")" : condition,
                locals,
                lines);
        fill = set("fill", "float(" + text(filled.fill(), text) + ")", locals, lines);
        next =
            bias.equals("None")
                ? library + "hiding(" + hidden + ", " + fill + ", )"
                : "torch.where(" + hidden + ", " + fill + ", " + bias + ")";
      }
      bias = set("bias" + (bias.equals("None") ? "" : "_next"), next, locals, lines);
    }
    return new Masks(bias, hidden, fill);
  }
}
