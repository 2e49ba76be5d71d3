package dev.monoquant.core.trial;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import dev.monoquant.ConfigurationException;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.ValidationException;
import dev.monoquant.core.control.SampleInputs;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.trial.RunJob.Candidate;
import dev.monoquant.spi.RunnableFile.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The model that others are compared with. If it does not run, its file or the samples are at
 * fault. Its owner closes it.
 */
final class ReferenceModel implements AutoCloseable {

  private final RunJob job;
  private final RunnableModel model;

  private ReferenceModel(RunJob job, RunnableModel model) {
    this.job = job;
    this.model = model;
  }

  /**
   * Loads the first model of a job.
   *
   * @throws ModelFormatException if the engine does not load it
   */
  static ReferenceModel load(RunJob job) {
    Candidate candidate = job.candidates().get(0);
    try {
      return new ReferenceModel(job, RunnableModel.load(candidate.name(), candidate.file()));
    } catch (ValidationException e) {
      throw new ModelFormatException(
          Reason.NOT_THIS_FORMAT,
          candidate.name(),
          "",
          e.getMessage()
              + ". Only TorchScript files are run (torch.jit.save, or torch.jit.trace), and not"
              + " those with operations that this engine does not have yet"
              + job.purpose().remedy(),
          e);
    }
  }

  RunnableModel model() {
    return model;
  }

  /**
   * What models are called with.
   *
   * @param described its name for messages
   * @param calls the calls, in order
   */
  record Inputs(String described, List<ModelCall> calls) {}

  /**
   * {@return the samples of the settings, or generated inputs that the model takes}
   *
   * @param manager owns the arrays
   * @throws ConfigurationException if there are no samples and the model takes no generated inputs
   */
  Inputs inputs(Settings settings, NDManager manager) {
    List<SampleInputs> given = SampleFiles.of(settings.samples());
    if (given.isEmpty()) {
      return generated(settings, manager);
    }
    List<ModelCall> calls = new ArrayList<>();
    for (SampleInputs sample : given) {
      calls.addAll(SampleReader.read(settings, sample, job.methods(), manager));
    }
    return new Inputs(
        settings.samples().stream().map(SampleInputs::describe).collect(Collectors.joining(", ")),
        calls);
  }

  private Inputs generated(Settings settings, NDManager manager) {
    for (SyntheticInputs guess : job.guesses()) {
      settings.cancellation().check();
      ModelCall inputs = ModelCall.of(guess.make(manager));
      try (NDManager scope = manager.newSubManager()) {
        model.run(inputs, scope);
      } catch (UnsupportedOperationException e) {
        throw noOutputs(e);
      } catch (RuntimeException e) {
        // The model needs other inputs: try the next guess.
        continue;
      }
      return new Inputs(guess.describe(), List.of(inputs));
    }
    throw new ConfigurationException(
        model.name()
            + ": what it is to be called with cannot be told from its layers. Give it inputs: "
            + (job.methods().isEmpty()
                ? "a tensor for each parameter of forward, --sample inputs.safetensors"
                : "--sample inputs.npz with " + needed(job.methods().get(0)))
            + " (withSamples)"
            + job.purpose().remedy());
  }

  /** {@return what a sample must have for a method, with its signature} */
  private static String needed(Method method) {
    String prefix = method.name().equals(ModelCall.FORWARD) ? "" : method.name() + ":";
    return String.join(
            ", ",
            method.parameters().stream()
                .filter(p -> !p.optional())
                .map(p -> SampleArguments.needed(p.type(), prefix + p.name()))
                .toList())
        + ", for "
        + SampleArguments.signature(method);
  }

  /**
   * {@return the outputs of a call}
   *
   * @param described the inputs, for messages
   * @param scope owns the outputs
   * @throws ConfigurationException if the model does not take the inputs
   */
  NDList run(String described, ModelCall sample, NDManager scope) {
    try {
      return model.run(sample, scope);
    } catch (UnsupportedOperationException e) {
      throw noOutputs(e);
    } catch (RuntimeException e) {
      throw new ConfigurationException(
          model.failed(described, e).getMessage()
              + ". The samples must be what its "
              + sample.method()
              + " takes, an array for each parameter"
              + job.methods().stream()
                  .filter(m -> m.name().equals(sample.method()))
                  .map(m -> ": " + SampleArguments.signature(m))
                  .findFirst()
                  .orElse("")
              + job.purpose().remedy(),
          e);
    }
  }

  /** The model ran, but the engine cannot return its outputs. */
  private ConfigurationException noOutputs(UnsupportedOperationException e) {
    return new ConfigurationException(
        model.name()
            + ": it runs, but its outputs cannot be compared: the engine hands over tensors, and"
            + " lists, tuples and dicts of them, and something else is among them, such as None or"
            + " a number"
            + job.purpose().remedy(),
        e);
  }

  @Override
  public void close() {
    model.close();
  }
}
