package dev.monoquant.files.torch;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.files.pickle.PickleValue.Global;
import dev.monoquant.files.pickle.PickleValue.Int;
import dev.monoquant.files.pickle.PickleValue.Real;
import dev.monoquant.model.ElementType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads the quantizer of a {@code torch._utils._rebuild_qtensor}: {@code (per_tensor_affine, scale,
 * zero point)} or {@code (per_channel_affine, scales, zero points, axis)}, where scales are float64
 * and zero points int64 tensors.
 *
 * @param tensors reads the scales and zero points
 * @param file the file, for messages
 * @param where the quantized tensor, for messages
 * @param name its name
 */
record QuantizerReader(Tensors tensors, String file, String where, String name) {

  /** Reads a tensor of the same pickle. */
  @FunctionalInterface
  interface Tensors {
    TorchTensor read(PickleObject object, String name) throws IOException;
  }

  QuantizedTensor read(TorchTensor codes, PickleValue quantizer) throws IOException {
    if (codes.shape().rank() == 0 || codes.shape().elements() == 0) {
      throw unreadable("a quantized scalar or without elements");
    }
    if (!(quantizer instanceof PickleTuple q)
        || q.size() == 0
        || !(q.get(0) instanceof Global kind)) {
      throw shape("its quantizer is " + quantizer.kind() + ".");
    }
    List<Float> scales = new ArrayList<>();
    List<Byte> points = new ArrayList<>();
    if (kind.name().equals("per_tensor_affine")
        && q.size() == 3
        && q.get(1) instanceof Real scale
        && q.get(2) instanceof Int point) {
      scales.add(scale(scale.value()));
      points.add(point(codes, point.value()));
    } else if (kind.name().equals("per_channel_affine")
        && q.size() == 4
        && q.get(1) instanceof PickleObject scale
        && q.get(2) instanceof PickleObject point
        && q.get(3) instanceof Int axis) {
      if (axis.value() != 0) {
        throw unreadable("quantized along axis " + axis.value());
      }
      ByteBuffer s = column(scale, codes, ElementType.FLOAT64);
      ByteBuffer p = column(point, codes, ElementType.INT64);
      while (s.hasRemaining()) {
        scales.add(scale(s.getDouble()));
        points.add(point(codes, p.getLong()));
      }
    } else {
      throw unreadable("quantized by " + kind.name() + " with " + (q.size() - 1) + " parameters");
    }
    return new QuantizedTensor(codes, scales, points);
  }

  private ByteBuffer column(PickleObject object, TorchTensor codes, ElementType type)
      throws IOException {
    TorchTensor tensor = tensors.read(object, name);
    if (tensor.type() != type
        || tensor.shape().rank() != 1
        || tensor.shape().dim(0) != codes.shape().dim(0)) {
      throw shape(
          "its scales or zero points are "
              + tensor.type().wire()
              + " "
              + tensor.shape()
              + " for codes of "
              + codes.shape()
              + ".");
    }
    return ViewReader.read(tensor, 0, Math.toIntExact(tensor.shape().elements() * Long.BYTES));
  }

  private float scale(double value) {
    float scale = (float) value;
    if (!Float.isFinite(scale)) {
      throw new ModelFormatException(
          Reason.NON_FINITE,
          file,
          where,
          "a scale is " + value + ", which is no finite float32. Quantize the model again.");
    }
    return scale;
  }

  private byte point(TorchTensor codes, long value) {
    long shifted = codes.type() == ElementType.UINT8 ? value - QuantizedTensor.SHIFT : value;
    if (shifted < Byte.MIN_VALUE || shifted > Byte.MAX_VALUE) {
      throw unreadable("quantized with zero point " + value + ", which is none of its codes");
    }
    return (byte) shifted;
  }

  private ModelFormatException unreadable(String detail) {
    return new ModelFormatException(
        Reason.UNSUPPORTED_TENSOR,
        file,
        where,
        "is "
            + detail
            + "; qint8 and quint8 are read, per tensor or per channel of axis 0. Call dequantize()"
            + " on it and save the model again.");
  }

  private ModelFormatException shape(String detail) {
    return new ModelFormatException(
        Reason.PICKLE_SHAPE, file, where, detail + " The file is damaged; fetch it again.");
  }
}
