package dev.monoquant.io.torchscript;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.Optional;

/** Symmetric int8 with a scale for each row, in plain Java. */
final class RowInt8 {

  private RowInt8() {}

  /** {@return a weight of a layer whose kind says which axis its rows are} */
  static Optional<EncodedWeight> weight(
      ModelSource source, TensorInfo tensor, Map<String, String> storage) {
    for (Layer layer : source.info().layers()) {
      for (Map.Entry<String, TensorInfo> own : layer.tensors().entrySet()) {
        if (own.getValue().equals(tensor)
            && tensor.type() == ElementType.FLOAT32
            && tensor.shape().rank() > 1
            && own.getKey().contains("weight")
            && !layer.kind().equals(LayerKind.NORM)) {
          int axis = layer.kind().name().startsWith("ConvTranspose") ? 1 : 0;
          return Optional.of(
              new EncodedWeight(
                      new WeightMatrix(layer.name(), layer.kind(), own.getKey(), tensor, axis),
                      new SchemeId("int8", 1),
                      OptionValues.of(8, true, Granularity.CHANNEL),
                      Encoding.affine(
                          Part.perElement(Part.CODES, ElementType.INT8),
                          Part.perRow(Part.SCALE, ElementType.FLOAT32)))
                  .withStorage(new OptionValues(storage)));
        }
      }
    }
    return Optional.empty();
  }

  /** {@return the parts of all rows} */
  static Map<String, byte[]> quantize(ModelSource source, EncodedWeight weight) throws IOException {
    WeightMatrix rows = weight.matrix();
    long[] dims = rows.tensor().shape().dims();
    int outer = rows.rowAxis() == 0 ? 1 : (int) dims[0];
    int count = (int) rows.rowCount();
    int inner = (int) rows.columnCount() / outer;
    ByteBuffer in =
        source.read(rows.tensor(), 0, (int) rows.tensor().bytes()).order(ByteOrder.LITTLE_ENDIAN);
    byte[] codes = new byte[count * outer * inner];
    ByteBuffer scales = ByteBuffer.allocate(4 * count).order(ByteOrder.LITTLE_ENDIAN);
    for (int row = 0; row < count; row++) {
      float[] values = new float[outer * inner];
      float most = 1e-9f;
      for (int i = 0; i < values.length; i++) {
        values[i] = in.getFloat(4 * (i / inner * count * inner + row * inner + i % inner));
        most = Math.max(most, Math.abs(values[i]));
      }
      for (int i = 0; i < values.length; i++) {
        codes[row * values.length + i] = (byte) Math.rint(values[i] / (most / 127));
      }
      scales.putFloat(most / 127);
    }
    return Map.of(Part.CODES, codes, Part.SCALE, scales.array());
  }
}
