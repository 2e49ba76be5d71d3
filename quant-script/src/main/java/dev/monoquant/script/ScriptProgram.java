package dev.monoquant.script;

import static java.util.Objects.requireNonNull;

import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.files.pickle.PickleValue;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The parts of a TorchScript archive that a rewrite reads and changes: everything but the numbers.
 * Immutable except for its pickle values, which are mutable; this package does not change those of
 * a program that is passed to it.
 *
 * @param code the source by its path below {@code code/}, such as {@code __torch__/net.py}
 * @param data the value of {@code data.pkl}, the root module
 * @param constants the value of {@code constants.pkl}; empty if there are none
 */
public record ScriptProgram(
    SortedMap<String, String> code, PickleValue data, PickleTuple constants) {

  /** Copies the map and checks that nothing is null. */
  public ScriptProgram {
    code = Collections.unmodifiableSortedMap(new TreeMap<>(code));
    requireNonNull(data, "data");
    requireNonNull(constants, "constants");
  }
}
