package dev.monoquant.core.split;

import dev.monoquant.ConfigurationException;
import dev.monoquant.files.manifest.PieceHashes;
import dev.monoquant.spi.OutputLayout.Place;
import dev.monoquant.spi.OutputShare.Pieces;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Divides tensors among units: in the order of their places in the output, so that a unit writes
 * few ranges, and each unit reads and writes about as many bytes as another. Tensors of a group
 * stay together.
 */
public final class WorkDivision {

  /**
   * A tensor of the output.
   *
   * @param name its name
   * @param read its bytes in the input
   * @param places where it is written
   */
  public record Item(String name, long read, List<Place> places) {

    private long written() {
      return places.stream().mapToLong(Place::length).sum();
    }

    private long work() {
      return read + written();
    }
  }

  /** The order of places: by file, then by offset. */
  private static final Comparator<Item> BY_PLACE =
      Comparator.comparing((Item item) -> largest(item).file())
          .thenComparing(item -> largest(item).offset())
          .thenComparing(Item::name);

  private WorkDivision() {}

  private static Place largest(Item item) {
    return Collections.max(item.places(), Comparator.comparing(Place::length));
  }

  /**
   * {@return the units}
   *
   * @param items all tensors
   * @param together groups of names that stay together; a name may be in several
   * @param inputs the sizes of the files of the input, in order
   * @param units the number of units
   * @throws ConfigurationException if there are fewer tensors or groups than units
   */
  public static List<SplitPlan.Unit> of(
      List<Item> items, List<List<String>> together, Map<String, Long> inputs, int units) {
    List<List<Item>> groups = groups(items, together);
    if (units < 1 || units > groups.size()) {
      throw new ConfigurationException(
          "--split "
              + units
              + ": 1 to "
              + groups.size()
              + " units are possible, as many as there are tensors, and layers that share a range"
              + " stay together");
    }
    long total = groups.stream().mapToLong(WorkDivision::work).sum();
    List<Pieced> pieces = pieces(inputs);
    List<SplitPlan.Unit> all = new ArrayList<>();
    long done = 0;
    int next = 0;
    int hashed = 0;
    for (int unit = 0; unit < units; unit++) {
      List<Item> own = new ArrayList<>();
      int last = groups.size() - (units - unit - 1);
      double until = (double) total * (unit + 1) / units;
      while (next < last
          && (own.isEmpty() || unit == units - 1 || done + work(groups.get(next)) / 2.0 <= until)) {
        own.addAll(groups.get(next));
        done += work(groups.get(next++));
      }
      int end =
          unit == units - 1
              ? pieces.size()
              : (int) (pieces.size() * (double) done / Math.max(1, total));
      all.add(unit(own, pieces.subList(Math.min(hashed, end), end)));
      hashed = Math.max(hashed, end);
    }
    return all;
  }

  private static long work(List<Item> group) {
    return group.stream().mapToLong(Item::work).sum();
  }

  /** The items in groups, each where its first item is. */
  private static List<List<Item>> groups(List<Item> items, List<List<String>> together) {
    Map<String, String> leader = new HashMap<>();
    for (List<String> group : together) {
      for (String name : group) {
        String a = find(leader, group.get(0));
        String b = find(leader, name);
        if (!a.equals(b)) {
          leader.put(b, a);
        }
      }
    }
    Map<String, List<Item>> groups = new LinkedHashMap<>();
    items.stream()
        .sorted(BY_PLACE)
        .forEach(
            item ->
                groups
                    .computeIfAbsent(find(leader, item.name()), k -> new ArrayList<>())
                    .add(item));
    return List.copyOf(groups.values());
  }

  private static String find(Map<String, String> leader, String name) {
    String at = name;
    for (String above = leader.get(at); above != null; above = leader.get(at)) {
      at = above;
    }
    return at;
  }

  /** A piece of an input. */
  private record Pieced(String file, long piece) {}

  private static List<Pieced> pieces(Map<String, Long> inputs) {
    List<Pieced> all = new ArrayList<>();
    inputs.forEach(
        (file, size) -> {
          for (long piece = 0; piece < PieceHashes.count(size); piece++) {
            all.add(new Pieced(file, piece));
          }
        });
    return all;
  }

  private static SplitPlan.Unit unit(List<Item> items, List<Pieced> pieces) {
    SortedMap<String, List<Place>> places = new TreeMap<>();
    for (Item item : items) {
      for (Place place : item.places()) {
        if (place.length() > 0) {
          places.computeIfAbsent(place.file(), k -> new ArrayList<>()).add(place);
        }
      }
    }
    SortedMap<String, List<SplitPlan.Range>> ranges = new TreeMap<>();
    places.forEach((file, all) -> ranges.put(file, merged(all)));
    SortedMap<String, Pieces> hashes = new TreeMap<>();
    for (Pieced piece : pieces) {
      hashes.merge(
          piece.file(),
          new Pieces(piece.piece(), 1),
          (before, one) -> new Pieces(before.first(), before.count() + 1));
    }
    return new SplitPlan.Unit(
        items.stream().map(Item::name).toList(),
        items.stream().mapToLong(Item::read).sum(),
        items.stream().mapToLong(Item::written).sum(),
        ranges,
        hashes);
  }

  /** Adjacent places as one. */
  private static List<SplitPlan.Range> merged(List<Place> places) {
    List<SplitPlan.Range> merged = new ArrayList<>();
    long start = 0;
    long end = -1;
    for (Place place : places.stream().sorted(Comparator.comparing(Place::offset)).toList()) {
      if (place.offset() != end) {
        if (end >= 0) {
          merged.add(new SplitPlan.Range(start, end - start));
        }
        start = place.offset();
      }
      end = place.offset() + place.length();
    }
    if (end >= 0) {
      merged.add(new SplitPlan.Range(start, end - start));
    }
    return List.copyOf(merged);
  }
}
