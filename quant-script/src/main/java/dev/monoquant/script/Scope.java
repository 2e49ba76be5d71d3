package dev.monoquant.script;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The names of one function. The order of execution is not analysed, so that only a name that is
 * set once has a known value; this value applies wherever the name occurs.
 */
final class Scope {

  private final Map<String, Integer> assignments;
  private final Map<String, Value> values = new HashMap<>();
  private final String selfName;

  /**
   * @param function the function
   * @param parameters what is known of its parameters
   */
  Scope(Function function, Map<String, Value> parameters) {
    this.assignments = function.assignments();
    this.selfName = function.parameters().isEmpty() ? "" : function.parameters().get(0).name();
    parameters.forEach(
        (name, value) -> {
          if (isSetOnce(name)) {
            values.put(name, value);
          }
        });
  }

  /** {@return whether a name is set exactly once; the call sets parameters} */
  boolean isSetOnce(String name) {
    return assignments.getOrDefault(name, 0) == 1;
  }

  /** Records the value of a name that is set once. */
  void put(String name, Value value) {
    values.put(name, value);
  }

  /** {@return what is known of a name; a name that is never set is global} */
  Value of(String name) {
    return assignments.containsKey(name)
        ? values.getOrDefault(name, Value.UNKNOWN)
        : new Value.Global(name);
  }

  /** {@return the module that the function is a method of, or empty} */
  Optional<Value.OfModule> self() {
    return Optional.ofNullable(values.get(selfName))
        .filter(v -> v instanceof Value.OfModule m && m.owner().equals(Value.OfModule.SELF))
        .map(v -> (Value.OfModule) v);
  }

  /** {@return the name of the first parameter} */
  String selfName() {
    return selfName;
  }
}
