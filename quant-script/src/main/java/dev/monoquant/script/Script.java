package dev.monoquant.script;

import dev.monoquant.ModelFormatException;
import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.model.Layer;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ReadLimits;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A parsed TorchScript program: its source is parsed once for all uses of its weights, its layers
 * or a rewriting of it. Thread-safe.
 *
 * <p>To read weights, only the classes of modules must be understood; what is not understood of
 * other code is told by {@link #notes}. To rewrite the program, all of it must be. What this does
 * not do: it runs no code, and reads no numbers.
 */
public final class Script {

  /** What the name of a constant begins with, as the code has it. */
  static final String CONSTANTS = "CONSTANTS.";

  private final ScriptProgram program;
  private final String label;
  private final ReadLimits limits;
  private @Nullable Definitions definitions;
  private @Nullable Modules modules;
  private @Nullable Rewriter rewriter;

  /**
   * Takes a program, of which nothing is read yet.
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
   * @throws ModelFormatException if the modules do not fit their classes, are over a limit, or keep
   *     tensors where they have no names
   */
  public StateDict stateDict() {
    return StateDict.of(modules(), label);
  }

  /**
   * {@return the name of a constant, as the code has it}
   *
   * @param index its place among the constants
   */
  public static String constantName(int index) {
    return CONSTANTS + "c" + index;
  }

  /**
   * {@return the layers that code makes of constants, in the order of the code}
   *
   * @param constants tensors among the constants, under their {@link #constantName}
   */
  public List<Layer> layersOf(Collection<TensorInfo> constants) {
    // Archives that are not frozen have none, and their code need not be gone through.
    return constants.isEmpty() ? List.of() : FrozenLayers.of(definitions(), constants);
  }

  /**
   * {@return the names of the parameters of the root's {@code forward}; empty if it has none, or is
   * not understood}
   */
  public List<String> inputs() {
    if (!(program.data() instanceof PickleObject root)) {
      return List.of();
    }
    try {
      return definitions()
          .type(root.callee().path())
          .flatMap(type -> Optional.ofNullable(type.methods().get("forward")))
          .map(f -> f.parameters().stream().skip(1).map(Function.Parameter::name).toList())
          .orElse(List.of());
    } catch (ModelFormatException e) {
      // Only a reading or a rewriting needs to understand the code, and says what it does not.
      return List.of();
    }
  }

  /** {@return what of the code is not understood, in a sentence; empty if all is} */
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
   * Checks that the code does nothing but compute, before it is run.
   *
   * @param pickled the classes below {@code __torch__} that the pickles of the program name
   * @return what is not known to compute, each once with its first place; empty if there is none
   */
  public List<String> notComputing(Set<String> pickled) {
    return OperatorCheck.findings(definitions(), pickled);
  }

  /**
   * {@return what can rewrite the program; the same at each call}
   *
   * @throws ModelFormatException if the program is not understood
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
