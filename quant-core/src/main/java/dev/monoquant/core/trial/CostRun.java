package dev.monoquant.core.trial;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import com.google.gson.JsonObject;
import dev.monoquant.ValidationException;
import dev.monoquant.core.control.Cancellation;
import dev.monoquant.core.control.Progress;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.trial.RunJob.Candidate;
import dev.monoquant.core.trial.RunJob.WithSettings;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Measures {@link Costs} with the engine of this process. The samples are read and the original
 * runs once; its outputs are kept as far as they fit into {@value #KEPT_BYTES} bytes, and are
 * computed again for each result beyond that.
 */
final class CostRun implements Costs {

  private static final long KEPT_BYTES = 512L << 20;

  private final String remedy;
  private final Cancellation cancellation;
  private final Progress progress;
  private final NDManager manager = NDManager.newBaseManager(Device.cpu());
  private final ReferenceModel reference;
  private final ReferenceModel.Inputs inputs;
  private final List<Optional<NDList>> kept = new ArrayList<>();
  private long bytes;

  private CostRun(Settings settings, RunJob job) {
    this.remedy = job.purpose().remedy();
    this.cancellation = settings.cancellation();
    this.progress = settings.progress();
    try {
      this.reference = ReferenceModel.load(job);
    } catch (RuntimeException e) {
      manager.close();
      throw e;
    }
    try {
      this.inputs = reference.inputs(settings, manager);
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /**
   * Loads the original and reads the samples.
   *
   * @param settings the samples, the options for reading them, the cancellation, and the progress
   * @param job the original, its methods and the inputs to try
   * @throws dev.monoquant.QuantException as {@link SideBySideRun#run}
   */
  static CostRun start(Settings settings, RunJob job) {
    return new CostRun(settings, job);
  }

  @Override
  public Distance of(Candidate result) {
    OutputMeter meter = new OutputMeter(result.name(), remedy);
    try (RunnableModel model = load(result)) {
      List<ModelCall> calls = inputs.calls();
      for (int i = 0; i < calls.size(); i++) {
        // Native code ignores interrupts.
        cancellation.check();
        try (NDManager scope = manager.newSubManager()) {
          meter.add(wanted(i, scope), run(model, calls.get(i), scope));
        }
        progress.update(Progress.Stage.OBSERVING, i + 1, calls.size(), "call " + (i + 1));
      }
    }
    return new Distance(meter.total(), meter.floats(), meter.mismatched());
  }

  private static RunnableModel load(Candidate result) {
    try {
      return RunnableModel.load(result.name(), result.file());
    } catch (ValidationException e) {
      throw new ValidationException(result.name() + ": " + e.getMessage(), e);
    }
  }

  /** The outputs of the original. */
  private NDList wanted(int call, NDManager scope) {
    if (call < kept.size() && kept.get(call).isPresent()) {
      return kept.get(call).get();
    }
    NDList outputs = reference.run(inputs.described(), inputs.calls().get(call), scope);
    if (call == kept.size()) {
      long more = outputs.stream().mapToLong(CostRun::bytes).sum();
      boolean fits = bytes + more <= KEPT_BYTES;
      if (fits) {
        bytes += more;
      }
      kept.add(fits ? Optional.of(copies(outputs)) : Optional.empty());
    }
    return outputs;
  }

  /** An output may be a part of a larger array, or a state that the next call changes. */
  private NDList copies(NDList outputs) {
    NDList copies = new NDList();
    for (NDArray output : outputs) {
      NDArray copy = output.duplicate();
      copy.attach(manager);
      copies.add(copy);
    }
    return copies;
  }

  private static long bytes(NDArray array) {
    return array.size() * array.getDataType().getNumOfBytes();
  }

  private NDList run(RunnableModel model, ModelCall call, NDManager scope) {
    try {
      return model.run(call, scope);
    } catch (RuntimeException e) {
      throw model.failed(inputs.described(), e);
    }
  }

  @Override
  public void close() {
    manager.close();
    reference.close();
  }

  /** The run of a child, which lasts while its jobs have one original and the same samples. */
  static final class Lasting {

    private Optional<JsonObject> of = Optional.empty();
    private Optional<CostRun> run = Optional.empty();
    private Optional<NDManager> samples = Optional.empty();

    /**
     * Runs the second model of a job.
     *
     * @param json the job
     * @param progress receives the calls
     */
    Distance run(JsonObject json, Progress progress) throws IOException {
      JsonObject original = json.deepCopy();
      original.getAsJsonArray("candidates").remove(1);
      if (of.isEmpty() || !of.get().equals(original)) {
        end();
        NDManager manager = NDManager.newBaseManager(Device.cpu());
        samples = Optional.of(manager);
        WithSettings all = RunJob.parse(json, manager);
        run = Optional.of(start(all.settings().withProgress(progress), all.job()));
        of = Optional.of(original);
      }
      return run.orElseThrow().of(RunJob.candidates(json).get(1));
    }

    /** Frees the original and the samples. */
    void end() {
      of = Optional.empty();
      run.ifPresent(CostRun::close);
      run = Optional.empty();
      samples.ifPresent(NDManager::close);
      samples = Optional.empty();
    }
  }
}
