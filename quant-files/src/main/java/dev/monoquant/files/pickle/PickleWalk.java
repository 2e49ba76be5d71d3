package dev.monoquant.files.pickle;

import dev.monoquant.QuantException;
import dev.monoquant.files.pickle.PickleValue.Global;
import dev.monoquant.spi.ReadLimits;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** Searches values without recursion, and visits each shared value once. */
public final class PickleWalk {

  private static final int MAX_SHOWN = 200;
  private static final Integer LEAF = 1;

  /** A value and its path; the path is a linked list, so that deep nesting allocates no texts. */
  private record Place(PickleValue value, Optional<Place> parent, Optional<PickleValue> key) {}

  private PickleWalk() {}

  /**
   * Finds a class or function in a value.
   *
   * @param root the value to search
   * @param wanted the class or function
   * @param limits bounds on the number of values to visit
   * @return the keys on the path to it, joined with slashes; empty if it is absent
   */
  static Optional<String> find(PickleValue root, Global wanted, ReadLimits limits) {
    Set<PickleValue> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    Deque<Place> open = new ArrayDeque<>();
    open.add(new Place(root, Optional.empty(), Optional.empty()));
    while (!open.isEmpty() && seen.size() < limits.maxPickleValues()) {
      Place place = open.removeLast();
      if (place.value().equals(wanted)) {
        return Optional.of(path(place)).filter(p -> !p.isEmpty());
      }
      if (seen.add(place.value())) {
        children(place).forEach(open::add);
      }
    }
    return Optional.empty();
  }

  /**
   * Finds every persistent id in a value.
   *
   * @param root the value to search
   * @return the ids, in no order; each shared id once
   */
  public static List<PicklePersistent> persistentIds(PickleValue root) {
    return all(root, PicklePersistent.class);
  }

  /**
   * Finds every object in a value.
   *
   * @param root the value to search
   * @return the objects, in an unspecified but repeatable order; each shared object once
   */
  public static List<PickleObject> objects(PickleValue root) {
    return all(root, PickleObject.class);
  }

  /**
   * Finds every object in a value, except in values seen before.
   *
   * @param root the value to search
   * @param seen the values seen before, compared by identity; visited values are added
   * @return the objects, in an unspecified but repeatable order
   */
  public static List<PickleObject> objects(PickleValue root, Set<PickleValue> seen) {
    return all(root, PickleObject.class, seen);
  }

  /**
   * Finds every class and function in a value, except in values seen before.
   *
   * @param root the value to search
   * @param seen the values seen before, compared by identity; visited values are added
   * @return their names
   */
  public static Set<Global> globals(PickleValue root, Set<PickleValue> seen) {
    return Set.copyOf(all(root, Global.class, seen));
  }

  /**
   * Counts the levels of a value: the most values that contain each other, from the root to a leaf.
   * A place where a value contains itself does not count.
   *
   * @param root the value
   * @return the number of levels, 1 for a leaf
   */
  public static int depth(PickleValue root) {
    IdentityHashMap<PickleValue, Integer> depths = new IdentityHashMap<>();
    Deque<Level> open = new ArrayDeque<>();
    Level top = new Level(root);
    depths.put(root, 0);
    open.push(top);
    while (!open.isEmpty()) {
      Level level = open.peek();
      if (level.children.hasNext()) {
        Level child = new Level(level.children.next());
        Integer known = child.children.hasNext() ? depths.putIfAbsent(child.value, 0) : LEAF;
        if (known == null) {
          open.push(child);
        } else {
          level.below = Math.max(level.below, known);
        }
      } else {
        open.pop();
        depths.put(level.value, level.below + 1);
        if (!open.isEmpty()) {
          open.peek().below = Math.max(open.peek().below, level.below + 1);
        }
      }
    }
    return top.below + 1;
  }

  /** A value whose children are being counted. */
  private static final class Level {

    private final PickleValue value;
    private final Iterator<PickleValue> children;
    private int below;

    Level(PickleValue value) {
      PickleParts parts = PickleParts.of(value);
      List<PickleValue> elements =
          value instanceof PickleObject object ? object.elements() : List.of();
      this.value = value;
      this.children =
          Stream.of(parts.before(), parts.after(), elements).flatMap(List::stream).iterator();
    }
  }

  private static <T extends PickleValue> List<T> all(PickleValue root, Class<T> type) {
    return all(root, type, Collections.newSetFromMap(new IdentityHashMap<>()));
  }

  private static <T extends PickleValue> List<T> all(
      PickleValue root, Class<T> type, Set<PickleValue> seen) {
    List<T> found = new ArrayList<>();
    Deque<Place> open = new ArrayDeque<>();
    open.add(new Place(root, Optional.empty(), Optional.empty()));
    while (!open.isEmpty()) {
      Place place = open.removeLast();
      if (seen.add(place.value())) {
        if (type.isInstance(place.value())) {
          found.add(type.cast(place.value()));
        }
        children(place).forEach(open::add);
      }
    }
    return found;
  }

  private static List<Place> children(Place place) {
    List<Place> children = new ArrayList<>();
    PickleValue value = place.value();
    if (value instanceof PickleTuple tuple) {
      tuple.items().forEach(i -> children.add(under(place, i)));
    } else if (value instanceof PickleList list) {
      list.items().forEach(i -> children.add(under(place, i)));
    } else if (value instanceof PickleSet set) {
      set.items().forEach(i -> children.add(under(place, i)));
    } else if (value instanceof PickleDict dict) {
      items(place, dict, children);
    } else if (value instanceof PicklePersistent persistent) {
      children.add(under(place, persistent.id()));
    } else if (value instanceof PickleObject object) {
      children.add(under(place, object.callee()));
      children.add(under(place, object.args()));
      object.keywords().ifPresent(k -> children.add(under(place, k)));
      object.state().ifPresent(s -> children.add(under(place, s)));
      object.elements().forEach(e -> children.add(under(place, e)));
      items(place, object.items(), children);
    }
    return children;
  }

  private static void items(Place place, PickleDict dict, List<Place> children) {
    for (PickleDict.Item item : dict.items()) {
      children.add(new Place(item.value(), Optional.of(place), Optional.of(item.key())));
      children.add(under(place, item.key()));
    }
  }

  private static Place under(Place parent, PickleValue value) {
    return new Place(value, Optional.of(parent), Optional.empty());
  }

  private static String path(Place place) {
    Deque<String> steps = new ArrayDeque<>();
    int length = 0;
    for (Optional<Place> at = Optional.of(place);
        at.isPresent() && length < MAX_SHOWN;
        at = at.get().parent()) {
      if (at.get().key().isPresent()) {
        PickleValue key = at.get().key().get();
        String step = key instanceof PickleValue.Text text ? text.value() : step(key);
        steps.addFirst(step);
        length += step.length();
      }
    }
    return String.join("/", steps);
  }

  /** {@return a key for messages} */
  static String step(PickleValue key) {
    if (key instanceof PickleValue.Text text) {
      return QuantException.quote(text.value());
    }
    if (key instanceof PickleValue.Int number) {
      return Long.toString(number.value());
    }
    return key.kind();
  }
}
