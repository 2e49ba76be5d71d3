package dev.monoquant.bench;

import dev.monoquant.bench.Contestant.Run;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * The runs of one contestant.
 *
 * @param name its name
 * @param command the command that was run
 * @param runs one per round, at least one
 */
record Summary(String name, String command, List<Run> runs) {

  Summary {
    runs = List.copyOf(runs);
  }

  double median(ToDoubleFunction<Run> figure) {
    double[] sorted = runs.stream().mapToDouble(figure).sorted().toArray();
    int half = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  }

  double min(ToDoubleFunction<Run> figure) {
    return runs.stream().mapToDouble(figure).min().orElseThrow();
  }

  double max(ToDoubleFunction<Run> figure) {
    return runs.stream().mapToDouble(figure).max().orElseThrow();
  }

  /** {@return the head of the table} */
  static String head() {
    return String.format(
        Locale.ROOT,
        "%-16s %8s %17s %7s %9s %8s %7s %10s %10s %10s",
        "contestant",
        "wall s",
        "min - max",
        "x cp",
        "MB/s in",
        "CPU s",
        "x cp",
        "anon MB",
        "RSS MB",
        "out MB");
  }

  /**
   * {@return a row of the table: medians, and the range of the wall time}
   *
   * @param inBytes bytes of the input
   * @param cpSeconds median wall time of cp
   * @param cpCpuSeconds median processor time of cp
   */
  String row(long inBytes, double cpSeconds, double cpCpuSeconds) {
    double wall = median(Run::wallSeconds);
    return String.format(
        Locale.ROOT,
        "%-16s %8.2f %17s %7.2f %9.0f %8s %7s %10s %10s %10.1f",
        name,
        wall,
        String.format(Locale.ROOT, "%.2f - %.2f", min(Run::wallSeconds), max(Run::wallSeconds)),
        wall / cpSeconds,
        inBytes / wall / 1e6,
        number(median(Run::cpuSeconds), 1),
        number(cpCpuSeconds > 0 ? median(Run::cpuSeconds) / cpCpuSeconds : Double.NaN, 1),
        number(max(Run::peakAnonBytes), 1e6),
        number(max(Run::peakRssBytes), 1e6),
        median(Run::outBytes) / 1e6);
  }

  private static String number(double value, double unit) {
    return Double.isNaN(value) || value < 0
        ? "n/a"
        : String.format(Locale.ROOT, unit == 1 ? "%.2f" : "%.0f", value / unit);
  }
}
