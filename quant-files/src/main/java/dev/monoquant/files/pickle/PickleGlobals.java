package dev.monoquant.files.pickle;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.pickle.PickleValue.Global;
import dev.monoquant.spi.ReadLimits;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Compares each class and function that a pickle names with the allow-list. Reading continues after
 * a name that is not on the list, so that one exception can list all such names.
 */
final class PickleGlobals {

  private static final int MAX_SHOWN = 10;

  /** Libraries whose classes hold quantized weights. */
  private static final List<String> QUANTIZERS =
      List.of("torchao", "bitsandbytes", "optimum.quanto", "hqq", "auto_gptq", "gptqmodel", "awq");

  private final PickleFault fault;
  private final ReadLimits limits;
  private final Predicate<Global> allowed;
  private final Set<Global> refused = new LinkedHashSet<>();

  PickleGlobals(PickleFault fault, ReadLimits limits, Predicate<Global> allowed) {
    this.fault = fault;
    this.limits = limits;
    this.allowed = allowed;
  }

  /** {@return a class or function, whether it is on the list or not} */
  Global named(String module, String name) {
    Global global = new Global(module, name);
    if (!allowed.test(global)) {
      refused.add(global);
    }
    return global;
  }

  /** {@return whether the pickle named this class or function and it is not on the list} */
  boolean isRefused(Global global) {
    return refused.contains(global);
  }

  /** {@return the names that are not on the list, in the order of the pickle} */
  Set<Global> refused() {
    return refused;
  }

  /** {@return whether the pickle named any that is not on the list} */
  boolean anyRefused() {
    return !refused.isEmpty();
  }

  /**
   * {@return the exception for the names that are not on the list}
   *
   * @param root the value of the pickle, to locate each name; empty if there is none
   */
  ModelFormatException refusal(Optional<PickleValue> root) {
    return refusal(refused, root, fault, limits);
  }

  static ModelFormatException refusal(
      Set<Global> refused, Optional<PickleValue> root, PickleFault fault, ReadLimits limits) {
    List<String> names = new ArrayList<>();
    for (Global global : refused) {
      if (names.size() == MAX_SHOWN) {
        names.add("and " + (refused.size() - MAX_SHOWN) + " more");
        break;
      }
      String place =
          root.flatMap(r -> PickleWalk.find(r, global, limits))
              .map(p -> " (under " + quote(p) + ")")
              .orElse("");
      String shown = quote(global.path());
      names.add(shown.substring(1, shown.length() - 1) + place);
    }
    return fault.of(
        Reason.PICKLE_GLOBAL,
        "names "
            + String.join(", ", names)
            + "; only tensors and plain containers are read, and nothing is ever executed. "
            + remedy(refused));
  }

  private static String remedy(Set<Global> refused) {
    return refused.stream()
        .map(Global::path)
        .flatMap(path -> QUANTIZERS.stream().filter(q -> path.startsWith(q + ".")))
        .findFirst()
        .map(
            library ->
                "Its weights are quantized by "
                    + library
                    + ", which this version does not decode; give the float original.")
        .orElse("Save model.state_dict() alone.");
  }
}
