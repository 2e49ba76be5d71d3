package dev.monoquant.files.pickle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.files.pickle.PickleValue.Int;
import dev.monoquant.files.pickle.PickleValue.Text;
import java.util.List;
import net.jqwik.api.Example;

/** The levels of values, shared ones and cycles included. */
class PickleDepthTest {

  private static PickleValue nested(PickleValue inner, int times) {
    PickleValue value = inner;
    for (int i = 0; i < times; i++) {
      value = new PickleTuple(List.of(new Int(1), value));
    }
    return value;
  }

  @Example
  void levelsAreCounted() {
    assertThat(PickleWalk.depth(new Int(1))).isEqualTo(1);
    assertThat(PickleWalk.depth(nested(new Int(1), 3))).isEqualTo(4);
    assertThat(PickleWalk.depth(nested(new Int(1), 200_000))).isEqualTo(200_001);
    PickleDict dict = new PickleDict();
    dict.put(new Text("a"), nested(new Int(1), 2));
    assertThat(PickleWalk.depth(dict)).isEqualTo(4);
  }

  /** First met where it is not deep; and 100 pairs of pairs, which have 2^100 paths. */
  @Example
  void sharedValuesAreCountedWhereTheyAreDeepest() {
    PickleValue shared = nested(new Int(1), 3);
    PickleValue deeper = nested(shared, 5);
    assertThat(PickleWalk.depth(new PickleTuple(List.of(shared, deeper)))).isEqualTo(10);
    PickleValue pairs = new PickleTuple(List.of());
    for (int i = 0; i < 100; i++) {
      pairs = new PickleTuple(List.of(pairs, pairs));
    }
    assertThat(PickleWalk.depth(pairs)).isEqualTo(101);
  }

  @Example
  void aValueInItselfEnds() {
    PickleList list = new PickleList();
    list.add(new PickleTuple(List.of(list)));
    assertThat(PickleWalk.depth(list)).isEqualTo(2);
  }
}
