package dev.monoquant.files.model;

import static dev.monoquant.QuantException.quote;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The names of the model itself, without the steps that wrappers for training and compilation add.
 *
 * <p>{@code _orig_mod} of {@code torch.compile}, {@code _fsdp_wrapped_module} and {@code
 * _checkpoint_wrapped_module} are wrappers at any place. {@code module} is a wrapper of {@code
 * DistributedDataParallel} or {@code AveragedModel} if every name below the same place has it, and
 * that place is the root, or that of another wrapper, or has the counter of an average beside it;
 * elsewhere it is a name of the model. The last step of a name is always kept.
 *
 * <p>If two names would become equal, all names stay unchanged.
 */
public final class WrapperNames {

  private static final Set<String> WRAPPERS =
      Set.of("_orig_mod", "_fsdp_wrapped_module", "_fpw_module", "_checkpoint_wrapped_module");

  private static final String MODULE = "module.";

  /** Tensors of averaged models beside {@code module}. */
  private static final Set<String> COUNTERS =
      Set.of("n_averaged", "num_averaged", "num_updates", "decay", "step", "steps", "initted");

  private static final String AVERAGED = "n_averaged";

  /** Bounds the work on malicious names with many places. */
  private static final int MAX_PLACES = 20_000;

  /**
   * The number of {@code module.} steps to remove at each place; places end with a dot or are the
   * root.
   */
  private final Map<String, Integer> places = new TreeMap<>();

  private final Set<Integer> lengths = new HashSet<>();

  private final NavigableSet<String> bare = new TreeSet<>();

  private WrapperNames() {}

  /**
   * Removes the wrapper steps.
   *
   * @param names all names of a model
   * @param notes receives the removed steps
   * @return the new names by the old names, in the same order, without the counters of averages
   */
  public static Map<String, String> strip(Collection<String> names, List<String> notes) {
    WrapperNames wrappers = new WrapperNames();
    Map<String, String> unwrapped = new LinkedHashMap<>();
    names.forEach(n -> unwrapped.put(n, wrappers.unwrap(n)));
    if (wrappers.places.isEmpty() && names.stream().noneMatch(n -> n.startsWith(MODULE))) {
      return same(names);
    }
    wrappers.bare.addAll(unwrapped.values());
    wrappers.places.put("", 0);
    wrappers.places.replaceAll((place, none) -> wrappers.modules(place));
    wrappers.places.forEach((place, modules) -> wrappers.lengths.add(place.length()));
    Map<String, String> stripped = new LinkedHashMap<>();
    List<String> counters = new ArrayList<>();
    unwrapped.forEach(
        (name, without) -> {
          if (wrappers.isCounter(without)) {
            counters.add(name);
          } else {
            stripped.put(name, wrappers.withoutModules(without));
          }
        });
    return noted(names, stripped, counters, notes);
  }

  private static Map<String, String> noted(
      Collection<String> names,
      Map<String, String> stripped,
      List<String> counters,
      List<String> notes) {
    Map<String, String> changed = new LinkedHashMap<>(stripped);
    changed.entrySet().removeIf(e -> e.getKey().equals(e.getValue()));
    if (changed.isEmpty()) {
      return same(names);
    }
    Map.Entry<String, String> first = changed.entrySet().iterator().next();
    if (new HashSet<>(stripped.values()).size() < stripped.size()) {
      notes.add(
          "Names hold steps of wrappers, such as "
              + quote(first.getKey())
              + "; without them two tensors would have one name, so all are kept.");
      return same(names);
    }
    String prefix =
        first.getKey().substring(0, first.getKey().length() - first.getValue().length());
    boolean common =
        changed.size() == stripped.size()
            && stripped.entrySet().stream().allMatch(e -> e.getKey().equals(prefix + e.getValue()));
    notes.add(
        common
            ? "The prefix " + quote(prefix) + " is taken off all names."
            : "Steps of wrappers are taken off "
                + (changed.size() == 1 ? "1 name" : changed.size() + " names")
                + ", such as "
                + quote(first.getKey())
                + ", which becomes "
                + quote(first.getValue())
                + ".");
    if (!counters.isEmpty()) {
      notes.add("Left out: " + quote(String.join(", ", counters)) + ", a counter of an average.");
    }
    return stripped;
  }

  private static Map<String, String> same(Collection<String> names) {
    Map<String, String> same = new LinkedHashMap<>();
    names.forEach(n -> same.put(n, n));
    return same;
  }

  /** Removes the steps that are wrappers at any place, and records these places. */
  private String unwrap(String name) {
    if (name.endsWith("." + AVERAGED)) {
      place(name.substring(0, name.length() - AVERAGED.length()));
    }
    if (name.indexOf('_') < 0) {
      return name;
    }
    StringBuilder without = new StringBuilder(name.length());
    int from = 0;
    for (int dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', from)) {
      if (WRAPPERS.contains(name.substring(from, dot)) && dot + 1 < name.length()) {
        place(without.toString());
      } else {
        without.append(name, from, dot + 1);
      }
      from = dot + 1;
    }
    return without.append(name, from, name.length()).toString();
  }

  private void place(String place) {
    if (places.size() < MAX_PLACES) {
      places.put(place, 0);
    }
  }

  /** The number of {@code module.} steps after a place in every name below it, except counters. */
  private int modules(String place) {
    for (int count = 0; ; count++) {
      String with = place + MODULE.repeat(count + 1);
      boolean any = false;
      for (String name : bare.tailSet(place)) {
        if (!name.startsWith(place)) {
          break;
        }
        if (name.startsWith(with) && name.length() > with.length()) {
          any = true;
        } else if (!isCounterBelow(name, place, count)) {
          return count;
        }
      }
      if (!any) {
        return count;
      }
    }
  }

  private static boolean isCounterBelow(String name, String place, int modules) {
    String before = place;
    for (int i = 0; i <= modules && name.startsWith(before); i++) {
      if (COUNTERS.contains(name.substring(before.length()))) {
        return true;
      }
      before += MODULE;
    }
    return false;
  }

  private boolean isCounter(String name) {
    int dot = name.lastIndexOf('.') + 1;
    if (!COUNTERS.contains(name.substring(dot))) {
      return false;
    }
    // A place may have as many counters below it as it has wrappers.
    String place = name.substring(0, dot);
    for (int i = 0; ; i++) {
      if (places.getOrDefault(place, 0) > i) {
        return true;
      }
      if (!place.endsWith(MODULE)) {
        return false;
      }
      place = place.substring(0, place.length() - MODULE.length());
    }
  }

  private String withoutModules(String name) {
    StringBuilder without = new StringBuilder(name.length());
    int from = 0;
    while (true) {
      int modules = lengths.contains(from) ? places.getOrDefault(name.substring(0, from), 0) : 0;
      if (modules > 0) {
        from += modules * MODULE.length();
        continue;
      }
      int dot = name.indexOf('.', from);
      if (dot < 0 || dot + 1 == name.length()) {
        return without.append(name, from, name.length()).toString();
      }
      without.append(name, from, dot + 1);
      from = dot + 1;
    }
  }
}
