package dev.monoquant.core;

import dev.monoquant.core.report.PlannedWeight;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Which options of which families of layers are measured, and in which order. A budget of runs is
 * spread over the model: all families get one option before any gets the next, the largest family
 * first, since its bytes count most. The options of a family follow in an order in which they soon
 * span its curve: the one of the most bits, the one in the middle, those in the middle of the rest.
 */
final class TuneTrials {

  /**
   * Options of one family that are quantized in one pass over the model.
   *
   * @param family the index of the family
   * @param ways their bytes and their indices among {@link TuneWay#ALL}
   */
  record Batch(int family, List<Map.Entry<Long, Integer>> ways) {}

  private record Trial(int round, int family, Map.Entry<Long, Integer> way) {}

  private TuneTrials() {}

  /**
   * The options of a family by their bytes; of equal bytes, the one of more bits.
   *
   * @param own the weights of the family
   * @param plans what each of {@link TuneWay#ALL} makes of each weight that it takes
   */
  static NavigableMap<Long, Integer> ways(
      List<PlannedWeight> own, List<Map<String, PlannedWeight>> plans) {
    NavigableMap<Long, Integer> ways = new TreeMap<>();
    for (int way = TuneWay.ALL.size() - 1; way >= 0; way--) {
      Map<String, PlannedWeight> plan = plans.get(way);
      long bytes =
          own.stream()
              .mapToLong(
                  w ->
                      Optional.ofNullable(plan.get(w.weight().name()))
                          .map(PlannedWeight::bytesAfter)
                          .orElse(w.bytesBefore()))
              .sum();
      if (own.stream().anyMatch(w -> plan.containsKey(w.weight().name()))) {
        ways.putIfAbsent(bytes, way);
      }
    }
    return ways;
  }

  /**
   * {@return what is measured, in order}
   *
   * @param ways the options of each family
   * @param sizes the bytes of each family before
   * @param most the most options
   * @param timed whether time may run out, so that a round must end before the next begins; else
   *     all options of a family are measured together, which reads the model less often
   */
  static List<Batch> of(
      List<NavigableMap<Long, Integer>> ways, List<Long> sizes, long most, boolean timed) {
    List<Trial> trials = new ArrayList<>();
    for (int family = 0; family < ways.size(); family++) {
      List<Map.Entry<Long, Integer>> descending =
          List.copyOf(ways.get(family).descendingMap().entrySet());
      List<Integer> order = spread(descending.size());
      for (int round = 0; round < order.size(); round++) {
        trials.add(new Trial(round, family, descending.get(order.get(round))));
      }
    }
    trials.sort(
        Comparator.comparingInt(Trial::round)
            .thenComparingLong(trial -> -sizes.get(trial.family()))
            .thenComparingInt(Trial::family));
    List<Trial> some = trials.subList(0, (int) Math.max(0, Math.min(trials.size(), most)));
    if (timed) {
      return some.stream().map(trial -> new Batch(trial.family(), List.of(trial.way()))).toList();
    }
    SortedMap<Integer, List<Map.Entry<Long, Integer>>> together = new TreeMap<>();
    some.forEach(
        trial -> together.computeIfAbsent(trial.family(), f -> new ArrayList<>()).add(trial.way()));
    return together.entrySet().stream()
        .map(family -> new Batch(family.getKey(), family.getValue()))
        .toList();
  }

  /** The numbers below n: 0, the middle, the middles of both halves, and so on. */
  static List<Integer> spread(int n) {
    List<Integer> order = new ArrayList<>();
    if (n > 0) {
      order.add(0);
    }
    for (int step = Math.max(1, Integer.highestOneBit(Math.max(1, n - 1))); step > 0; step /= 2) {
      for (int at = step; at < n; at += 2 * step) {
        order.add(at);
      }
    }
    return order;
  }
}
