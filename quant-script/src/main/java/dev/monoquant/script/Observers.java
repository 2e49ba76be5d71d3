package dev.monoquant.script;

import static java.util.Objects.requireNonNull;

import java.util.Map;

/**
 * A program whose weights observe their inputs, see {@link dev.monoquant.spi.ObservableModel}. It
 * refers to the storages of the original.
 *
 * @param program the new program
 * @param prefixes the start of the names of the parameters, by weight
 */
public record Observers(ScriptProgram program, Map<String, String> prefixes) {

  /** Checks that nothing is null. */
  public Observers {
    requireNonNull(program, "program");
    prefixes = Map.copyOf(prefixes);
  }
}
