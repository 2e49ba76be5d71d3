package dev.monoquant.io.torchscript;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.torch.TorchZip;
import dev.monoquant.files.zip.ArchiveEntry;
import java.io.IOException;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

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

  private static final Pattern CLASS = Pattern.compile("class ([A-Za-z_]\\w*)(?:\\((\\w+)\\))?:");
  private static final Pattern LIST =
      Pattern.compile(" {2}__(parameters|buffers)__ = \\[((?:\"[^\"\\\\]*\", ?)*)\\]");
  private static final Pattern ITEM = Pattern.compile("\"([^\"\\\\]*)\"");

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
      Matcher declared = CLASS.matcher(line);
      if (declared.matches()) {
        current =
            new ScriptClass(
                "Module".equals(declared.group(2)), new LinkedHashSet<>(), new LinkedHashSet<>());
        if (classes.put(prefix + declared.group(1), current) != null) {
          throw fault(zip, entry, "declares " + quote(declared.group(1)) + " twice");
        }
      } else if (line.startsWith("  __parameters__") || line.startsWith("  __buffers__")) {
        Matcher list = LIST.matcher(line);
        if (current == null || !list.matches()) {
          throw fault(zip, entry, "has a list of parameters or buffers of an unknown form");
        }
        Set<String> names =
            list.group(1).equals("parameters") ? current.parameters() : current.buffers();
        Matcher item = ITEM.matcher(list.group(2));
        while (item.find()) {
          names.add(item.group(1));
        }
      }
    }
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
