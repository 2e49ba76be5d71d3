package dev.monoquant.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.core.TuneTrials.Batch;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** A budget of runs is spread over the families of a model. */
class TuneTrialsTest {

  private static final List<NavigableMap<Long, Integer>> WAYS =
      List.of(
          new TreeMap<>(Map.of(10L, 0, 20L, 1, 30L, 2, 40L, 3)),
          new TreeMap<>(Map.of(100L, 1, 200L, 2)),
          new TreeMap<>());

  private static final List<Long> SIZES = List.of(80L, 400L, 7L);

  @Example
  void theLargestFamilyIsFirstAndEachGetsOneOptionBeforeAnyGetsTheNext() {
    assertThat(TuneTrials.of(WAYS, SIZES, 5, true))
        .containsExactly(
            new Batch(1, List.of(Map.entry(200L, 2))),
            new Batch(0, List.of(Map.entry(40L, 3))),
            new Batch(1, List.of(Map.entry(100L, 1))),
            new Batch(0, List.of(Map.entry(20L, 1))),
            new Batch(0, List.of(Map.entry(30L, 2))));
  }

  @Example
  void withoutAClockTheOptionsOfAFamilyAreTogether() {
    assertThat(TuneTrials.of(WAYS, SIZES, 3, false))
        .containsExactly(
            new Batch(0, List.of(Map.entry(40L, 3))),
            new Batch(1, List.of(Map.entry(200L, 2), Map.entry(100L, 1))));
    assertThat(TuneTrials.of(WAYS, SIZES, 0, false)).isEmpty();
  }

  @Example
  void optionsSpanTheCurveFromTheMostBits() {
    assertThat(TuneTrials.spread(8)).containsExactly(0, 4, 2, 6, 1, 3, 5, 7);
    assertThat(TuneTrials.spread(3)).containsExactly(0, 2, 1);
  }

  @Property(tries = 200)
  void eachNumberIsTakenOnce(@ForAll @IntRange(min = 0, max = 100) int n) {
    assertThat(TuneTrials.spread(n))
        .containsExactlyInAnyOrderElementsOf(IntStream.range(0, n).boxed().toList());
  }

  /** Whatever the budget and the clock, the same options are measured. */
  @Property(tries = 200)
  void aBudgetHoldsAndIsSpreadEvenly(
      @ForAll long seed, @ForAll @IntRange(min = 0, max = 40) int most) {
    Random random = new Random(seed);
    List<NavigableMap<Long, Integer>> ways = new ArrayList<>();
    List<Long> sizes = new ArrayList<>();
    int all = 0;
    for (int family = 0; family < 1 + random.nextInt(6); family++) {
      NavigableMap<Long, Integer> some = new TreeMap<>();
      for (int way = 0; way < random.nextInt(9); way++) {
        some.put((long) random.nextInt(1000), way);
      }
      all += some.size();
      ways.add(some);
      sizes.add((long) random.nextInt(5000));
    }
    int[] counts = new int[ways.size()];
    Set<List<Object>> timed = new HashSet<>();
    for (Batch batch : TuneTrials.of(ways, sizes, most, true)) {
      assertThat(batch.ways()).hasSize(1);
      assertThat(timed.add(List.of(batch.family(), batch.ways().get(0)))).isTrue();
      counts[batch.family()]++;
    }
    assertThat(timed).hasSize(Math.min(all, most));
    for (int a = 0; a < counts.length; a++) {
      for (int b = 0; b < counts.length; b++) {
        assertThat(counts[a] <= counts[b] + 1 || counts[b] == ways.get(b).size()).isTrue();
      }
    }
    Set<List<Object>> together = new HashSet<>();
    for (Batch batch : TuneTrials.of(ways, sizes, most, false)) {
      batch.ways().forEach(way -> together.add(List.of(batch.family(), way)));
    }
    assertThat(together).isEqualTo(timed);
  }
}
