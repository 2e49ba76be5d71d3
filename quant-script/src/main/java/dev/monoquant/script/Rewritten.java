package dev.monoquant.script;

import static java.util.Objects.requireNonNull;

import dev.monoquant.files.pickle.PickleObject;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * A program with quantized weights.
 *
 * <p>Weights that are the same tensor of the original and are quantized in the same way share the
 * storages of the first of them. The notes of the others name the first.
 *
 * @param program the new program; its pickle refers to {@code storages} and to storages of the
 *     original; original storages that it does not refer to can be dropped
 * @param storages storages that must be added, in the order of the weights
 * @param cuts parts of original storages that remain after their weights are removed
 * @param treatments the result for each weight, in the order of the input
 * @param decoded the holders of weights that are decoded when the program is loaded, by weight
 *     name; see {@link HolderRun}
 * @param attentions the number of attentions that one kernel computes each; empty if option {@code
 *     attention} does not ask for it
 */
public record Rewritten(
    ScriptProgram program,
    List<HeldStorage> storages,
    List<CutStorage> cuts,
    List<Treatment> treatments,
    Map<String, PickleObject> decoded,
    OptionalInt attentions) {

  /** Copies the lists and the map. */
  public Rewritten {
    requireNonNull(program, "program");
    storages = List.copyOf(storages);
    cuts = List.copyOf(cuts);
    treatments = List.copyOf(treatments);
    decoded = Map.copyOf(decoded);
    requireNonNull(attentions, "attentions");
  }
}
