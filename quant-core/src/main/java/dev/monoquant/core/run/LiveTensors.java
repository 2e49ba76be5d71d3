package dev.monoquant.core.run;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantException;
import dev.monoquant.core.work.TileBuffers;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ModelSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.Map;

/** Copies the tensors of a source to live arrays. */
public final class LiveTensors {

  private static final int PIECE = 4 << 20;

  private LiveTensors() {}

  /** All tensors by name, attached to the manager; BFLOAT16 as FLOAT32, which is exact. */
  public static Map<String, NDArray> stateDict(ModelSource source, NDManager manager)
      throws IOException {
    // Everything is checked before any array is created, so that no manager is left partly filled.
    source.info().tensors().forEach(LiveTensors::liveType);
    Map<String, NDArray> arrays = new LinkedHashMap<>();
    for (TensorInfo tensor : source.info().tensors()) {
      NDArray array = array(source, tensor, manager);
      array.setName(tensor.name());
      arrays.put(tensor.name(), array);
    }
    return arrays;
  }

  private static NDArray array(ModelSource source, TensorInfo tensor, NDManager manager)
      throws IOException {
    DataType type = liveType(tensor);
    Shape shape = new Shape(tensor.shape().dims());
    long elements = tensor.shape().elements();
    if (elements == 0) {
      return manager.create(shape, type);
    }
    int size = type.getNumOfBytes();
    if (elements * size <= Integer.MAX_VALUE) {
      // The direct buffer becomes the array's memory.
      ByteBuffer data =
          ByteBuffer.allocateDirect((int) (elements * size)).order(ByteOrder.nativeOrder());
      TensorPieces pieces = new TensorPieces(source, tensor, PIECE * tensor.type().cellBytes());
      TileBuffers buffers = new TileBuffers();
      for (long piece = 0; piece < pieces.count(); piece++) {
        pieces.read(piece, buffers, (at, bytes) -> put(tensor.type(), bytes, at, data));
      }
      return manager.create(data.rewind(), shape, type);
    }
    NDArray array = manager.create(new Shape(elements), type);
    try (NDManager scratch = manager.newSubManager()) {
      for (long at = 0; at < elements; at += PIECE) {
        long n = Math.min(PIECE, elements - at);
        NDArray slice = array.get(at + ":" + (at + n));
        slice.attach(scratch);
        fill(source, tensor, at, n, slice.toByteBuffer(true).order(ByteOrder.nativeOrder()));
      }
    }
    NDArray shaped = array.reshape(shape);
    array.close();
    return shaped;
  }

  /** Copies bytes of a tensor to their place in the live array. */
  private static void put(ElementType type, ByteBuffer bytes, long at, ByteBuffer to) {
    if (type != ElementType.BFLOAT16) {
      to.position(Math.toIntExact(at)).put(bytes);
      return;
    }
    int n = bytes.remaining() / type.cellBytes();
    float[] values = new float[n];
    FloatBytes.widen(type, bytes, values, 0, n);
    to.position(Math.toIntExact(at / type.cellBytes() * Float.BYTES)).asFloatBuffer().put(values);
  }

  private static void fill(
      ModelSource source, TensorInfo tensor, long first, long count, ByteBuffer to)
      throws IOException {
    ElementType type = tensor.type();
    int cell = type.cellBytes();
    float[] values = type == ElementType.BFLOAT16 ? new float[PIECE] : new float[0];
    for (long done = 0; done < count; done += PIECE) {
      int n = (int) Math.min(PIECE, count - done);
      ByteBuffer data = source.read(tensor, (first + done) * cell, n * cell);
      if (type == ElementType.BFLOAT16) {
        FloatBytes.widen(type, data, values, 0, n);
        to.asFloatBuffer().put(values, 0, n);
        to.position(to.position() + n * Float.BYTES);
      } else {
        to.put(data);
      }
    }
  }

  /** The type of the live array; the engine aborts the JVM on most others. */
  private static DataType liveType(TensorInfo tensor) {
    return switch (tensor.type()) {
      case FLOAT32, BFLOAT16 -> DataType.FLOAT32;
      case FLOAT64 -> DataType.FLOAT64;
      case FLOAT16 -> DataType.FLOAT16;
      case INT8 -> DataType.INT8;
      case UINT8 -> DataType.UINT8;
      case INT32 -> DataType.INT32;
      case INT64 -> DataType.INT64;
      case BOOL -> DataType.BOOLEAN;
      default ->
          throw new ConfigurationException(
              "tensor "
                  + QuantException.quote(tensor.name())
                  + " of type "
                  + tensor.type().wire()
                  + " cannot become a live array; F64, F32, F16, BF16, I64, I32, I8, U8 and BOOL can."
                  + " Save the model to a file instead");
    };
  }
}
