package dev.monoquant.core.tune;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Chooses one option for each family of layers, so that the sum of costs is small for a sum of
 * bytes: a knapsack with several choices. Options that another one dominates, or that lie above the
 * convex hull of their family, are left out; the others are steps, which are taken in the order of
 * cost saved for each byte. This is the optimum of the relaxed problem wherever a step ends, and
 * what it leaves of a budget is filled by steps that still fit. Ties are decided by order: the
 * result is deterministic.
 */
public final class TunedLayers {

  /**
   * An option of a family.
   *
   * @param index its index among all options
   * @param bytes its bytes
   * @param cost what it costs; at least 0
   */
  public record Choice(int index, long bytes, double cost) {}

  /**
   * A point of the curve.
   *
   * @param options the index of the option of each family
   * @param bytes the sum of their bytes
   * @param cost the sum of their costs
   */
  public record Point(List<Integer> options, long bytes, double cost) {}

  /**
   * A choice with what can be said of its distance from the best one.
   *
   * @param point the choice
   * @param bound no choice within the same bytes costs less than this
   */
  public record Certified(Point point, double bound) {}

  private record Step(int family, int level, Choice from, Choice to) {

    long bytes() {
      return to.bytes() - from.bytes();
    }

    double saved() {
      return from.cost() - to.cost();
    }

    double slope() {
      return TunedLayers.slope(from, to);
    }
  }

  private final List<List<Choice>> hulls = new ArrayList<>();
  private final List<Step> steps = new ArrayList<>();

  /**
   * @param families the options of each family; each has at least one
   */
  public TunedLayers(List<List<Choice>> families) {
    for (int family = 0; family < families.size(); family++) {
      List<Choice> hull = hull(families.get(family));
      hulls.add(hull);
      for (int level = 1; level < hull.size(); level++) {
        steps.add(new Step(family, level, hull.get(level - 1), hull.get(level)));
      }
    }
    // Slopes fall along a hull, so that the levels of a family stay in order.
    steps.sort(
        Comparator.comparingDouble((Step s) -> -s.slope())
            .thenComparingInt(Step::family)
            .thenComparingInt(Step::level));
  }

  /** The lower convex hull, from the least bytes to the least cost. */
  private static List<Choice> hull(List<Choice> options) {
    List<Choice> sorted = new ArrayList<>(options);
    sorted.sort(
        Comparator.comparingLong(Choice::bytes)
            .thenComparingDouble(Choice::cost)
            .thenComparingInt(Choice::index));
    List<Choice> hull = new ArrayList<>();
    for (Choice next : sorted) {
      if (!hull.isEmpty() && next.cost() >= hull.get(hull.size() - 1).cost()) {
        continue; // Dominated: more bytes, and no less cost.
      }
      while (hull.size() > 1
          && isAbove(hull.get(hull.size() - 2), hull.get(hull.size() - 1), next)) {
        hull.remove(hull.size() - 1);
      }
      hull.add(next);
    }
    return hull;
  }

  /** By the slopes that order the steps, with their rounding, so that they fall along a hull. */
  private static boolean isAbove(Choice left, Choice middle, Choice right) {
    return slope(left, middle) <= slope(middle, right);
  }

  /** {@return the cost that is saved for each byte more} */
  private static double slope(Choice from, Choice to) {
    return (from.cost() - to.cost()) / (to.bytes() - from.bytes());
  }

  /** {@return the points of the curve, from the least bytes to the least cost} */
  public List<Point> curve() {
    int[] levels = new int[hulls.size()];
    List<Point> points = new ArrayList<>();
    points.add(point(levels));
    for (Step step : steps) {
      levels[step.family()] = step.level();
      points.add(point(levels));
    }
    return points;
  }

  private Point point(int[] levels) {
    List<Integer> options = new ArrayList<>();
    long bytes = 0;
    double cost = 0;
    for (int family = 0; family < levels.length; family++) {
      Choice choice = hulls.get(family).get(levels[family]);
      options.add(choice.index());
      bytes += choice.bytes();
      cost += choice.cost();
    }
    return new Point(List.copyOf(options), bytes, cost);
  }

  /**
   * {@return the choice within a budget, and its bound; the least bytes if these exceed it}
   *
   * @param budget the most bytes
   */
  public Certified within(long budget) {
    int[] levels = new int[hulls.size()];
    Point least = point(levels);
    long left = budget - least.bytes();
    double bound = least.cost();
    boolean whole = left >= 0;
    boolean[] stuck = new boolean[levels.length];
    for (Step step : steps) {
      if (step.bytes() <= left && !stuck[step.family()]) {
        levels[step.family()] = step.level();
        left -= step.bytes();
        bound -= whole ? step.saved() : 0;
      } else {
        // The relaxed problem takes a part of the first step that does not fit, and ends.
        bound -= whole && left > 0 ? step.slope() * left : 0;
        whole = false;
        stuck[step.family()] = true;
      }
    }
    return new Certified(point(levels), Math.max(0, bound));
  }

  /**
   * {@return the cost of an option of a family}
   *
   * @param family the index of the family
   * @param option the index of an option on its hull
   */
  public double cost(int family, int option) {
    return hulls.get(family).stream()
        .filter(choice -> choice.index() == option)
        .mapToDouble(Choice::cost)
        .findFirst()
        .orElse(Double.NaN);
  }
}
