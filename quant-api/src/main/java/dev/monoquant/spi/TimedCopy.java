package dev.monoquant.spi;

import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A copy of a runnable output in which each layer measures itself, see {@link OutputWriter#timed}.
 * Whenever the model runs a layer, the copy runs it in each of several ways on the same inputs, and
 * adds the times to a parameter of the model: one INT64 for each way, the sum of all calls in
 * nanoseconds.
 *
 * @param ways the other ways of running a layer, each an option of the format, such as {@code
 *     mode=dynamic}; the last is what the original model does. The numbers of a parameter are the
 *     layer as the output runs it, then these
 * @param weights the names of the measured weights, by parameter
 */
public record TimedCopy(List<String> ways, SortedMap<String, String> weights) {

  /** Copies both. */
  public TimedCopy {
    ways = List.copyOf(ways);
    weights = Collections.unmodifiableSortedMap(new TreeMap<>(weights));
  }
}
