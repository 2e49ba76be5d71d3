package dev.monoquant.io.checkpoint;

import static dev.monoquant.QuantException.quote;
import static java.util.Objects.requireNonNull;

import dev.monoquant.ConfigurationException;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.torch.StateWalk;
import dev.monoquant.files.torch.StateWalk.Foreign;
import dev.monoquant.files.torch.StateWalk.Found;
import dev.monoquant.model.Layer;
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
 * <p>The state dict is the one entry of a usual name ({@code state_dict}, {@code model}, ...) that
 * is a dict with tensors, even if single tensors lie beside it, such as a loss or a mean. Without
 * such an entry, it is a dict that directly holds tensors, or else the only entry that is not
 * training state. It may be nested again. If several entries qualify, the file is refused and the
 * user must choose. Training state (optimizer, schedulers, gradient scalers) is used only if the
 * user chooses it; an optimizer is also recognised by its contents.
 *
 * <p>Objects of unknown classes are not weights. They are skipped outside the entry. If one holds
 * tensors under a usual name of weights, no other entry is used.
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

  /** Averages of weights, which are the weights of a checkpoint that has no others. */
  private static final Set<String> AVERAGES =
      Set.of("ema_model", "model_ema", "ema", "ema_state_dict", "state_dict_ema", "params_ema");

  private static final Pattern TRAINING =
      Pattern.compile(
          "(?i).*(optim|sched|scaler|callback|rng_state|loops).*|amp|lr|hparams|args|history");

  /** The state that optimizers keep for each parameter. */
  private static final Set<String> OPTIMIZER =
      Set.of(
          "step",
          "exp_avg",
          "exp_avg_sq",
          "max_exp_avg_sq",
          "exp_inf",
          "exp_avg_sq_row",
          "exp_avg_sq_col",
          "momentum_buffer",
          "square_avg",
          "grad_avg",
          "acc_delta",
          "sum",
          "ax",
          "eta",
          "mu",
          "prev",
          "step_size",
          "d");

  private static final String ALL = "/";
  private static final int MAX_SHOWN = 20;

  private final String file;
  private final List<Found> found;
  private final List<Foreign> foreign;
  private final List<String> notes = new ArrayList<>();
  private List<Found> chosen = List.of();
  private int skip;

  private StateChoice(String file, StateWalk.Contents contents) {
    this.file = file;
    this.found = contents.tensors();
    this.foreign = contents.foreign();
  }

  /**
   * The tensors of an entry.
   *
   * @param tensors the tensors found, by their names within the entry
   * @param skipped the objects of unknown classes outside the entry
   * @param notes the decisions made
   */
  record Chosen(Map<String, Found> tensors, List<Foreign> skipped, List<String> notes) {}

  /**
   * Chooses the entry.
   *
   * @param file the file for messages
   * @param contents every tensor of the file, and the objects of unknown classes
   * @param entry the user's choice; empty if there is none, {@code /} for everything
   * @return the tensors of the chosen entry
   * @throws ModelFormatException if there is none, or more than one
   * @throws ConfigurationException if the user's choice does not exist
   */
  static Chosen choose(String file, StateWalk.Contents contents, String entry) {
    StateChoice choice = new StateChoice(file, contents);
    if (entry.isEmpty()) {
      choice.chosen = choice.found;
      if (!choice.descend()) {
        // There are only objects of unknown classes; the caller refuses them by name.
        return new Chosen(Map.of(), List.of(), List.of());
      }
      choice.leaveOutTraining();
    } else {
      choice.take(entry);
    }
    choice.noteOthers();
    return new Chosen(choice.named(), choice.skipped(entry.isEmpty()), choice.notes);
  }

  private List<Foreign> skipped(boolean decided) {
    List<String> entry = skip == 0 ? List.of() : chosen.get(0).path().subList(0, skip);
    return foreign.stream()
        .filter(
            f ->
                f.path().size() <= skip
                    || !f.path().subList(0, skip).equals(entry)
                    || (decided && skip == 0 && isTraining(f.path().get(0))))
        .toList();
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

  /** {@return whether weights were found; if not, objects of unknown classes may hold some} */
  private boolean descend() {
    if (found.isEmpty()) {
      if (!foreign.isEmpty()) {
        return false;
      }
      throw noTensors("holds no tensors");
    }
    while (true) {
      if (isOptimizer(chosen, skip)) {
        throw noTensors(
            "holds the state of an optimizer, such as "
                + quote(chosen.get(0).name())
                + ", and no weights");
      }
      Map<String, List<Found>> entries = entries();
      List<Found> beside = chosen.stream().filter(f -> f.path().size() <= skip + 1).toList();
      List<String> usual = those(entries, WEIGHTS);
      long models =
          entries.entrySet().stream().filter(e -> isModel(e.getKey(), e.getValue())).count();
      if (usual.isEmpty() && models == 1) {
        usual = those(entries, AVERAGES);
      }
      if (usual.isEmpty() && !beside.isEmpty()) {
        return true;
      }
      List<String> weights = usual;
      if (usual.isEmpty()) {
        List<String> objects = objects();
        weights =
            entries.entrySet().stream()
                .filter(e -> isModel(e.getKey(), e.getValue()))
                .map(Map.Entry::getKey)
                .toList();
        if (objects.stream().anyMatch(WEIGHTS::contains)
            || (weights.isEmpty() && !objects.isEmpty())) {
          return false;
        }
        if (weights.isEmpty()) {
          throw noTensors("holds only state of a training: " + entries(chosen, skip));
        }
        if (!objects.isEmpty()) {
          throw several(weights.get(0), " and objects of unknown classes with tensors");
        }
      }
      String first = weights.get(0);
      if (weights.size() > 1) {
        throw several(first, "");
      }
      List<Found> inside = requireNonNull(entries.get(first));
      if (isList(inside)) {
        return true; // A list or tuple is a value of a state dict, such as packed parameters.
      }
      long named = beside.stream().filter(f -> f.path().get(skip).indexOf('.') >= 0).count();
      if (named >= inside.size()) {
        // Names with dots are names of layers: these are two nested state dicts.
        throw several(first, "");
      }
      chosen = inside;
      skip++;
    }
  }

  private List<String> those(Map<String, List<Found>> entries, Set<String> names) {
    return entries.entrySet().stream()
        .filter(e -> names.contains(e.getKey()) && !isList(e.getValue()))
        .map(Map.Entry::getKey)
        .toList();
  }

  /** The tensors more than one step below, by the first step. */
  private Map<String, List<Found>> entries() {
    Map<String, List<Found>> entries = new LinkedHashMap<>();
    for (Found f : chosen) {
      if (f.path().size() > skip + 1) {
        entries.computeIfAbsent(f.path().get(skip), k -> new ArrayList<>()).add(f);
      }
    }
    return entries;
  }

  private boolean isList(List<Found> inside) {
    return inside.stream().allMatch(f -> Layer.isNumber(f.path().get(skip + 1)));
  }

  private boolean isModel(String entry, List<Found> inside) {
    return !isTraining(entry) && !isOptimizer(inside, skip + 1);
  }

  /** The entries that are objects of unknown classes and hold tensors, except training state. */
  private List<String> objects() {
    List<String> prefix = chosen.get(0).path().subList(0, skip);
    return foreign.stream()
        .filter(f -> f.tensors() > 0 && f.path().size() == skip + 1)
        .filter(f -> f.path().subList(0, skip).equals(prefix))
        .map(f -> f.path().get(skip))
        .filter(o -> !isTraining(o))
        .toList();
  }

  /** Whether all tensors are optimizer state: under {@code state}, a parameter and a kept value. */
  private static boolean isOptimizer(List<Found> tensors, int depth) {
    return tensors.stream()
        .allMatch(
            f -> {
              List<String> path = f.path();
              int at = depth;
              if (path.size() > at && Layer.isNumber(path.get(at))) {
                at++; // One of several optimizers.
              }
              return path.size() > at + 2
                  && path.get(at).equals("state")
                  && (Layer.isNumber(path.get(at + 1)) || OPTIMIZER.contains(path.get(at + 2)));
            });
  }

  private ModelFormatException several(String first, String more) {
    return new ModelFormatException(
        Reason.AMBIGUOUS_ROOT,
        file,
        "",
        "several entries could be the model: "
            + entries(chosen, skip)
            + more
            + ". Choose one, for example --entry "
            + first
            + ", or --entry / for all of them together.");
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

  /** The number of tensors under each entry, in the order of the file. */
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
