package dev.monoquant.script;

import dev.monoquant.ModelFormatException;
import dev.monoquant.files.pickle.PickleObject;
import java.util.List;
import java.util.Optional;

/** What a program is called with. */
public final class ForwardInputs {

  private ForwardInputs() {}

  /**
   * {@return the names of the parameters of the root's {@code forward}; empty if it has none, or is
   * written in a way that is not understood}
   *
   * @param program any program
   * @param label its name for messages
   */
  public static List<String> of(ScriptProgram program, String label) {
    if (!(program.data() instanceof PickleObject root)) {
      return List.of();
    }
    try {
      return Definitions.of(program.code(), label)
          .type(root.callee().path())
          .flatMap(type -> Optional.ofNullable(type.methods().get("forward")))
          .map(f -> f.parameters().stream().skip(1).map(Function.Parameter::name).toList())
          .orElse(List.of());
    } catch (ModelFormatException e) {
      // Only a rewrite needs to understand the code, and says what it does not.
      return List.of();
    }
  }
}
