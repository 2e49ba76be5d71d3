package dev.monoquant.integration;

import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.training.ParameterStore;
import dev.monoquant.io.safetensors.SafetensorsFormat;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Map;

/** A trained model that reads hand-written digits: its weights, its program, and test images. */
enum Digits {
  CNN("cnn"),
  LSTM("lstm"),
  TRANSFORMER("transformer");

  private final String file;

  Digits(String file) {
    this.file = file;
  }

  Path weights() {
    return resource(file + ".safetensors");
  }

  /** A TorchScript archive: {@code traced} or {@code scripted}. */
  Path script(String kind) {
    return resource(file + "." + kind + ".pt");
  }

  Path testData() {
    return resource(file + ".test.safetensors");
  }

  /** Loads the traced TorchScript program with parameters that can be filled. */
  Model program() throws IOException, MalformedModelException {
    Model model = Model.newInstance(file, "PyTorch");
    model.load(resource(file + ".traced.pt"), null, Map.of("trainParam", "true"));
    return model;
  }

  /** The share of test images whose digit a program reads rightly. */
  double accuracy(Block program, NDManager parent) throws IOException {
    try (NDManager manager = parent.newSubManager()) {
      NDArray read = logits(program, manager).argMax(1);
      NDArray right = read.eq(testData("labels", manager));
      return right.toType(DataType.FLOAT64, true).mean().getDouble();
    }
  }

  NDArray logits(Block program, NDManager manager) throws IOException {
    NDList input = new NDList(testData("inputs", manager));
    return program.forward(new ParameterStore(manager, false), input, false).singletonOrThrow();
  }

  NDArray testData(String name, NDManager manager) throws IOException {
    try (ModelSource source =
        new SafetensorsFormat()
            .open(ModelInput.of(resource(file + ".test.safetensors")), ReadLimits.DEFAULT)) {
      TensorInfo tensor =
          source.info().tensors().stream()
              .filter(t -> t.name().equals(name))
              .findFirst()
              .orElseThrow();
      ByteBuffer bytes = source.read(tensor, 0, (int) tensor.bytes());
      ByteBuffer own = ByteBuffer.allocateDirect(bytes.remaining()).order(ByteOrder.nativeOrder());
      own.put(bytes).flip();
      return manager.create(own, new Shape(tensor.shape().dims()), type(tensor.type()));
    }
  }

  private static DataType type(ElementType type) {
    return type == ElementType.INT64 ? DataType.INT64 : DataType.FLOAT32;
  }

  private static Path resource(String name) {
    try {
      return Path.of(Digits.class.getResource("/digits/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException(e);
    }
  }
}
