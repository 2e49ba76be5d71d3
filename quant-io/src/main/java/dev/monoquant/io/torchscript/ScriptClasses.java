package dev.monoquant.io.torchscript;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.torch.TorchZip;
import dev.monoquant.files.zip.ArchiveEntry;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The classes in the source of an archive: which attributes are parameters and which are buffers.
 *
 * <p>The qualified name of a class is the path of its file below {@code code/} with dots for
 * slashes, and its name. Read are the lines that torch's printer writes for a module, {@code class
 * Linear(Module):}, {@code __parameters__ = ["weight", ]} and {@code __buffers__ = [...]}, at their
 * fixed indentation; source: {@code torch/csrc/jit/serialization/python_print.cpp}. What this does
 * not do: it reads no methods.
 */
final class ScriptClasses {

  private static final String CLASS = "class ";
  private static final String PARAMETERS = "  __parameters__";
  private static final String BUFFERS = "  __buffers__";
  private static final String LIST = " = [";

  /**
   * A class.
   *
   * @param module whether it is a module, not a script class or a named tuple
   * @param parameters the attributes that are parameters
   * @param buffers the attributes that are buffers
   */
  record ScriptClass(boolean module, Set<String> parameters, Set<String> buffers) {}

  private final Map<String, ScriptClass> classes = new HashMap<>();

  private ScriptClasses() {}

  /**
   * Reads all source of an archive.
   *
   * @param zip the archive
   * @return its classes
   * @throws IOException if it cannot be read
   * @throws ModelFormatException if there is no source, or it is damaged or over a limit
   */
  static ScriptClasses read(TorchZip zip) throws IOException {
    ScriptClasses all = new ScriptClasses();
    if (zip.code().isEmpty()) {
      throw zip.missing("code/__torch__.py");
    }
    for (ArchiveEntry entry : zip.code()) {
      String path = zip.nameInFolder(entry);
      String prefix =
          path.substring("code/".length(), path.length() - ".py".length()).replace('/', '.') + ".";
      all.readFile(zip, entry, prefix);
    }
    return all;
  }

  private void readFile(TorchZip zip, ArchiveEntry entry, String prefix) throws IOException {
    ScriptClass current = null;
    for (String line : (Iterable<String>) zip.text(entry).lines()::iterator) {
      Optional<Declared> declared = declared(line);
      if (declared.isPresent()) {
        current =
            new ScriptClass(
                declared.get().base().equals("Module"),
                new LinkedHashSet<>(),
                new LinkedHashSet<>());
        if (classes.put(prefix + declared.get().name(), current) != null) {
          throw fault(zip, entry, "declares " + quote(declared.get().name()) + " twice");
        }
      } else if (line.startsWith(PARAMETERS) || line.startsWith(BUFFERS)) {
        boolean parameters = line.startsWith(PARAMETERS);
        Optional<List<String>> names = names(line, parameters ? PARAMETERS : BUFFERS);
        if (current == null || names.isEmpty()) {
          throw fault(zip, entry, "has a list of parameters or buffers of an unknown form");
        }
        (parameters ? current.parameters() : current.buffers()).addAll(names.get());
      }
    }
  }

  /** What a line declares: a class, and the one that it is derived from, or an empty text. */
  record Declared(String name, String base) {}

  /** Reads {@code class Linear(Module):} or {@code class Odd:}; anything else is no class. */
  static Optional<Declared> declared(String line) {
    if (!line.startsWith(CLASS) || !line.endsWith(":")) {
      return Optional.empty();
    }
    String text = line.substring(CLASS.length(), line.length() - 1);
    int bracket = text.indexOf('(');
    boolean derived = bracket >= 0;
    if (derived && !text.endsWith(")")) {
      return Optional.empty();
    }
    String name = derived ? text.substring(0, bracket) : text;
    String base = derived ? text.substring(bracket + 1, text.length() - 1) : "";
    boolean legal = isWord(name) && !isDigit(name.charAt(0)) && (!derived || isWord(base));
    return legal ? Optional.of(new Declared(name, base)) : Optional.empty();
  }

  private static boolean isWord(String text) {
    return !text.isEmpty()
        && text.chars()
            .allMatch(
                c -> (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || isDigit(c));
  }

  private static boolean isDigit(int c) {
    return c >= '0' && c <= '9';
  }

  /**
   * Reads {@code __parameters__ = ["weight", "bias", ]}, in one pass: a module may have thousands,
   * for each of which a regular expression would need a frame of the stack.
   *
   * @param start what the line starts with
   * @return the names; empty if the line is of another form
   */
  static Optional<List<String>> names(String line, String start) {
    if (!line.startsWith(start + LIST) || !line.endsWith("]")) {
      return Optional.empty();
    }
    List<String> names = new ArrayList<>();
    int end = line.length() - 1;
    int at = start.length() + LIST.length();
    while (at < end) {
      int close = line.charAt(at) == '"' ? line.indexOf('"', at + 1) : -1;
      if (close < 0 || close + 1 >= end || line.charAt(close + 1) != ',') {
        return Optional.empty();
      }
      String name = line.substring(at + 1, close);
      if (name.indexOf('\\') >= 0) {
        return Optional.empty();
      }
      names.add(name);
      at = close + 2;
      if (at < end && line.charAt(at) == ' ') {
        at++;
      }
    }
    return Optional.of(names);
  }

  /**
   * {@return the class, or empty}
   *
   * @param qualified its name with dots
   */
  Optional<ScriptClass> find(String qualified) {
    return Optional.ofNullable(classes.get(qualified));
  }

  private static ModelFormatException fault(TorchZip zip, ArchiveEntry entry, String detail) {
    return new ModelFormatException(
        Reason.PICKLE_SHAPE,
        zip.label(),
        "entry " + quote(entry.name()),
        detail + ". The archive was altered or is of an unknown version; save it again.");
  }
}
