package dev.monoquant.core.trial;

import dev.monoquant.core.text.Text;
import dev.monoquant.spi.TimedCopy;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The times of the layers of an output that is slower than the original, from a {@link TimedCopy}:
 * each layer ran in several ways on the same inputs. The whole was measured without this.
 *
 * @param ways the other ways of running a layer; the last is what the original does
 * @param nanos by weight, the time of all calls of the layer on all samples together: as the output
 *     runs it, then in each of the other ways
 */
record LayerTimes(List<String> ways, SortedMap<String, List<Long>> nanos) {

  private static final int MOST_NAMED = 5;
  private static final double NANOS_PER_MILLI = 1e6;

  /** Times closer than this are equal. */
  private static final double FASTER = 0.95;

  /** Copies both; a layer that was never called is left out. */
  LayerTimes {
    ways = List.copyOf(ways);
    int numbers = ways.size() + 1;
    TreeMap<String, List<Long>> called = new TreeMap<>();
    nanos.forEach(
        (name, times) -> {
          if (times.size() == numbers && times.stream().allMatch(t -> t > 0)) {
            called.put(name, List.copyOf(times));
          }
        });
    nanos = called;
  }

  /**
   * {@return the times of a copy}
   *
   * @param copy what was measured
   * @param parameters the numbers of the parameters of the model, possibly of others too
   */
  static LayerTimes of(TimedCopy copy, Map<String, List<Long>> parameters) {
    SortedMap<String, List<Long>> nanos = new TreeMap<>();
    copy.weights()
        .forEach(
            (parameter, weight) ->
                nanos.put(weight, parameters.getOrDefault(parameter, List.of())));
    return new LayerTimes(copy.ways(), nanos);
  }

  private int original() {
    return ways.size();
  }

  private long total(int way) {
    return nanos.values().stream().mapToLong(times -> times.get(way)).sum();
  }

  /** {@return the time that a layer takes longer than in the original} */
  private long lost(List<Long> times) {
    return times.get(0) - times.get(original());
  }

  /** {@return which layers cost most, a sentence without a full stop} */
  String describe() {
    if (nanos.isEmpty()) {
      return "None of its layers is run by a kernel, so that none could be measured";
    }
    List<Map.Entry<String, List<Long>>> slower =
        nanos.entrySet().stream()
            .filter(e -> lost(e.getValue()) > 0)
            .sorted(
                Comparator.<Map.Entry<String, List<Long>>>comparingLong(e -> -lost(e.getValue()))
                    .thenComparing(Map.Entry::getKey))
            .toList();
    List<String> alone = new ArrayList<>();
    alone.add(millis(total(0)));
    for (int way = 1; way <= ways.size(); way++) {
      alone.add(millis(total(way)) + " with " + ways.get(way - 1));
    }
    StringBuilder said = new StringBuilder();
    said.append(
            nanos.size() == 1 ? "Measured alone, its layer takes " : "Measured one by one, its ")
        .append(nanos.size() == 1 ? "" : nanos.size() + " layers take ")
        .append(String.join(", ", alone.subList(0, alone.size() - 1)))
        .append(", and ")
        .append(alone.get(alone.size() - 1))
        .append(", as in the original");
    if (slower.isEmpty()) {
      return said + "; none is slower than there, the rest of the model is";
    }
    List<String> named =
        slower.stream()
            .limit(MOST_NAMED)
            .map(
                e ->
                    Text.name(e.getKey())
                        + " "
                        + millis(e.getValue().get(0))
                        + " against "
                        + millis(e.getValue().get(original())))
            .toList();
    int more = slower.size() - named.size();
    return said
        + "; most is lost by "
        + String.join(", ", named)
        + (more > 0 ? " and " + Text.count(more, "more layer") : "");
  }

  /** {@return the options to take, measured to be faster; empty if none is} */
  String remedy() {
    int best = 0;
    for (int way = 1; way <= ways.size(); way++) {
      best = total(way) < total(best) ? way : best;
    }
    if (nanos.isEmpty() || total(best) > FASTER * total(0)) {
      return "";
    }
    return "take --option "
        + ways.get(best - 1)
        + ", with which its layers are "
        + Text.format("%.1f times as fast", (double) total(0) / total(best));
  }

  private static String millis(long nanos) {
    return Text.format("%.3f ms", nanos / NANOS_PER_MILLI);
  }
}
