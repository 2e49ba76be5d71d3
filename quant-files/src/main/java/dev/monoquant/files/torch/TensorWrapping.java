package dev.monoquant.files.torch;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.files.pickle.PickleValue.Global;
import dev.monoquant.spi.ReadLimits;
import java.util.Optional;

/**
 * The calls that a pickle wraps around the call that makes a tensor: {@code _rebuild_parameter},
 * {@code _rebuild_parameter_with_state} and {@code _rebuild_from_type_v2}, nested in any way. Their
 * hooks and Python attributes are ignored.
 *
 * @param fault makes the exceptions for the tensor
 * @param limits bounds on the depth of the wrapping
 */
record TensorWrapping(TensorFault fault, ReadLimits limits) {

  /**
   * Removes the wrapping; the depth comes from untrusted input, so it is bounded.
   *
   * @param object the outermost call
   * @return the innermost call
   */
  PickleObject innermost(PickleObject object) {
    PickleObject inner = object;
    for (int depth = 0; depth <= limits.maxDepth(); depth++) {
      Optional<PickleObject> next = unwrap(inner);
      if (next.isEmpty()) {
        return inner;
      }
      inner = next.get();
    }
    throw fault.of(
        Reason.LIMIT, "is wrapped more than " + limits.maxDepth() + " times (limit maxDepth).");
  }

  private Optional<PickleObject> unwrap(PickleObject object) {
    if (object.state().isPresent() || object.items().size() > 0) {
      throw fault.shape("a BUILD or items change it after it was made, which no tensor allows.");
    }
    return switch (TorchGlobals.key(object.callee())) {
      case TorchGlobals.PARAMETER -> Optional.of(parameter(object, 3));
      case TorchGlobals.PARAMETER_WITH_STATE -> Optional.of(parameter(object, 4));
      case TorchGlobals.FROM_TYPE -> Optional.of(fromType(object));
      default -> Optional.empty();
    };
  }

  private PickleObject parameter(PickleObject object, int arity) {
    PickleTuple args = object.args();
    if (args.size() != arity || !(args.get(0) instanceof PickleObject data)) {
      throw fault.arity(object);
    }
    return data;
  }

  private PickleObject fromType(PickleObject object) {
    PickleTuple args = object.args();
    if (args.size() != 4
        || !(args.get(0) instanceof Global function)
        || !(args.get(1) instanceof Global type)
        || !(args.get(2) instanceof PickleTuple arguments)) {
      throw fault.arity(object);
    }
    boolean plain = type.name().equals("Tensor") || type.name().equals("Parameter");
    if (!plain || !TorchGlobals.inCheckpoint(type)) {
      throw fault.unreadable("of the class " + quote(type.path()));
    }
    return new PickleObject(PickleObject.Call.REDUCE, function, arguments, Optional.empty());
  }
}
