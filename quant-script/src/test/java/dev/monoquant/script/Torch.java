package dev.monoquant.script;

import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;
import ai.djl.util.Pair;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;

/** An archive loaded by DJL. */
final class Torch implements AutoCloseable {

  private final Optional<Path> own;
  private final Model model;

  private Torch(Optional<Path> own, Model model) {
    this.own = own;
    this.model = model;
  }

  static Torch load(ScriptArchive archive) throws IOException, MalformedModelException {
    Path directory = Files.createTempDirectory("torch");
    archive.write(directory.resolve("model.pt"));
    return load(directory, Optional.of(directory));
  }

  /** Loads {@code model.pt} of a directory, both of which stay. */
  static Torch load(Path directory) throws IOException, MalformedModelException {
    return load(directory, Optional.empty());
  }

  private static Torch load(Path directory, Optional<Path> own)
      throws IOException, MalformedModelException {
    Model model = Model.newInstance("model", "PyTorch");
    Torch torch = new Torch(own, model);
    try {
      model.load(directory, "model");
      return torch;
    } catch (IOException | MalformedModelException | RuntimeException e) {
      torch.close();
      throw e;
    }
  }

  /** The first output as floats; the input is what {@link #input} says of it. */
  float[] run(String input, long seed) {
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      return run(input(manager, input, seed));
    }
  }

  float[] run(NDArray input) {
    Block block = model.getBlock();
    NDManager manager = input.getManager();
    NDList output = block.forward(new ParameterStore(manager, false), new NDList(input), false);
    output.attach(manager);
    NDArray first = output.head();
    return first.getDataType() == DataType.FLOAT32
        ? first.toFloatArray()
        : first.toType(DataType.FLOAT32, false).toFloatArray();
  }

  /** {@return the parameters of a name's end that are lists of integers, as they are now} */
  Map<String, long[]> counters(String suffix) {
    Map<String, long[]> counters = new TreeMap<>();
    for (Pair<String, Parameter> parameter : model.getBlock().getParameters()) {
      if (parameter.getKey().endsWith(suffix)) {
        counters.put(parameter.getKey(), parameter.getValue().getArray().toLongArray());
      }
    }
    return counters;
  }

  /** {@return the parameters of a module whose parameters are floats, by name} */
  Map<String, double[]> parameters() {
    Map<String, double[]> all = new TreeMap<>();
    for (Pair<String, Parameter> parameter : model.getBlock().getDirectParameters()) {
      NDArray array = parameter.getValue().getArray();
      try (NDArray wide = array.toType(DataType.FLOAT64, true)) {
        all.put(parameter.getKey(), wide.toDoubleArray());
      }
    }
    return all;
  }

  /**
   * Random input.
   *
   * @param spec {@code f2x3} floats of a normal distribution, {@code h2x3} the same in FLOAT16,
   *     {@code i2x3<9} integers from 0 to 8
   */
  static NDArray input(NDManager manager, String spec, long seed) {
    Random random = new Random(seed);
    int limit = spec.indexOf('<');
    String dims = spec.substring(1, limit < 0 ? spec.length() : limit);
    String[] parts = dims.split("x", -1);
    long[] shape = new long[parts.length];
    for (int i = 0; i < shape.length; i++) {
      shape[i] = Long.parseLong(parts[i]);
    }
    int count = Math.toIntExact(new Shape(shape).size());
    if (spec.startsWith("i")) {
      int bound = Integer.parseInt(spec.substring(limit + 1));
      return manager.create(
          random.ints(count, 0, bound).asLongStream().toArray(), new Shape(shape));
    }
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    NDArray array = manager.create(values, new Shape(shape));
    return spec.startsWith("h") ? array.toType(DataType.FLOAT16, false) : array;
  }

  /** {@return the norm of the difference by that of the first} */
  static double error(float[] expected, float[] actual) {
    if (expected.length != actual.length) {
      throw new AssertionError(actual.length + " numbers, not " + expected.length);
    }
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < expected.length; i++) {
      difference += Math.pow((double) actual[i] - expected[i], 2);
      norm += Math.pow(expected[i], 2);
    }
    return norm == 0 ? Math.sqrt(difference) : Math.sqrt(difference / norm);
  }

  @Override
  public void close() throws IOException {
    model.close();
    if (own.isPresent()) {
      Files.deleteIfExists(own.get().resolve("model.pt"));
      Files.deleteIfExists(own.get());
    }
  }
}
