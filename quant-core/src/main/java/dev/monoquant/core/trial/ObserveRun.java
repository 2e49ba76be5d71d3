package dev.monoquant.core.trial;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import dev.monoquant.ConfigurationException;
import dev.monoquant.OutputException;
import dev.monoquant.ValidationException;
import dev.monoquant.core.control.Progress;
import dev.monoquant.core.control.SampleInputs;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.trial.SumsFile.Position;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Runs a program whose weights observe their inputs on the samples, and saves the sums. Before, it
 * runs the original on the first samples: the outputs of both must be equal to the bit.
 */
final class ObserveRun implements AutoCloseable {

  /** The engine compiles a model in its first two calls: the third runs compiled code. */
  private static final int CHECKED = 3;

  private final Settings settings;
  private final ObserveJob job;
  private final NDManager manager = NDManager.newBaseManager(Device.cpu());
  private final RunnableModel model;
  private final List<NDArray> sums = new ArrayList<>();
  private final List<ByteBuffer> bytes = new ArrayList<>();
  private Position position = new Position(0, 0, 0, false);
  private long saved = System.nanoTime();
  private String note = "";

  private ObserveRun(Settings settings, ObserveJob job) {
    this.settings = settings;
    this.job = job;
    this.model = RunnableModel.load(job.name(), job.observing());
  }

  /**
   * Runs a pass, or the rest of it.
   *
   * @param settings the samples, the limits for reading them, the cancellation, and the progress
   * @throws ConfigurationException if the model does not take the samples
   * @throws ValidationException if observing changes outputs
   * @throws OutputException if the sums cannot be saved
   */
  static ObserveJob.Outcome run(Settings settings, ObserveJob job) {
    try (ObserveRun run = new ObserveRun(settings, job)) {
      run.findSums();
      if (Files.exists(job.state())) {
        run.restore();
      }
      if (!run.position.complete()) {
        if (run.position.calls() == 0) {
          run.check();
        }
        run.pass();
      }
      return new ObserveJob.Outcome(run.position.calls(), run.note);
    } catch (IOException e) {
      settings.cancellation().check(); // An interrupt closes open files.
      throw new OutputException(job.state() + ": the sums cannot be saved: " + e, e);
    }
  }

  private void findSums() {
    Map<String, NDArray> parameters = model.parameters();
    for (String name : job.parameters()) {
      NDArray array = parameters.get(name);
      if (array == null) {
        throw new IllegalStateException("the observing program has no parameter " + name);
      }
      sums.add(array);
      bytes.add(
          array.isEmpty()
              ? ByteBuffer.allocate(0)
              : array.toByteBuffer(true).order(ByteOrder.nativeOrder()));
    }
  }

  private void restore() throws IOException {
    try (SumsFile file = SumsFile.open(job.state())) {
      List<SumsFile.Item> items = file.items();
      boolean fits =
          file.identity().equals(job.identity())
              && items.stream().map(SumsFile.Item::name).toList().equals(job.parameters());
      for (int i = 0; fits && i < items.size(); i++) {
        fits = items.get(i).bytes() == bytes.get(i).remaining();
      }
      if (!fits) {
        throw new ConfigurationException(
            job.state()
                + ": the earlier run had another model, other samples or other options. Give the"
                + " same, or begin anew without --resume");
      }
      for (int i = 0; i < items.size(); i++) {
        file.read(items.get(i), bytes.get(i));
      }
      position = file.position();
    }
  }

