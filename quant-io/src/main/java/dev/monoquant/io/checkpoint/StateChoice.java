package dev.monoquant.io.checkpoint;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ConfigurationException;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.torch.StateWalk.Found;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Chooses which entry of a nested checkpoint holds the weights.
 *
 * <p>A dict with tensors of its own is the state dict. Otherwise the one entry of a usual name
 * ({@code state_dict}, {@code model}, ...) is, or the only one that is no state of a training; it
 * may be nested again. More than one is refused: which one is meant is for the user to say. State
 * of a training (optimizer, schedulers, gradients scalers) is never taken unless chosen.
 */
final class StateChoice {

  private static final Set<String> WEIGHTS =
      Set.of(
          "state_dict",
          "model_state_dict",
          "model_state",
          "model",
          "module",
          "net",
          "network",
          "weights",
          "params");

  private static final Pattern TRAINING =
      Pattern.compile(
          "(?i).*(optim|sched|scaler|callback|rng_state|loops).*|amp|lr|hparams|args|history");

  private static final String ALL = "/";
  private static final int MAX_SHOWN = 20;

  private final String file;
  private final List<Found> found;
  private final List<String> notes = new ArrayList<>();
  private List<Found> chosen = List.of();
  private int skip;

  private StateChoice(String file, List<Found> found) {
    this.file = file;
    this.found = found;
  }

  /**
   * The tensors of an entry.
   *
   * @param tensors what was found, by the names that remain
   * @param notes what was decided
   */
  record Chosen(Map<String, Found> tensors, List<String> notes) {}

  /**
   * Chooses.
   *
   * @param file the file for messages
   * @param found every tensor of the file
   * @param entry the user's choice; empty if there is none, {@code /} for everything
   * @return the tensors of the chosen entry
   * @throws ModelFormatException if there is none, or more than one
   * @throws ConfigurationException if the user's choice does not exist
   */
  static Chosen choose(String file, List<Found> found, String entry) {
    StateChoice choice = new StateChoice(file, found);
    if (entry.isEmpty()) {
      choice.chosen = found;
      choice.descend();
      choice.leaveOutTraining();
    } else {
      choice.take(entry);
    }
    choice.noteOthers();
    return new Chosen(choice.named(), choice.notes);
  }

  private void take(String entry) {
    if (entry.equals(ALL)) {
      chosen = found;
      return;
    }
    for (skip = 1; skip <= maxDepth(); skip++) {
      int steps = skip;
      chosen =
          found.stream()
              .filter(
                  f ->
                      f.path().size() > steps
                          && String.join("/", f.path().subList(0, steps)).equals(entry))
              .toList();
      if (!chosen.isEmpty()) {
        return;
      }
    }
    throw new ConfigurationException(
        file
            + ": there is no entry "
            + quote(entry)
            + " with tensors; there are "
            + entries(found, 0)
            + ". Choose one of them, or / for everything");
  }

  private int maxDepth() {
    return found.stream().mapToInt(f -> f.path().size()).max().orElse(0);
  }

  private void descend() {
    if (found.isEmpty()) {
      throw noTensors("holds no tensors");
    }
    while (chosen.stream().noneMatch(f -> f.path().size() <= skip + 1)) {
      Map<String, Integer> children = counts(chosen, skip);
      List<String> weights = children.keySet().stream().filter(WEIGHTS::contains).toList();
      if (weights.isEmpty()) {
        weights = children.keySet().stream().filter(c -> !isTraining(c)).toList();
      }
      if (weights.isEmpty()) {
        throw noTensors("holds only state of a training: " + entries(chosen, skip));
      }
      if (weights.size() > 1) {
        throw new ModelFormatException(
            Reason.AMBIGUOUS_ROOT,
            file,
            "",
            "several entries could be the model: "
                + entries(chosen, skip)
                + ". Choose one, for example --entry "
                + weights.get(0)
                + ", or --entry / for all of them together.");
      }
      String only = weights.get(0);
      int at = skip;
      List<Found> inside = chosen.stream().filter(f -> f.path().get(at).equals(only)).toList();
      if (inside.stream().allMatch(f -> f.path().get(at + 1).matches("\\d+"))) {
        return; // A list or tuple is a value of a state dict, such as packed parameters, not one.
      }
      chosen = inside;
      skip++;
    }
  }

  private void leaveOutTraining() {
    if (skip == 0) {
      List<Found> rest =
          chosen.stream().filter(f -> f.path().size() < 2 || !isTraining(f.path().get(0))).toList();
      chosen = rest;
    }
  }

  private static boolean isTraining(String entry) {
    return TRAINING.matcher(entry).matches();
  }

  private void noteOthers() {
    if (skip > 0) {
      notes.add(
          "The weights are those of entry "
              + quote(String.join("/", chosen.get(0).path().subList(0, skip)))
              + ".");
    }
    if (chosen.size() < found.size()) {
      Set<Found> taken = Set.copyOf(chosen);
      List<Found> others = found.stream().filter(f -> !taken.contains(f)).toList();
      notes.add("Left out: " + entries(others, 0) + ".");
    }
  }

  private Map<String, Found> named() {
    Map<String, Found> named = new LinkedHashMap<>();
    for (Found f : chosen) {
      String name = String.join("/", f.path().subList(skip, f.path().size()));
      if (named.put(name, f) != null) {
        throw new ModelFormatException(
            Reason.DUPLICATE_KEY,
            file,
            "tensor " + quote(name),
            "two tensors have that name. Save model.state_dict() alone.");
      }
    }
    return named;
  }

  /** Tensors under each entry, in the order of the file. */
  private static Map<String, Integer> counts(List<Found> tensors, int depth) {
    Map<String, Integer> counts = new LinkedHashMap<>();
    tensors.forEach(
        f -> counts.merge(f.path().size() > depth ? f.path().get(depth) : "", 1, Integer::sum));
    return counts;
  }

  private static String entries(List<Found> tensors, int depth) {
    Map<String, Integer> counts = new TreeMap<>(counts(tensors, depth));
    String shown =
        counts.entrySet().stream()
            .limit(MAX_SHOWN)
            .map(e -> quote(e.getKey()) + " (" + tensors(e.getValue()) + ")")
            .collect(Collectors.joining(", "));
    return counts.size() > MAX_SHOWN
        ? shown + " and " + (counts.size() - MAX_SHOWN) + " more"
        : shown;
  }

  private static String tensors(int count) {
    return count == 1 ? "1 tensor" : count + " tensors";
  }

  private ModelFormatException noTensors(String detail) {
    return new ModelFormatException(
        Reason.NO_TENSORS,
        file,
        "",
        "the checkpoint " + detail + ". Save model.state_dict() with torch.save.");
  }
}
