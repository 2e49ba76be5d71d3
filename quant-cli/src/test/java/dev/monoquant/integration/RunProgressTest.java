package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.core.Quantizer;
import dev.monoquant.core.control.ModelRuns;
import dev.monoquant.core.control.Progress.Stage;
import dev.monoquant.core.control.RunTiming;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a run side by side tells of its progress, in this process and in a child. */
class RunProgressTest {

  private record Told(Stage stage, long done, long total, String subject) {}

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void samplesAndRoundsAreTold(boolean child) throws IOException {
    List<Told> told = Collections.synchronizedList(new ArrayList<>());
    Path model = Digits.CNN.script("traced");
    Quantizer.create()
        .withModelRuns(child ? ModelRuns.IN_CHILD : ModelRuns.IN_PROCESS)
        .withProgress(
            (stage, done, total, subject) -> told.add(new Told(stage, done, total, subject)))
        .withTiming(new RunTiming(OptionalInt.empty(), Optional.of(Duration.ofSeconds(1))))
        .runSideBySide(List.of(model, model));
    if (!child) {
      assertThat(told).anyMatch(t -> t.subject().equals("loading " + model));
      assertThat(told)
          .anyMatch(
              t ->
                  t.stage() == Stage.RUNNING
                      && t.total() == 1
                      && t.subject().startsWith("made-up "));
    }
    List<Told> rounds = told.stream().filter(t -> t.stage() == Stage.TIMING).toList();
    assertThat(rounds).isNotEmpty().allMatch(t -> t.done() <= t.total());
    assertThat(rounds).extracting(Told::done).isSorted();
    assertThat(rounds).extracting(Told::subject).containsOnly("2 models");
    assertThat(rounds.get(rounds.size() - 1).done()).isPositive();
  }
}
