package dev.monoquant.script;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Archives of torch 2.13 whose holders measure themselves give what they gave without it. */
class TimedProgramTest {

  private static final int NUMBERS = 1 + TimedProgram.WAYS.size();

  private static void check(Fixtures fixture, PlainScheme scheme, Mode mode, Kernels kernels)
      throws Exception {
    Quantized quantized = fixture.quantized(scheme, mode, kernels);
    Map.Entry<ScriptArchive, Map<String, String>> timed = quantized.timed();
    List<String> names = quantized.weights().stream().map(w -> w.name()).toList();
    assertThat(names).containsAll(timed.getValue().values());
    float[] expected;
    try (Torch plain = Torch.load(quantized.rewrite())) {
      expected = plain.run(fixture.input(), 1);
    }
    try (Torch measuring = Torch.load(timed.getKey())) {
      for (int call = 0; call < 3; call++) {
        assertThat(measuring.run(fixture.input(), 1)).isEqualTo(expected);
      }
      Map<String, long[]> times = measuring.counters(".nanos");
      assertThat(times.keySet()).containsAll(timed.getValue().keySet());
      assertThat(times.values())
          .allSatisfy(numbers -> assertThat(numbers).hasSize(NUMBERS))
          .anySatisfy(
              numbers -> {
                for (long nanos : numbers) {
                  assertThat(nanos).isPositive();
                }
              });
    }
  }

  /** The fast paths of encoders and of attention take all weights decoded. */
  @ParameterizedTest
  @EnumSource(
      value = Fixtures.class,
      mode = EnumSource.Mode.EXCLUDE,
      names = {"ATTENTION_SCRIPTED", "ENCODER_SCRIPTED", "ENCODER_TRACED"})
  void givesTheSameAndMeasures(Fixtures fixture) throws Exception {
    for (Kernels kernels : Kernels.values()) {
      check(fixture, PlainScheme.INT8, Mode.DYNAMIC_ROW, kernels);
    }
  }

  @ParameterizedTest
  @EnumSource(PlainScheme.class)
  void measuresEveryScheme(PlainScheme scheme) throws Exception {
    check(Fixtures.TIED_SCRIPTED, scheme, Mode.DYNAMIC_ROW_ASYMMETRIC, Kernels.LASTING);
    check(Fixtures.CONV2D_TRACED, scheme, Mode.DYNAMIC, Kernels.FASTEST);
  }
}
