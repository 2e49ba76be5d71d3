package dev.monoquant.core.tune;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.core.tune.TunedLayers.Choice;
import dev.monoquant.core.tune.TunedLayers.Point;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** Choices of options are compared with all that there are. */
class TunedLayersTest {

  private static List<List<Choice>> families(long seed, int count) {
    Random random = new Random(seed);
    List<List<Choice>> families = new ArrayList<>();
    for (int f = 0; f < count; f++) {
      List<Choice> choices = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        choices.add(new Choice(i, 1 + random.nextInt(60), random.nextInt(50) / 50.0));
      }
      families.add(choices);
    }
    return families;
  }

  /** The least cost within a budget; infinite if nothing fits. */
  private static double least(List<List<Choice>> families, int from, long budget) {
    if (budget < 0) {
      return Double.POSITIVE_INFINITY;
    }
    if (from == families.size()) {
      return 0;
    }
    double best = Double.POSITIVE_INFINITY;
    for (Choice choice : families.get(from)) {
      best = Math.min(best, choice.cost() + least(families, from + 1, budget - choice.bytes()));
    }
    return best;
  }

  @Property
  void theBoundHoldsAndTheChoiceFits(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 5) int count,
      @ForAll @IntRange(max = 300) int budget) {
    List<List<Choice>> families = families(seed, count);
    double best = least(families, 0, budget);
    TunedLayers.Certified chosen = new TunedLayers(families).within(budget);
    if (Double.isInfinite(best)) {
      assertThat(chosen.point().bytes()).isGreaterThan(budget);
      return;
    }
    assertThat(chosen.point().bytes()).isLessThanOrEqualTo(budget);
    assertThat(chosen.bound()).isLessThanOrEqualTo(best + 1e-9);
    assertThat(chosen.point().cost()).isGreaterThanOrEqualTo(best - 1e-9);
  }

  /** Three options of one family on a line, whose slopes differ by rounding alone. */
  @Example
  void optionsOnALineStayInOrder() {
    noChoiceIsBetterThanAPointOfTheCurve(-227553819, 3);
  }

  @Property
  void noChoiceIsBetterThanAPointOfTheCurve(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 5) int count) {
    List<List<Choice>> families = families(seed, count);
    TunedLayers tuned = new TunedLayers(families);
    Point before = null;
    for (Point point : tuned.curve()) {
      assertThat(point.cost()).isLessThanOrEqualTo(least(families, 0, point.bytes()) + 1e-9);
      double cost = 0;
      long bytes = 0;
      for (int f = 0; f < count; f++) {
        Choice choice = families.get(f).get(point.options().get(f));
        cost += choice.cost();
        bytes += choice.bytes();
        assertThat(tuned.cost(f, choice.index())).isEqualTo(choice.cost());
      }
      assertThat(point.cost()).isEqualTo(cost);
      assertThat(point.bytes()).isEqualTo(bytes);
      if (before != null) {
        assertThat(point.bytes()).isGreaterThan(before.bytes());
        assertThat(point.cost()).isLessThan(before.cost());
      }
      before = point;
    }
  }
}
