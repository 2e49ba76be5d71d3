package dev.monoquant.files.torch;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A quantized tensor of PyTorch: {@code qint8} or {@code quint8}, per tensor or per channel of the
 * first axis, with the numbers {@code (code - zero point) * scale}.
 *
 * <p>It is read as scheme {@code int8}, whose decoder has the same formula in float32. Unsigned
 * codes and their zero points are reduced by 128, so no number changes; scales, which PyTorch
 * stores in float64, are rounded to float32, in which PyTorch computes. There are zero points only
 * if one of them is not 0. Thread-safe.
 *
 * @param codes the codes as a tensor of INT8 or UINT8, with at least one dimension and one element
 * @param scales one scale, or one for each row
 * @param zeroPoints as many zero points; shifted already, so from -128 to 127
 */
public record QuantizedTensor(TorchTensor codes, List<Float> scales, List<Byte> zeroPoints) {

  private static final SchemeId SCHEME = new SchemeId("int8", 1);

  /** The number that is subtracted from unsigned codes. */
  static final int SHIFT = 128;

  /** Copies the lists. */
  public QuantizedTensor {
    scales = List.copyOf(scales);
    zeroPoints = List.copyOf(zeroPoints);
  }

  /** {@return the dimensions} */
  public TensorShape shape() {
    return codes.shape();
  }

  private boolean symmetric() {
    return zeroPoints.stream().allMatch(z -> z == 0);
  }

  private boolean perTensor() {
    return scales.size() == 1 && shape().dim(0) != 1;
  }

  /**
   * Describes the quantized weight.
   *
   * @param name its full name; the part before the last dot is the layer
   * @param shard the file that holds it, as in {@link TensorInfo}
   * @return the weight, of FLOAT32
   */
  public EncodedWeight weight(String name, String shard) {
    int dot = name.lastIndexOf('.');
    TensorInfo tensor = new TensorInfo(name, ElementType.FLOAT32, shape(), shard);
    WeightMatrix rows =
        new WeightMatrix(
            name.substring(0, Math.max(dot, 0)),
            LayerKind.UNKNOWN,
            name.substring(dot + 1),
            tensor,
            0);
    Granularity granularity = perTensor() ? Granularity.TENSOR : Granularity.CHANNEL;
    Part scale = shared(Part.SCALE, ElementType.FLOAT32);
    Part cells = Part.perElement(Part.CODES, ElementType.INT8);
    Encoding encoding =
        symmetric()
            ? Encoding.affine(cells, scale)
            : Encoding.affine(cells, scale, shared(Part.ZERO_POINT, ElementType.INT8));
    return new EncodedWeight(rows, SCHEME, OptionValues.of(8, symmetric(), granularity), encoding);
  }

  private Part shared(String part, ElementType type) {
    return perTensor() ? Part.perTensor(part, type) : Part.perRow(part, type);
  }

  /**
   * Reads rows.
   *
   * @param firstRow the first row
   * @param height the number of rows
   * @return all parts of the rows
   * @throws IOException if the file cannot be mapped
   */
  EncodedTile read(long firstRow, int height) throws IOException {
    long cols = shape().elements() / shape().dim(0);
    byte[] cells = new byte[Math.toIntExact(Math.multiplyExact(height, cols))];
    ViewReader.read(codes, firstRow * cols, cells.length).get(cells);
    if (codes.type() == ElementType.UINT8) {
      for (int i = 0; i < cells.length; i++) {
        cells[i] = (byte) (cells[i] - SHIFT);
      }
    }
    int first = perTensor() ? 0 : Math.toIntExact(firstRow);
    int count = perTensor() ? 1 : height;
    byte[] scale = new byte[count * Float.BYTES];
    byte[] points = new byte[count];
    ByteBuffer out = ByteBuffer.wrap(scale).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < count; i++) {
      out.putFloat(scales.get(first + i));
      points[i] = zeroPoints.get(first + i);
    }
    Map<String, byte[]> parts = new LinkedHashMap<>();
    parts.put(Part.CODES, cells);
    parts.put(Part.SCALE, scale);
    if (!symmetric()) {
      parts.put(Part.ZERO_POINT, points);
    }
    return new EncodedTile(firstRow, height, parts);
  }
}
