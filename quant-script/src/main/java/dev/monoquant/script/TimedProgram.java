package dev.monoquant.script;

import dev.monoquant.files.pickle.PickleDict;
import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.files.pickle.PickleValue.Text;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A rewritten program in which each holder measures its weight. Everything is as in the program
 * itself, except the source of the holders: whenever the code uses a weight that a kernel runs, the
 * holder runs that use three times on the same inputs, as written and in each of {@link #WAYS}, and
 * adds the times to a parameter. The result is that of the first.
 *
 * <p>The parameter of a weight is {@code NAME.nanos}, one INT64 for each time: the sum of all calls
 * in nanoseconds. Weights that no kernel runs are not measured.
 *
 * <p>Such a program takes three times as long as the layers of the original program, and holds each
 * weight decoded too. It is for measurements, not for use.
 *
 * @param code the source by path below {@code code/}
 * @param weights the names of measured weights, by parameter
 */
public record TimedProgram(SortedMap<String, String> code, SortedMap<String, String> weights) {

  /** Other ways to run a weight, as options; the last is what the original program does. */
  public static final List<String> WAYS =
      List.of("mode=" + Mode.DYNAMIC.wire(), "mode=" + Mode.WEIGHT_ONLY.wire());

  private static final String PARAMETER = "nanos";

  /** Copies the maps. */
  public TimedProgram {
    code = Collections.unmodifiableSortedMap(new TreeMap<>(code));
    weights = Collections.unmodifiableSortedMap(new TreeMap<>(weights));
  }

  private record Place(String path, PickleObject object) {}

  /**
   * {@return the program with holders that measure}
   *
   * @param program a program that {@link Rewriter#rewrite} returned
   * @param names the names of its quantized weights
   */
  public static TimedProgram of(ScriptProgram program, Collection<String> names) {
    SortedMap<String, String> code = new TreeMap<>(program.code());
    SortedMap<String, String> weights = new TreeMap<>();
    Set<PickleValue> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    Map<String, Optional<LibrarySource>> libraries = new TreeMap<>();
    Deque<Place> open = new ArrayDeque<>();
    if (program.data() instanceof PickleObject root) {
      open.add(new Place("", root));
    }
    while (!open.isEmpty()) {
      Place place = open.removeFirst();
      // A weight that is used at several places is measured under the first of its names.
      if (!seen.add(place.object())) {
        continue;
      }
      String library = place.object().callee().module();
      if (place.object().callee().path().equals(library + ".Weight")
          && libraries.computeIfAbsent(library, l -> source(program, l)).isPresent()) {
        weights.put(place.path() + "." + PARAMETER, name(place.path(), names));
      } else if (place.object().state().orElse(null) instanceof PickleDict state) {
        for (PickleDict.Item item : state.items()) {
          if (item.key() instanceof Text key && item.value() instanceof PickleObject child) {
            String name = key.value();
            open.add(new Place(place.path().isEmpty() ? name : place.path() + "." + name, child));
          }
        }
      }
    }
    libraries.forEach(
        (library, source) ->
            source.ifPresent(s -> code.put(path(library), s.timed().text(name(library)))));
    return new TimedProgram(code, weights);
  }

  private static Optional<LibrarySource> source(ScriptProgram program, String library) {
    String text = program.code().get(path(library));
    return text == null ? Optional.empty() : LibrarySource.read(name(library), text);
  }

  private static String name(String library) {
    return library.substring(library.indexOf('.') + 1);
  }

  /**
   * {@return the name of the weight at a place; holders of constants are attributes of the root}
   */
  private static String name(String path, Collection<String> names) {
    if (names.contains(path) || !path.startsWith(ModuleTypes.HELD_CONSTANT)) {
      return path;
    }
    String constant =
        Slot.CONSTANT_PREFIX
            + path.substring(ModuleTypes.HELD_CONSTANT.length()).replaceAll("_+$", "");
    return names.contains(constant) ? constant : path;
  }

  private static String path(String library) {
    return library.replace('.', '/') + ".py";
  }
}