  private void save() throws IOException {
    // Of a cancelled run, too: an interrupted thread could not write.
    boolean interrupted = Thread.interrupted();
    try {
      SumsFile.write(job.state(), job.identity(), position, job.parameters(), bytes);
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
    saved = System.nanoTime();
  }

  /** Compares the first outputs with those of the original. */
  private void check() {
    int calls = 0;
    try (RunnableModel original = RunnableModel.load(job.name(), job.original())) {
      while (calls < CHECKED) {
        int before = calls;
        for (SampleInputs sample : settings.samples()) {
          try (NDManager scope = manager.newSubManager()) {
            for (ModelCall call : calls(sample, scope)) {
              if (calls < CHECKED) {
                requireSame(original, call, sample.describe(), scope);
                calls++;
              }
            }
          }
          if (calls >= CHECKED) {
            break;
          }
        }
        if (calls == before) {
          throw noSamples();
        }
      }
    }
    for (ByteBuffer sum : bytes) {
      for (int i = 0; i < sum.limit(); i++) {
        sum.put(i, (byte) 0);
      }
    }
  }

  private ConfigurationException noSamples() {
    return new ConfigurationException(
        job.name() + ": the samples have no rows to call it with. Give others: --sample");
  }

  private void requireSame(
      RunnableModel original, ModelCall call, String described, NDManager scope) {
    NDList wanted = run(original, call, described, scope);
    NDList got = run(model, call, described, scope);
    if (!isSame(wanted, got)) {
      if (!isSame(wanted, run(original, call, described, scope))) {
        note = "its outputs differ from run to run, so that observing them could not be checked";
        return;
      }
      throw new ValidationException(
          job.name()
              + ": its outputs on "
              + described
              + " are other while its layers are observed, so that nothing was observed. This is a"
              + " fault of the program that observes; please report it with the code of the model");
    }
  }

  private static boolean isSame(NDList wanted, NDList got) {
    if (wanted.size() != got.size()) {
      return false;
    }
    for (int i = 0; i < wanted.size(); i++) {
      NDArray one = wanted.get(i);
      NDArray other = got.get(i);
      boolean same =
          one.getShape().equals(other.getShape())
              && one.getDataType() == other.getDataType()
              && (one.isEmpty() || one.toByteBuffer().equals(other.toByteBuffer()));
      if (!same) {
        return false;
      }
    }
    return true;
  }

  private NDList run(RunnableModel called, ModelCall call, String described, NDManager scope) {
    try {
      return called.run(call, scope);
    } catch (RuntimeException e) {
      throw new ConfigurationException(
          called.failed(described, e).getMessage()
              + ". The samples must be what its "
              + call.method()
              + " takes, an array for each parameter"
              + job.methods().stream()
                  .filter(m -> m.name().equals(call.method()))
                  .map(m -> ": " + SampleArguments.signature(m))
                  .findFirst()
                  .orElse(""),
          e);
    }
  }

  /** The calls of a sample, in batches. */
  private List<ModelCall> calls(SampleInputs sample, NDManager scope) {
    List<ModelCall> calls = new ArrayList<>();
    for (ModelCall call : SampleReader.read(settings, sample, job.methods(), scope)) {
      if (job.batch() == 0 || !call.isPlain() || call.tensors().isEmpty()) {
        calls.add(call);
      } else {
        calls.addAll(batches(call));
      }
    }
    return calls;
  }

  private List<ModelCall> batches(ModelCall call) {
    long rows = rows(call.tensors().get(0));
    List<ModelCall> batches = new ArrayList<>();
    for (long from = 0; from < rows; from += job.batch()) {
      NDIndex some = new NDIndex().addSliceDim(from, Math.min(rows, from + job.batch()));
      NDList inputs = new NDList();
      for (NDArray array : call.tensors()) {
        // What has another first axis, such as a table of positions, is for every row.
        inputs.add(rows(array) == rows && rows > 0 ? array.get(some) : array);
      }
      batches.add(ModelCall.of(inputs));
    }
    return batches;
  }

  private static long rows(NDArray array) {
    return array.getShape().dimension() == 0 ? 0 : array.getShape().get(0);
  }

  private void pass() throws IOException {
    try {
      calls();
    } finally {
      // Also of a run that is cancelled, or fails on a later sample, so that it can go on.
      if (position.calls() > 0) {
        save();
      }
    }
  }

  private void calls() throws IOException {
    List<SampleInputs> samples = settings.samples();
    for (int i = position.sample(); i < samples.size() && !isEnough(); i++) {
      try (NDManager scope = manager.newSubManager()) {
        List<ModelCall> calls = calls(samples.get(i), scope);
        for (long at = position.done(); at < calls.size() && !isEnough(); at++) {
          settings.cancellation().check();
          try (NDManager outputs = manager.newSubManager()) {
            run(model, calls.get((int) at), samples.get(i).describe(), outputs);
          }
          position = new Position(i, at + 1, position.calls() + 1, false);
          settings
              .progress()
              .update(Progress.Stage.OBSERVING, i, samples.size(), "call " + position.calls());
          if (System.nanoTime() - saved > ObserveJob.SAVING.toNanos()) {
            save();
          }
        }
      }
      position = new Position(i + 1, 0, position.calls(), false);
    }
    if (position.calls() == 0) {
      throw noSamples();
    }
    position = new Position(position.sample(), position.done(), position.calls(), true);
  }

  private boolean isEnough() {
    return position.calls() >= job.mostCalls();
  }

  @Override
  public void close() {
    manager.close();
    model.close();
  }
}
