package dev.monoquant.core.trial;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ValidationException;
import dev.monoquant.core.report.ErrorStatistics;
import dev.monoquant.core.report.RunComparison;
import dev.monoquant.core.report.RunResult;
import java.util.List;
import org.junit.jupiter.api.Test;

class RunOutcomeTest {

  private static RunComparison run(List<RunResult.Pair> pairs) {
    ErrorStatistics errors = new ErrorStatistics(3, 1, 0.1, 1, 1, Double.POSITIVE_INFINITY);
    RunResult.Spread spread = new RunResult.Spread(4, 0.5, 2);
    return new RunComparison(
        "in.npz",
        5,
        List.of(
            new RunResult("a", 1, 2, 3, spread, 4, 5, errors, errors, 6, List.of()),
            new RunResult("b", 1, 2, 3, spread, 4, 5, errors, errors, 6, pairs)),
        List.of());
  }

  @Test
  void whatAChildWritesIsReadExactly() {
    RunComparison run =
        run(List.of(new RunResult.Pair(0.1, -1e300), new RunResult.Pair(1.0 / 3, 0)));
    assertThat(RunOutcome.parse(RunOutcome.toJson(run), "")).isEqualTo(run);
  }

  /** The child may have run any code. */
  @Test
  void tooManyPairsOrHalfOfOneAreRefused() {
    String text = RunOutcome.toJson(run(List.of(new RunResult.Pair(7, 7))));
    assertThat(text).contains("[7.0,7.0]");
    for (String pairs : List.of("[7.0]", "[" + "7,".repeat(2003) + "7]", "[\"x\",1]", "7")) {
      assertThatThrownBy(() -> RunOutcome.parse(text.replace("[7.0,7.0]", pairs), ""))
          .isInstanceOf(ValidationException.class)
          .hasMessageContaining("wrote a result that is none");
    }
  }
}
