package dev.monoquant.core.run;

import dev.monoquant.NonFinitePolicy;
import dev.monoquant.Problem;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.control.Progress;
import dev.monoquant.core.report.GateResult;
import dev.monoquant.core.report.Plan;
import dev.monoquant.core.report.PlannedWeight;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.report.UnquantizedTensor;
import dev.monoquant.core.settings.Gates;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.kernel.Kernels;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Carries out a plan: the statistics pass, then the weights tile by tile into a writer. */
public final class Execution {

  private Execution() {}

  /**
   * Quantizes into a sink and checks the gates that need no run of the model; the caller commits.
   */
  public static Report runGated(
      Settings settings, ModelSource source, Plan plan, NonFinitePolicy policy, OutputWriter sink)
      throws IOException {
    Report report = run(settings, source, plan, policy, sink);
    List<GateResult> gates = settings.gates().check(report);
    Gates.require(gates);
    return report.withGates(gates);
  }

  /** Quantizes the planned weights into a sink; the caller commits. */
  public static Report run(
      Settings settings, ModelSource source, Plan plan, NonFinitePolicy policy, OutputWriter sink)
      throws IOException {
    long numbers =
        plan.weights().stream()
            .mapToLong(w -> w.weight().matrix().tensor().shape().elements())
            .sum();
    Kernels kernels = KernelChoice.of(settings, numbers);
    return Kernels.with(kernels, () -> runHere(settings, source, plan, policy, sink));
  }

  private static Report runHere(
      Settings settings, ModelSource source, Plan plan, NonFinitePolicy policy, OutputWriter sink)
      throws IOException {
    List<PlannedWeight> open =
        plan.weights().stream().filter(w -> sink.finished(w.weight().name()).isEmpty()).toList();
    Map<String, Facts> facts =
        new StatisticsPass(settings, source, policy).facts(open, plan.weights());
    List<TensorInfo> kept = plan.kept().stream().map(UnquantizedTensor::tensor).toList();
    Pipeline.Outcome done =
        new Pipeline(settings, source, sink, policy).run(plan.weights(), kept, facts);
    List<Problem> warnings = new ArrayList<>(plan.problems());
    int resumed = plan.weights().size() - open.size();
    if (resumed > 0) {
      warnings.add(
          Problem.warning(
              "resumed",
              resumed
                  + " of "
                  + plan.weights().size()
                  + " weights were finished by an interrupted run and taken over",
              ""));
    }
    warnings.addAll(done.warnings());
    return new Report(plan, done.weights(), warnings).withKernels(Kernels.current().name());
  }

  /** Finishes the work that must be done before an output is moved into place. */
  public static void finish(Settings settings, OutputWriter sink, Path target) throws IOException {
    settings.progress().update(Progress.Stage.COMMITTING, 0, 0, target.toString());
    sink.finish();
  }

  public static NonFinitePolicy policy(QuantizationConfig config) {
    return config.nonFinite().orElse(NonFinitePolicy.FAIL);
  }
}
