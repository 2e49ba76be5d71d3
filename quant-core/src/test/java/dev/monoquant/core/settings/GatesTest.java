package dev.monoquant.core.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.monoquant.ConfigurationException;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.Problem;
import dev.monoquant.QuantException;
import dev.monoquant.ValidationException;
import dev.monoquant.core.report.ErrorStatistics;
import dev.monoquant.core.report.GateResult;
import dev.monoquant.core.report.Plan;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.report.RunComparison;
import dev.monoquant.core.report.RunResult;
import dev.monoquant.core.trial.Trial;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GatesTest {

  private static final Plan PLAN =
      new Plan(
          "in.pt",
          "torchscript",
          "",
          List.of(),
          List.of(),
          List.of(),
          Optional.empty(),
          List.of(),
          Optional.empty());
  private static final RunResult.Spread SPREAD = new RunResult.Spread(1, 1, 1);
  private static final Report REPORT = new Report(PLAN, List.of(), List.of());

  private static ErrorStatistics errors(double noise, double cross) {
    return new ErrorStatistics(10, 4, noise, cross, 4, 0.05);
  }

  private static Trial trial(ErrorStatistics outputs, long mismatched) {
    RunResult a =
        new RunResult("a.pt", 1, 1, 1, SPREAD, 1, 1, errors(0, 4), errors(0, 4), 0, List.of());
    RunResult b =
        new RunResult("b.pt", 1, 1, 1, SPREAD, 1, 1, outputs, outputs, mismatched, List.of());
    RunComparison run = new RunComparison("in.npz", 5, List.of(a, b), List.of());
    return Trial.of(Optional.of(run), List.of(), Optional.empty());
  }

  private static Trial refused(QuantException why) {
    return Trial.of(Optional.empty(), List.of(), Optional.of(why));
  }

  private static Trial timed(long original, long result) {
    ErrorStatistics near = errors(0.004, 3.998);
    RunResult a =
        new RunResult("a.pt", 1, original, original, SPREAD, 1, 1, near, near, 0, List.of());
    RunResult b = new RunResult("b.pt", 1, result, result, SPREAD, 1, 1, near, near, 0, List.of());
    return Trial.of(
        Optional.of(new RunComparison("in.npz", 5, List.of(a, b), List.of())),
        List.of(),
        Optional.empty());
  }

  @Test
  void whatIsSlowerIsAWarningAndMissesItsGate() {
    Report slow = timed(10_000_000, 20_000_000).on(REPORT, Gates.NONE.withMinSpeedup(0.75));
    assertThat(slow.problems())
        .singleElement()
        .satisfies(
            p -> {
              assertThat(p.severity()).isEqualTo(Problem.Severity.WARNING);
              assertThat(p.message()).contains("0.50 times the speed of the original on in.npz");
              assertThat(p.remedy()).contains("mode=weight-only");
            });
    assertThat(slow.accepted()).isFalse();
    assertThatThrownBy(() -> Gates.require(slow.gates()))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("b.pt runs at 0.50 times")
        .hasMessageContaining("--min-speedup asks for 0.75");
    Report fast = timed(20_000_000, 10_000_000).on(REPORT, Gates.NONE.withMinSpeedup(1.5));
    assertThat(fast.problems()).isEmpty();
    assertThat(fast.accepted()).isTrue();
    assertThat(timed(10_000, 20_000).on(REPORT, Gates.NONE).problems()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, -1, Double.NaN, Double.POSITIVE_INFINITY})
  void aSpeedupIsAboveZero(double speedup) {
    assertThatThrownBy(() -> Gates.NONE.withMinSpeedup(speedup))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("--min-speedup 1.5");
  }

  @Test
  void everyGateIsInTheReportPassedOrNot() {
    Gates gates = Gates.NONE.withMinSqnr(31).withMinCosine(0.9).withMaxSizeRatio(2);
    Report report = trial(errors(0.004, 3.998), 0).on(REPORT, gates);
    assertThat(report.accepted()).isFalse();
    JsonObject json = JsonParser.parseString(report.toJson()).getAsJsonObject();
    assertThat(json.getAsJsonArray("gates").asList())
        .extracting(g -> g.getAsJsonObject().get("name").getAsString())
        .containsExactly("max-size-ratio", "min-sqnr", "min-cosine");
    assertThat(json.getAsJsonArray("gates").asList())
        .extracting(g -> g.getAsJsonObject().get("passed").getAsBoolean())
        .containsExactly(true, false, true);
    JsonObject sqnr = json.getAsJsonArray("gates").get(1).getAsJsonObject();
    assertThat(sqnr.get("limit").getAsDouble()).isEqualTo(31);
    assertThat(sqnr.get("value").getAsDouble()).isEqualTo(30, OFFSET);
    assertThat(report.toTable())
        .contains("gate min-cosine 0.900000 passed: b.pt: the cosine")
        .contains("missed: the outputs of b.pt have an SQNR of");
  }

  private static final org.assertj.core.data.Offset<Double> OFFSET =
      org.assertj.core.data.Offset.offset(1e-6);

  @Test
  void allMissedGatesAreNamed() {
    Gates gates = Gates.NONE.withMinSqnr(60).withMinCosine(0.9999).withMaxSizeRatio(0.5);
    Trial trial = trial(errors(0.004, 3.998), 0);
    Report report = trial.on(REPORT, gates);
    assertThatThrownBy(() -> trial.requireAccepted(report.gates()))
        .isInstanceOf(ValidationException.class)
        .hasMessageStartingWith("3 gates missed: ")
        .hasMessageContaining(
            "the output has 1.0000 of the bytes of the model (0 B -> 0 B, files beside the tensors"
                + " included), and --max-size-ratio allows 0.5000;")
        .hasMessageContaining("the outputs of b.pt have an SQNR of 30.00 dB")
        .hasMessageContaining("--min-sqnr asks for 60.00;")
        .hasMessageContaining("b.pt: the cosine between its outputs and those of a.pt is 0.999500")
        .hasMessageContaining("--min-cosine asks for 0.999900;")
        .hasMessageContaining("nothing was written");
  }

  /** Outputs of a tenth of the size point in the very same direction. */
  @Test
  void aScaleThatIsLostIsSeenWithoutAnyGateAskedFor() {
    ErrorStatistics shrunk = new ErrorStatistics(10, 4, 4 * 0.81, 0.4, 0.04, 0.9);
    assertThat(shrunk.cosine()).isEqualTo(1, OFFSET);
    Trial trial = trial(shrunk, 0);
    Report report = trial.on(REPORT, Gates.NONE);
    assertThat(report.accepted()).isFalse();
    assertThatThrownBy(() -> trial.requireAccepted(report.gates()))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("the outputs of b.pt have an SQNR of 0.92 dB on in.npz")
        .hasMessageContaining("--min-sqnr asks for 6.00");
    Report asked = trial.on(REPORT, Gates.NONE.withMinSqnr(0.9));
    assertThat(asked.accepted()).isTrue();
    assertThat(trial(errors(0.9, 3.5), 0).on(REPORT, Gates.NONE).accepted()).isFalse();
  }

  /** One class instead of another is no error of some decibels. */
  @Test
  void outputsThatAreNoFloatsHaveNoScale() {
    RunResult a =
        new RunResult(
            "a.pt", 1, 1, 1, SPREAD, 1, 1, errors(0, 4), ErrorStatistics.EMPTY, 0, List.of());
    RunResult b =
        new RunResult(
            "b.pt", 1, 1, 1, SPREAD, 1, 1, errors(3, 3.9), ErrorStatistics.EMPTY, 0, List.of());
    RunComparison run = new RunComparison("in.npz", 5, List.of(a, b), List.of());
    Trial trial = Trial.of(Optional.of(run), List.of(), Optional.empty());
    assertThat(trial.on(REPORT, Gates.NONE).gates())
        .extracting(GateResult::name)
        .containsExactly("min-cosine");
  }

  /** Six digits would say that 1.000000 is less than 1.000000. */
  @Test
  void aMissedGateShowsByHowMuch() {
    Trial trial = trial(errors(0, 4 * 0.99999998), 0);
    Report report = trial.on(REPORT, Gates.NONE.withMinCosine(1));
    assertThatThrownBy(() -> trial.requireAccepted(report.gates()))
        .hasMessageContaining("is 0.99999998 on in.npz, and --min-cosine asks for 1.00000000");
  }

  @Test
  void withoutAGateOutputsMustBeCloseAllTheSame() {
    Trial trial = trial(errors(4, 2), 0);
    Report report = trial.on(REPORT, Gates.NONE);
    assertThat(report.accepted()).isFalse();
    assertThatThrownBy(() -> trial.requireAccepted(report.gates()))
        .hasMessageContaining("is 0.500000 on in.npz, and --min-cosine asks for 0.900000");
  }

  @Test
  void aCosineThatNobodyMeasuredIsMissed() {
    Trial unrun = Trial.of(Optional.empty(), List.of(), Optional.empty());
    assertThat(unrun.on(REPORT, Gates.NONE).accepted()).isTrue();
    Report report = unrun.on(REPORT, Gates.NONE.withMinCosine(-1));
    assertThat(report.accepted()).isFalse();
    assertThatThrownBy(() -> unrun.requireAccepted(report.gates()))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("were not compared");
  }

  @Test
  void whatTheRunRefusesIsInTheReportWithTheGates() {
    Trial failed = refused(new ValidationException("b.pt: it fails on in.npz"));
    Report report = failed.on(REPORT, Gates.NONE.withMaxSizeRatio(0.5).withMinCosine(0.9));
    assertThat(report.accepted()).isFalse();
    assertThat(report.problems()).hasSize(1);
    assertThat(report.problems().get(0).severity()).isEqualTo(Problem.Severity.ERROR);
    assertThat(report.toTable()).contains("error: run beside the original: b.pt: it fails on");
    assertThatThrownBy(() -> failed.requireAccepted(report.gates()))
        .isInstanceOf(ValidationException.class)
        .hasMessage(
            "b.pt: it fails on in.npz. Gates missed besides: the output has 1.0000 of the"
                + " bytes of the model (0 B -> 0 B, files beside the tensors included), and --max-size-ratio allows 0.5000");
  }

  @Test
  void aRefusalKeepsItsKind() {
    ModelFormatException why =
        new ModelFormatException(Reason.NOT_THIS_FORMAT, "a.pt", "", "does not load");
    Trial failed = refused(why);
    Report report = failed.on(REPORT, Gates.NONE.withMaxSizeRatio(0.5));
    assertThatThrownBy(() -> failed.requireAccepted(report.gates())).isSameAs(why);
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY})
  void limitsThatNothingCanMeetAreRefused(double limit) {
    assertThatThrownBy(() -> Gates.NONE.withMinSqnr(limit))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("--min-sqnr");
    assertThatThrownBy(() -> Gates.NONE.withMinCosine(limit))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("--min-cosine");
    assertThatThrownBy(() -> Gates.NONE.withMinWeightCosine(limit))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("--min-weight-cosine");
    assertThatThrownBy(() -> Gates.NONE.withMaxSizeRatio(limit))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("--max-size-ratio");
  }
}
