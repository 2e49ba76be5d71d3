package dev.monoquant.script;

import dev.monoquant.ModelFormatException;
import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PickleWalk;
import dev.monoquant.model.Layer;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.RunnableFile;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A parsed TorchScript program. The source is parsed once, and the result is used for weights,
 * layers and rewriting. Thread-safe.
 *
 * <p>To read weights, only the classes of modules must be parsed; {@link #notes} describes other
 * code that cannot be parsed. To rewrite the program, all code must be parsed. What this does not
 * do: it runs no code, and reads no numbers.
 */
public final class Script {

  /** Of values in the pickles, which the engine destroys recursively. */
  private static final int MOST_LEVELS = 500;

  private static final String FORWARD = "forward";

  /** Methods that libtorch calls by itself. */
  private static final Set<String> INTERNAL = Set.of("__getstate__", "__setstate__");

  private final ScriptProgram program;
  private final String label;
  private final ReadLimits limits;
  private @Nullable Definitions definitions;
  private @Nullable Modules modules;
  private @Nullable Rewriter rewriter;

  /**
   * Creates a script. Nothing is parsed yet.
   *
   * @param program the program
   * @param label the archive, for messages
   * @param limits bounds on sizes and counts read from untrusted input
   */
  public Script(ScriptProgram program, String label, ReadLimits limits) {
    this.program = program;
    this.label = label;
    this.limits = limits;
  }

  /** {@return the program} */
  public ScriptProgram program() {
    return program;
  }

  private synchronized Definitions definitions() {
    if (definitions == null) {
      definitions = Definitions.of(program.code(), label, limits);
    }
    return definitions;
  }

  /** {@return the modules of the program} */
  synchronized Modules modules() {
    if (modules == null) {
      modules = Modules.of(program.data(), definitions(), label, limits);
    }
    return modules;
  }

  /**
   * {@return the parameters and buffers of all modules}
   *
   * @throws ModelFormatException if the modules do not match their classes, exceed a limit, or have
   *     tensors without names
   */
  public StateDict stateDict() {
    return StateDict.of(modules(), label);
  }

  /**
   * {@return the name of a constant in the code}
   *
   * @param index its index in the constants
   */
  public static String constantName(int index) {
    return Slot.CONSTANT_PREFIX + "c" + index;
  }

  /**
   * {@return the layers whose weights are constants, in the order of the code}
   *
   * @param constants the constants that are tensors, named by {@link #constantName}
   */
  public List<Layer> layersOf(Collection<TensorInfo> constants) {
    // Only frozen archives have constants; the code of others is not parsed here.
    return constants.isEmpty() ? List.of() : FrozenLayers.of(definitions(), constants);
  }

  /**
   * Finds the layers of tensors that neither a module nor {@link #layersOf} declares: one that the
   * code multiplies by, convolves with or looks up rows of is the weight of a layer of its own
   * name.
   *
   * @param tensors parameters, or constants named by {@link #constantName}
   * @return the layers, in the order of the tensors; none if the code cannot be parsed
   */
  public List<Layer> layersByUse(Collection<TensorInfo> tensors) {
    List<Layer> layers = new ArrayList<>();
    for (TensorInfo tensor : tensors) {
      if (tensor.shape().rank() > 1 && definitions().fault().isEmpty()) {
        rewriter()
            .kind(tensor)
            .map(
                kind ->
                    new Layer(
                        tensor.name(), kind, Layer.Evidence.DECLARED, Map.of("weight", tensor)))
            .ifPresent(layers::add);
      }
    }
    return layers;
  }

  /**
   * {@return the methods of the root, {@code forward} first and those that others call last; empty
   * if they cannot be parsed}
   */
  public List<RunnableFile.Method> methods() {
    if (!(program.data() instanceof PickleObject root)) {
      return List.of();
    }
    try {
      return definitions().type(root.callee().path()).map(Script::methods).orElse(List.of());
    } catch (ModelFormatException e) {
      // Reading weights or rewriting needs the code and reports this fault.
      return List.of();
    }
  }

  private static List<RunnableFile.Method> methods(SourceFile.ClassDef type) {
    Set<String> called = new HashSet<>();
    type.methods()
        .values()
        .forEach(f -> f.read(s -> s.values().forEach(e -> addCalled(e, called))));
    List<RunnableFile.Method> methods = new ArrayList<>();
    type.methods().values().stream()
        .filter(f -> !INTERNAL.contains(f.name()))
        .sorted(
            Comparator.comparing((Function f) -> !f.name().equals(FORWARD))
                .thenComparing(f -> called.contains(f.name())))
        .forEach(f -> methods.add(method(type, f, called.contains(f.name()))));
    return methods;
  }

  private static void addCalled(Expr expr, Set<String> called) {
    if (expr instanceof Expr.Call call && call.callee() instanceof Expr.Member member) {
      called.add(member.name());
    }
    expr.children().forEach(child -> addCalled(child, called));
  }

  private static RunnableFile.Method method(
      SourceFile.ClassDef type, Function function, boolean inner) {
    String source = type.file().text();
    return new RunnableFile.Method(
        function.name(),
        function.parameters().stream()
            .skip(1)
            .map(
                p ->
                    new RunnableFile.Parameter(
                        p.name(),
                        p.type()
                            .map(t -> source.substring(t.start(), t.end()).replaceAll("\\s+", " "))
                            .orElse("Tensor"),
                        p.optional()))
            .toList(),
        inner);
  }

  /** {@return a sentence about code that cannot be parsed; empty if all code can be} */
  public List<String> notes() {
    return definitions().fault().stream()
        .map(
            fault ->
                "Not all of the code is understood, so that it cannot be made to run quantized"
                    + " weights: "
                    + fault.getMessage())
        .toList();
  }

  /**
   * Checks, before the code is run, that it only computes.
   *
   * @param pickled the classes below {@code __torch__} named in the pickles of the program
   * @param types the types named there, such as {@code List[int]}
   * @return operations that are not known to only compute, each once with its first position; empty
   *     if there are none
   */
  public List<String> notComputing(Set<String> pickled, Set<String> types) {
    List<String> all = new ArrayList<>(OperatorCheck.findings(definitions(), pickled, types));
    int depth = Math.max(PickleWalk.depth(program.data()), PickleWalk.depth(program.constants()));
    if (depth > MOST_LEVELS) {
      all.add("values that nest " + depth + " levels deep in the pickles");
    }
    return all;
  }

  /**
   * {@return the rewriter of the program; the same object at each call}
   *
   * @throws ModelFormatException if the program cannot be parsed
   */
  public synchronized Rewriter rewriter() {
    if (rewriter == null) {
      Optional<ModelFormatException> fault = definitions().fault();
      if (fault.isPresent()) {
        throw fault.get();
      }
      rewriter = new Rewriter(program, definitions(), modules());
    }
    return rewriter;
  }
}
