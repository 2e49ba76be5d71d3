package dev.monoquant.core.trial;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ConfigurationException;
import dev.monoquant.ValidationException;
import dev.monoquant.core.report.RunComparison;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.model.Layer;
import dev.monoquant.spi.RunnableFile.Method;
import dev.monoquant.spi.TimedCopy;
import dev.monoquant.spi.TimedModel;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which layers cost most is said in one form, and that it is unknown is no reason to refuse. */
class LayerTimesTest {

  private static final List<String> WAYS = List.of("mode=near", "mode=as-it-was");

  private static LayerTimes times(Map<String, List<Long>> nanos) {
    return new LayerTimes(WAYS, new TreeMap<>(nanos));
  }

  @Test
  void theLayersThatLoseMostComeFirst() {
    LayerTimes times =
        times(
            Map.of(
                "a", List.of(5_000_000L, 4_000_000L, 4_500_000L),
                "b", List.of(9_000_000L, 8_000_000L, 1_000_000L),
                "fast", List.of(1_000_000L, 1_000_000L, 7_000_000L),
                "tie", List.of(5_500_000L, 4_000_000L, 5_000_000L)));
    assertThat(times.describe())
        .isEqualTo(
            "Measured one by one, its 4 layers take 20.500 ms, 17.000 ms with mode=near, and"
                + " 17.500 ms with mode=as-it-was, as in the original; most is lost by b 9.000 ms"
                + " against 1.000 ms, a 5.000 ms against 4.500 ms, tie 5.500 ms against 5.000 ms");
    assertThat(times.remedy())
        .isEqualTo("take --option mode=near, with which its layers are 1.2 times as fast");
  }

  @Test
  void atMostFiveAreNamed() {
    Map<String, List<Long>> nanos = new TreeMap<>();
    for (int i = 0; i < 7; i++) {
      nanos.put("layer" + i, List.of(2_000_000L + i, 2_000_000L, 1_000_000L));
    }
    assertThat(times(nanos).describe())
        .contains("most is lost by layer6", "layer2 2.000 ms against 1.000 ms and 2 more layers")
        .doesNotContain("layer1 ");
  }

  @Test
  void layersThatAreFastAreNotBlamed() {
    LayerTimes one = times(Map.of("only", List.of(1_000_000L, 1_000_000L, 1_020_000L)));
    assertThat(one.describe())
        .startsWith("Measured alone, its layer takes 1.000 ms, ")
        .endsWith("none is slower than there, the rest of the model is");
    assertThat(one.remedy()).isEmpty();
  }

  @Test
  void whatWasNotCalledOrIsNotAllThereIsLeftOut() {
    TimedCopy copy =
        new TimedCopy(
            WAYS,
            new TreeMap<>(Map.of("a.n", "a", "idle.n", "idle", "none.n", "none", "odd.n", "odd")));
    LayerTimes times =
        LayerTimes.of(
            copy,
            Map.of(
                "a.n", List.of(3L, 2L, 1L),
                "idle.n", List.of(0L, 0L, 0L),
                "odd.n", List.of(1L),
                "other", List.of(9L, 9L, 9L)));
    assertThat(times.nanos()).containsOnlyKeys("a");
    LayerTimes empty = LayerTimes.of(copy, Map.of());
    assertThat(empty.describe()).contains("none could be measured");
    assertThat(empty.remedy()).isEmpty();
  }

  @Test
  void theTimesOfAChildComeBackWhole() {
    TreeMap<String, List<Long>> times =
        new TreeMap<>(Map.of("a \"b\"", List.of(1L, Long.MAX_VALUE), "c", List.of()));
    assertThat(RunOutcome.parseTimes(RunOutcome.toJson(times))).isEqualTo(times);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "{}", "{\"layers\": 1}", "{\"layers\": {\"a\": [\"x\"]}}", "[]"})
  void whatAChildWritesInsteadIsRefused(String text) {
    assertThatThrownBy(() -> RunOutcome.parseTimes(text)).isInstanceOf(ValidationException.class);
  }

  /** A runner whose measurement fails, or tells what it was given. */
  private record Failing(Optional<Exception> failure) implements ModelRunner {

    @Override
    public RunComparison run(
        List<RunJob.Candidate> candidates,
        List<Method> methods,
        List<Layer> layers,
        RunJob.Purpose purpose) {
      throw new AssertionError();
    }

    @Override
    public Optional<LayerTimes> time(TimedModel model, List<Method> methods, List<Layer> layers)
        throws IOException {
      if (failure.isEmpty()) {
        return Optional.empty();
      }
      if (failure.get() instanceof IOException e) {
        throw e;
      }
      throw (RuntimeException) failure.get();
    }

    @Override
    public ObserveJob.Outcome observe(ObserveJob job) {
      throw new AssertionError();
    }

    @Override
    public Costs costs(RunJob.Candidate original, List<Method> methods, List<Layer> layers) {
      throw new AssertionError();
    }

    @Override
    public void close() {}
  }

  private static Optional<Slowness> slowness(Optional<Exception> failure) {
    TimedModel unused =
        file -> {
          throw new AssertionError(file);
        };
    return Slowness.measured(
        Settings.defaults(), new Failing(failure), unused, List.of(), List.of());
  }

  @Test
  void thatNothingCouldBeMeasuredIsSaid() {
    for (Exception failure :
        List.of(
            new IOException("No space left on device"), new ConfigurationException("stopped"))) {
      assertThat(slowness(Optional.of(failure)).orElseThrow().detail())
          .isEqualTo("Which layers cost most could not be measured: " + failure.getMessage());
    }
    assertThat(slowness(Optional.empty())).isEmpty();
  }
}
