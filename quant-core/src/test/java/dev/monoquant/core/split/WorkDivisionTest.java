package dev.monoquant.core.split;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ConfigurationException;
import dev.monoquant.core.split.WorkDivision.Item;
import dev.monoquant.files.manifest.PieceHashes;
import dev.monoquant.spi.OutputLayout.Place;
import dev.monoquant.spi.OutputShare.Pieces;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** Units have every tensor and every piece once, keep groups together, and are about equal. */
class WorkDivisionTest {

  private record Model(List<Item> items, List<List<String>> together, Map<String, Long> inputs) {}

  /** Tensors one after the other in one or several files, of up to some hundred gigabytes each. */
  private static Model model(Random random) {
    List<Item> items = new ArrayList<>();
    int files = 1 + random.nextInt(3);
    long most = 1L << random.nextInt(38);
    for (int file = 0; file < files; file++) {
      long at = 64;
      int tensors = 1 + random.nextInt(20);
      for (int i = 0; i < tensors; i++) {
        long codes = random.nextLong(most);
        long scales = 1 + random.nextLong(100);
        String name = "f" + file + "t" + i;
        items.add(
            new Item(
                name,
                2 * codes,
                List.of(
                    new Place("s" + file, at, codes), new Place("s" + file, at + codes, scales))));
        at += codes + scales;
      }
    }
    List<List<String>> together = new ArrayList<>();
    for (int i = random.nextInt(4); i > 0; i--) {
      List<String> names = new ArrayList<>(items.stream().map(Item::name).toList());
      Collections.shuffle(names, random);
      together.add(List.copyOf(names.subList(0, Math.min(names.size(), 2 + random.nextInt(3)))));
    }
    Map<String, Long> inputs = new LinkedHashMap<>();
    for (int i = random.nextInt(4); i >= 0; i--) {
      inputs.put("in" + i, random.nextLong(1L << random.nextInt(40)));
    }
    Collections.shuffle(items, random);
    return new Model(items, together, inputs);
  }

  @Property
  void everythingIsDoneOnce(@ForAll Random random, @ForAll @IntRange(min = 1, max = 12) int units) {
    Model model = model(random);
    List<SplitPlan.Unit> all;
    try {
      all = WorkDivision.of(model.items(), model.together(), model.inputs(), units);
    } catch (ConfigurationException tooMany) {
      assertThat(tooMany).hasMessageContaining("--split " + units);
      all = WorkDivision.of(model.items(), model.together(), model.inputs(), 1);
    }
    assertThat(all.stream().flatMap(unit -> unit.tensors().stream()))
        .containsExactlyInAnyOrderElementsOf(model.items().stream().map(Item::name).toList());
    for (List<String> group : model.together()) {
      assertThat(all.stream().filter(unit -> unit.tensors().stream().anyMatch(group::contains)))
          .hasSize(1);
    }
    assertThat(all).noneMatch(unit -> unit.tensors().isEmpty());
    assertThat(all.stream().mapToLong(SplitPlan.Unit::read).sum())
        .isEqualTo(model.items().stream().mapToLong(Item::read).sum());
    for (SplitPlan.Unit unit : all) {
      assertThat(
              unit.ranges().values().stream()
                  .flatMap(List::stream)
                  .mapToLong(SplitPlan.Range::length)
                  .sum())
          .isEqualTo(unit.written());
    }
    pieces(model.inputs(), all);
  }

  private static void pieces(Map<String, Long> inputs, List<SplitPlan.Unit> units) {
    Set<String> seen = new HashSet<>();
    long count = 0;
    for (SplitPlan.Unit unit : units) {
      for (Map.Entry<String, Pieces> run : unit.hashes().entrySet()) {
        for (long piece = 0; piece < run.getValue().count(); piece++) {
          assertThat(seen.add(run.getKey() + " " + (run.getValue().first() + piece))).isTrue();
          count++;
        }
      }
    }
    assertThat(count).isEqualTo(inputs.values().stream().mapToLong(PieceHashes::count).sum());
  }

  /** 671 billion numbers in 45,000 tensors, to FP8: 1.34 TB are read, 0.67 TB written. */
  @Test
  void aHugeModelIsDividedEvenly() {
    List<Item> items = new ArrayList<>();
    Map<String, Long> inputs = new LinkedHashMap<>();
    for (int file = 0; file < 163; file++) {
      long at = 1 << 16;
      for (int i = 0; i < 280; i++) {
        long numbers = 2048L * 7168;
        items.add(
            new Item(
                "f" + file + "t" + i, 2 * numbers, List.of(new Place("s" + file, at, numbers))));
        at += numbers;
      }
      inputs.put("in" + file, 280L * 2 * 2048 * 7168);
    }
    List<SplitPlan.Unit> units = WorkDivision.of(items, List.of(), inputs, 64);
    assertThat(units)
        .allSatisfy(
            unit -> {
              assertThat(unit.read()).isBetween(20_500_000_000L, 21_500_000_000L);
              assertThat(unit.ranges()).hasSizeLessThan(6);
            });
    pieces(inputs, units);
  }

  @Test
  void moreUnitsThanTensorsAreRefused() {
    Item one = new Item("a", 4, List.of(new Place("", 8, 4)));
    assertThatThrownBy(() -> WorkDivision.of(List.of(one), List.of(), Map.of(), 2))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("--split 2: 1 to 1");
  }
}
