package dev.monoquant.io.checkpoint;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.files.pickle.PickleReader;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.files.pickle.PickleValue.Global;
import dev.monoquant.files.pickle.PickleWalk;
import dev.monoquant.files.torch.StateWalk;
import dev.monoquant.files.torch.StateWalk.Foreign;
import dev.monoquant.spi.ReadLimits;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The pickle of a checkpoint, which may hold objects of classes that are not on the allow-list:
 * settings, dates, paths, random states. Such objects are skipped outside the weights and refused
 * within them. In both cases they are read as data, and nothing is loaded or called.
 *
 * @param root the value of the pickle
 * @param file the file, for messages
 * @param record the pickle, for messages
 * @param refused the classes and functions not on the allow-list
 * @param limits bounds on sizes and counts
 */
record ForeignObjects(
    PickleValue root, String file, String record, Set<Global> refused, ReadLimits limits) {

  private static final int MAX_SHOWN = 8;

  /**
   * Modules whose functions do more than build data. A file that names one of them runs code when
   * Python loads it, so it is refused even where this project would only skip the object.
   */
  private static final Set<String> RUNNING =
      Set.of(
          "os",
          "posix",
          "nt",
          "sys",
          "subprocess",
          "commands",
          "pty",
          "runpy",
          "importlib",
          "imp",
          "ctypes",
          "socket",
          "shutil",
          "code",
          "codeop",
          "pdb",
          "timeit",
          "webbrowser",
          "urllib",
          "requests",
          "pip",
          "platform",
          "multiprocessing",
          "threading",
          "asyncio",
          "_thread",
          "signal",
          "marshal",
          "pickle",
          "_pickle",
          "dill",
          "cloudpickle");

  /** Such functions in modules that otherwise build data. */
  private static final Set<String> RUNNING_NAMES =
      Set.of(
          "eval",
          "exec",
          "execfile",
          "compile",
          "open",
          "file",
          "input",
          "raw_input",
          "__import__",
          "breakpoint",
          "apply",
          "setattr",
          "delattr",
          "globals",
          "locals",
          "vars",
          "reload",
          "CodeType",
          "FunctionType",
          "LambdaType",
          "MethodType");

  /** Finds the tensors and the objects of unknown classes. */
  static ForeignObjects of(PickleReader.Read read, String file, String record, ReadLimits limits) {
    ForeignObjects objects = new ForeignObjects(read.root(), file, record, read.refused(), limits);
    Set<Global> running =
        read.refused().stream()
            .filter(ForeignObjects::runs)
            .collect(Collectors.toCollection(LinkedHashSet::new));
    if (!running.isEmpty()) {
      throw objects.refusal(running);
    }
    return objects;
  }

  private static boolean runs(Global global) {
    String module = global.module();
    int dot = module.indexOf('.');
    String top = dot < 0 ? module : module.substring(0, dot);
    boolean general = Set.of("builtins", "__builtin__", "types").contains(top);
    return RUNNING.contains(top) || (general && RUNNING_NAMES.contains(global.name()));
  }

  /** {@return every tensor, and every object of an unknown class} */
  StateWalk.Contents contents() {
    return StateWalk.run(root, file, record, limits);
  }

  /**
   * Refuses objects that are not skipped.
   *
   * @param skipped the objects that are skipped, all of them outside the weights
   * @return a note that lists the skipped objects; empty if there are none
   * @throws ModelFormatException if a name not on the allow-list occurs anywhere else
   */
  Optional<String> requireSkipped(List<Foreign> skipped) {
    if (refused.isEmpty()) {
      return Optional.empty();
    }
    Set<PickleValue> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    skipped.forEach(f -> seen.add(f.value()));
    Set<Global> elsewhere = new LinkedHashSet<>(refused);
    elsewhere.retainAll(PickleWalk.globals(root, seen));
    if (elsewhere.isEmpty()) {
      // A name that is not found here was created and discarded, which no writer does.
      Set<PickleValue> inside = Collections.newSetFromMap(new IdentityHashMap<>());
      elsewhere.addAll(refused);
      skipped.forEach(f -> elsewhere.removeAll(PickleWalk.globals(f.value(), inside)));
    }
    if (!elsewhere.isEmpty()) {
      throw refusal(elsewhere);
    }
    return Optional.of(note(skipped));
  }

  private static String note(List<Foreign> skipped) {
    String shown =
        skipped.stream()
            .limit(MAX_SHOWN)
            .map(ForeignObjects::describe)
            .collect(Collectors.joining(", "));
    int more = skipped.size() - MAX_SHOWN;
    return "Skipped objects beside the weights, nothing of which is made or executed: "
        + shown
        + (more > 0 ? " and " + more + " more" : "")
        + ".";
  }

  private static String describe(Foreign foreign) {
    String type = quote(foreign.type().path());
    return quote(String.join("/", foreign.path()))
        + " ("
        + type.substring(1, type.length() - 1)
        + (foreign.tensors() > 0 ? ", with tensors: " + foreign.tensors() : "")
        + ")";
  }

  private ModelFormatException refusal(Set<Global> names) {
    return PickleReader.refusal(names, root, file, record, limits);
  }
}
