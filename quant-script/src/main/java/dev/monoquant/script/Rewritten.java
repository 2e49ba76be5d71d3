package dev.monoquant.script;

import static java.util.Objects.requireNonNull;

import dev.monoquant.files.pickle.PickleObject;
import java.util.List;
import java.util.Map;

/**
 * A program whose weights are held quantized.
 *
 * <p>Weights that are one tensor of the original, quantized in one way, have one set of storages,
 * those of the first of them: not every weight has storages of its own. The note of the others
 * names the first.
 *
 * @param program the new program; its pickle refers to {@code storages} and to storages of the
 *     original, those that it no longer refers to can be dropped
 * @param storages what must be written besides, in the order of the weights
 * @param cuts parts of storages of the original, where weights were the rest of them
 * @param treatments what became of each weight, in the order in which they were given
 * @param decoded the holders of weights that are decoded when the program is loaded, by the names
 *     of the weights; see {@link HolderRun}
 */
public record Rewritten(
    ScriptProgram program,
    List<HeldStorage> storages,
    List<CutStorage> cuts,
    List<Treatment> treatments,
    Map<String, PickleObject> decoded) {

  /** Copies the lists and the map. */
  public Rewritten {
    requireNonNull(program, "program");
    storages = List.copyOf(storages);
    cuts = List.copyOf(cuts);
    treatments = List.copyOf(treatments);
    decoded = Map.copyOf(decoded);
  }
}
