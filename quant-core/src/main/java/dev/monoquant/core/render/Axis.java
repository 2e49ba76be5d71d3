package dev.monoquant.core.render;

import dev.monoquant.core.text.Text;
import java.util.ArrayList;
import java.util.List;

/**
 * One axis of a chart: a range of numbers.
 *
 * @param min the number at its start
 * @param max the number at its end, greater than {@code min}
 * @param scale the distances between numbers
 */
record Axis(double min, double max, Scale scale) {

  /** The distances between numbers. */
  enum Scale {
    LINEAR,
    /** The same, with whole numbers only. */
    WHOLE,
    /** Equal distances are equal factors; all numbers are positive. */
    LOGARITHMIC
  }

  private static final int TICKS = 6;
  private static final String[] UNITS = {"", "k", "M", "G", "T", "P"};

  /** A place on the axis with its label. */
  record Tick(double at, String label) {}

  /** An axis over numbers, a little wider than they are. */
  static Axis linear(double least, double greatest) {
    return wide(least, greatest, Scale.LINEAR);
  }

  /** An axis over whole numbers. */
  static Axis whole(double least, double greatest) {
    return wide(least, greatest, Scale.WHOLE);
  }

  private static Axis wide(double least, double greatest, Scale scale) {
    double span = greatest - least;
    double margin = span > 0 ? span * 0.05 : Math.max(1e-9, Math.abs(least) * 0.1);
    // Half of each, because the difference of two large numbers may overflow.
    return Double.isFinite(span)
        ? new Axis(least - margin, greatest + margin, scale)
        : new Axis(-Double.MAX_VALUE / 2, Double.MAX_VALUE / 2, scale);
  }

  /** An axis over positive numbers, up to whole powers of ten. */
  static Axis logarithmic(double least, double greatest) {
    double from = Math.floor(Math.log10(Math.max(1, least)));
    double to = Math.max(from + 1, Math.ceil(Math.log10(Math.max(1, greatest))));
    return new Axis(Math.pow(10, from), Math.pow(10, to), Scale.LOGARITHMIC);
  }

  /** {@return the place of a number: 0 at the start, 1 at the end} */
  double place(double number) {
    double place =
        scale == Scale.LOGARITHMIC
            ? (Math.log10(number) - Math.log10(min)) / (Math.log10(max) - Math.log10(min))
            : (number - min) / (max - min);
    return Double.isNaN(place) ? 0 : Math.max(0, Math.min(1, place));
  }

  /** {@return round numbers on the axis} */
  List<Tick> ticks() {
    List<Tick> ticks = new ArrayList<>();
    if (scale == Scale.LOGARITHMIC) {
      long powers = Math.round(Math.log10(max / min));
      long step = Math.max(1, Math.round(Math.ceil(powers / (double) TICKS)));
      for (long i = 0; i <= powers; i += step) {
        double at = min * Math.pow(10, (double) i);
        ticks.add(new Tick(at, scaled(at)));
      }
      return ticks;
    }
    double raw = Math.max((max - min) / TICKS, scale == Scale.WHOLE ? 1 : 0);
    double power = Math.pow(10, Math.floor(Math.log10(raw)));
    double step = power * (raw / power > 5 ? 10 : raw / power > 2 ? 5 : raw / power > 1 ? 2 : 1);
    int digits = (int) Math.max(0, -Math.floor(Math.log10(step)));
    for (double i = Math.ceil(min / step); i * step <= max && ticks.size() <= 2 * TICKS; i++) {
      double at = i * step;
      ticks.add(
          new Tick(
              at,
              digits > 6 || Math.abs(at) >= 1e6
                  ? Text.format("%.1e", at)
                  : Text.format("%." + digits + "f", at == 0 ? 0.0 : at)));
    }
    return ticks;
  }

  private static String scaled(double number) {
    int unit = 0;
    double value = number;
    while (value >= 1000 && unit < UNITS.length - 1) {
      value /= 1000;
      unit++;
    }
    return Text.format("%.0f%s", value, UNITS[unit]);
  }
}
