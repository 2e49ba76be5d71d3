package dev.monoquant.core.trial;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;
import ai.djl.util.Pair;
import dev.monoquant.QuantException;
import dev.monoquant.ValidationException;
import dev.monoquant.core.control.EngineStart;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A model file that the engine has loaded, on the CPU. Its owner closes it. */
final class RunnableModel implements AutoCloseable {

  private static final String ENGINE = "PyTorch";

  private final String name;

  /** The engine compiles a model during these calls. */
  private static final int FIRST_CALLS = 2;

  /** The most numbers of one parameter that are read as counters. */
  private static final int MOST_COUNTERS = 16;

  private final Model model;
  private final long loadNanos;
  private int calls;
  private long firstNanos;

  private RunnableModel(String name, Model model, long loadNanos) {
    this.name = name;
    this.model = model;
    this.loadNanos = loadNanos;
  }

  /**
   * Loads a file as any user of the engine would.
   *
   * @param name the name of the model in messages
   * @throws ValidationException if the engine does not load it; the message omits the name
   * @throws dev.monoquant.OutputException if the engine cannot unpack its libraries
   */
  static RunnableModel load(String name, Path file) {
    EngineStart.require();
    Model model = Model.newInstance(name, Device.cpu(), ENGINE);
    long start = System.nanoTime();
    try {
      model.load(file);
      return new RunnableModel(name, model, System.nanoTime() - start);
    } catch (IOException | MalformedModelException | RuntimeException e) {
      model.close();
      throw new ValidationException("the PyTorch engine does not load it: " + firstLine(e), e);
    }
  }

  String name() {
    return name;
  }

  /** {@return the time that loading took} */
  long loadNanos() {
    return loadNanos;
  }

  /** {@return the time of the first two calls that succeeded} */
  long firstNanos() {
    return firstNanos;
  }

  /**
   * Calls the model.
   *
   * @param call the method and its arguments, which are only read
   * @param scope owns the outputs
   * @throws EngineException if the model does not take such inputs
   */
  NDList run(ModelCall call, NDManager scope) {
    long start = System.nanoTime();
    NDList outputs =
        call.isPlain()
            ? model
                .getBlock()
                .forward(new ParameterStore(model.getNDManager(), false), call.tensors(), false)
            : EngineCall.run(model.getBlock(), call, scope);
    if (calls < FIRST_CALLS) {
      calls++;
      firstNanos += System.nanoTime() - start;
    }
    outputs.attach(scope);
    return outputs;
  }

  /** {@return the parameters of the model by name, as long as it is open} */
  Map<String, NDArray> parameters() {
    Map<String, NDArray> all = new TreeMap<>();
    for (Pair<String, Parameter> parameter : model.getBlock().getDirectParameters()) {
      all.put(parameter.getKey(), parameter.getValue().getArray());
    }
    return all;
  }

  /** {@return the numbers of its parameters that are short lists of integers, by name} */
  Map<String, long[]> counters() {
    Map<String, long[]> counters = new TreeMap<>();
    for (Pair<String, Parameter> parameter : model.getBlock().getParameters()) {
      NDArray array = parameter.getValue().getArray();
      if (array.getDataType() == DataType.INT64
          && array.getShape().dimension() == 1
          && array.size() <= MOST_COUNTERS) {
        counters.put(parameter.getKey(), array.toLongArray());
      }
    }
    return counters;
  }

  /** The failure of a run as an exception with a message for the user. */
  ValidationException failed(String inputs, RuntimeException e) {
    return new ValidationException(
        name + ": it fails on " + QuantException.quote(inputs) + ": " + firstLine(e), e);
  }

  private static String firstLine(Throwable e) {
    String message = String.valueOf(e.getMessage()).strip();
    List<String> lines = message.lines().toList();
    // The traceback of TorchScript ends with the error.
    return lines.size() == 1
        ? message
        : lines.get(0).strip() + " " + lines.get(lines.size() - 1).strip();
  }

  @Override
  public void close() {
    model.close();
  }
}
