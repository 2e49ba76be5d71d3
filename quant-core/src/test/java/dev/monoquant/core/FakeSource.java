package dev.monoquant.core;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A model in arrays, and the detector that opens it whatever the input is. */
final class FakeSource implements ModelSource, InputFormatDetector {

  private final List<TensorInfo> tensors = new ArrayList<>();
  private final Map<String, byte[]> bytes = new HashMap<>();
  private final List<String> notes = new ArrayList<>();
  private boolean closed;

  FakeSource note(String text) {
    notes.add(text);
    return this;
  }

  FakeSource add(String name, ElementType type, TensorShape shape, float... values) {
    TensorInfo tensor = new TensorInfo(name, type, shape);
    byte[] data = new byte[(int) tensor.bytes()];
    if (type.isQuantizable()) {
      FloatBytes.narrow(type, values, 0, values.length, data, 0);
    }
    tensors.add(tensor);
    bytes.put(name, data);
    return this;
  }

  FakeSource add(String name, ElementType type, long... dims) {
    TensorShape shape = TensorShape.of(dims);
    float[] values = new float[(int) shape.elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) Math.sin(i + 1);
    }
    return add(name, type, shape, values);
  }

  FakeSource floats(String name, long... dims) {
    return add(name, ElementType.FLOAT32, dims);
  }

  byte[] bytes(String name) {
    return requireNonNull(bytes.get(name));
  }

  boolean closed() {
    return closed;
  }

  @Override
  public String name() {
    return "fake";
  }

  @Override
  public List<TensorInfo> tensors() {
    return tensors;
  }

  @Override
  public List<String> notes() {
    return notes;
  }

  @Override
  public ByteBuffer read(TensorInfo tensor, long offset, int length) {
    return ByteBuffer.wrap(bytes(tensor.name()), (int) offset, length)
        .slice()
        .asReadOnlyBuffer()
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public void close() {
    closed = true;
  }

  @Override
  public String id() {
    return "fake";
  }

  @Override
  public Match probe(ModelInput input) {
    return Match.CERTAIN;
  }

  @Override
  public ModelSource open(ModelInput input, ReadLimits limits) {
    return this;
  }
}
