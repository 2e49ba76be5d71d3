package dev.monoquant.testkit.data;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * Quantized weights to write and read, without a scheme: an output format stores bytes independent
 * of their meaning.
 */
public final class EncodedSamples {

  private EncodedSamples() {}

  /**
   * A weight of INT8 codes with a scale for each row.
   *
   * @param layer the module path of a linear layer
   * @param type the float type of the weight and its scales
   * @param rows the number of rows
   * @param cols the number of columns
   * @return the weight, under the id {@code int8@1}
   */
  public static EncodedWeight int8(String layer, ElementType type, long rows, long cols) {
    TensorInfo tensor = new TensorInfo(layer + ".weight", type, TensorShape.of(rows, cols));
    return new EncodedWeight(
        new WeightMatrix(layer, LayerKind.LINEAR, "weight", tensor, 0),
        new SchemeId("int8", 1),
        OptionValues.of(8, true, Granularity.CHANNEL),
        Encoding.affine(
            Part.perElement(Part.CODES, ElementType.INT8), Part.perRow(Part.SCALE, type)));
  }

  /**
   * A weight of small integer codes with a zero point.
   *
   * @param layer the module path of a linear layer
   * @param bits the bits of a code, 2 to 8
   * @param granularity how many values share a scale and a zero point
   * @param rows the number of rows
   * @param cols the number of columns
   * @return the FLOAT32 weight, under the id of its width, such as {@code int4@1}
   */
  public static EncodedWeight integer(
      String layer, int bits, Granularity granularity, long rows, long cols) {
    TensorInfo tensor =
        new TensorInfo(layer + ".weight", ElementType.FLOAT32, TensorShape.of(rows, cols));
    ElementType code = ElementType.code(bits, true);
    return new EncodedWeight(
        new WeightMatrix(layer, LayerKind.LINEAR, "weight", tensor, 0),
        new SchemeId("int" + bits, 1),
        OptionValues.of(bits, false, granularity),
        Encoding.affine(
            Part.perElement(Part.CODES, code),
            shared(Part.SCALE, ElementType.FLOAT32, granularity),
            shared(Part.ZERO_POINT, code, granularity)));
  }

  private static Part shared(String name, ElementType type, Granularity granularity) {
    if (granularity instanceof Granularity.PerGroup group) {
      return Part.perGroup(name, type, group.size());
    }
    return granularity.equals(Granularity.TENSOR)
        ? Part.perTensor(name, type)
        : Part.perRow(name, type);
  }

  /** {@return two weights that most formats support, with an even and an odd number of columns} */
  public static List<EncodedWeight> ordinary() {
    return List.of(
        int8("encoder.0.fc", ElementType.FLOAT32, 6, 16),
        int8("encoder.1.fc", ElementType.BFLOAT16, 5, 7));
  }

  /**
   * {@return the ordinary weights, and weights with codes of 3 and 4 bits and zero points for each
   * group, each row and the tensor}
   */
  public static List<EncodedWeight> varied() {
    List<EncodedWeight> all = new ArrayList<>(ordinary());
    all.add(integer("encoder.2.fc", 4, Granularity.group(4), 5, 12));
    all.add(integer("encoder.3.fc", 4, Granularity.CHANNEL, 3, 7));
    all.add(integer("encoder.4.fc", 3, Granularity.TENSOR, 3, 5));
    return all;
  }

  /**
   * {@return weights whose parts have all shapes of an encoding: blocks of rows and columns, groups
   * within groups, FP8 scales, codebooks for the tensor and for each row, and codes of two widths}
   */
  public static List<EncodedWeight> shapes() {
    Part codes = Part.perElement(Part.CODES, ElementType.UINT4);
    Part codebook = new Part("codebook", ElementType.FLOAT32, new Part.Whole(TensorShape.of(16)));
    return List.of(
        shaped("blocks", codes, Part.perBlock(Part.SCALE, ElementType.FLOAT32, 2, 4)),
        shaped(
            "super",
            codes,
            Part.perGroup("sub_scale", ElementType.UINT6, 2),
            Part.perGroup("super_scale", ElementType.FLOAT16, 8)),
        shaped(
            "levels",
            codes,
            Part.perGroup(Part.SCALE, ElementType.FLOAT8_E4M3, 4),
            Part.perTensor("global_scale", ElementType.FLOAT32)),
        shaped("codebook", codes, codebook),
        shaped("rows", codes, Part.runPerRow("codebook", ElementType.BFLOAT16, 5)),
        shaped(
            "widths",
            Part.perElement("codes_high", ElementType.INT4),
            Part.perElement("codes_low", ElementType.UINT3),
            Part.perRow(Part.SCALE, ElementType.FLOAT32)));
  }

  private static EncodedWeight shaped(String name, Part... parts) {
    String layer = "shape." + name;
    TensorInfo tensor =
        new TensorInfo(layer + ".weight", ElementType.FLOAT32, TensorShape.of(5, 11));
    return new EncodedWeight(
        new WeightMatrix(layer, LayerKind.LINEAR, "weight", tensor, 0),
        new SchemeId("testkit/" + name, 1),
        OptionValues.of(4, true, Granularity.CHANNEL),
        Encoding.conventional(List.of(parts)));
  }

  /**
   * All parts of a weight, filled at random: codes in the range of their type, floats between 1 and
   * 2, otherwise any bits.
   *
   * @param weight the weight
   * @param seed any number; the same seed gives the same bytes
   * @return the whole weight as one tile
   */
  public static EncodedTile tile(EncodedWeight weight, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Map<String, byte[]> parts = new TreeMap<>();
    for (Part part : weight.encoding().parts()) {
      long cells = part.shape(weight.matrix().rowCount(), weight.matrix().columnCount()).elements();
      parts.put(part.name(), cells(part.type(), Math.toIntExact(cells), random));
    }
    return new EncodedTile(0, Math.toIntExact(weight.matrix().rowCount()), parts);
  }

  private static byte[] cells(ElementType type, int count, SplittableRandom random) {
    byte[] bytes = new byte[Math.multiplyExact(count, type.cellBytes())];
    if (type.isQuantizable()) {
      float[] floats = new float[count];
      for (int i = 0; i < count; i++) {
        floats[i] = (float) random.nextDouble(1, 2);
      }
      FloatBytes.narrow(type, floats, 0, count, bytes, 0);
    } else if (type.isCode()) {
      for (int i = 0; i < count; i++) {
        bytes[i] = (byte) random.nextInt(type.minCode(), type.maxCode() + 1);
      }
    } else {
      random.nextBytes(bytes);
      int unused = Byte.SIZE - Math.min(Byte.SIZE, type.bits());
      for (int i = 0; unused > 0 && i < count; i++) {
        bytes[i] = (byte) ((bytes[i] & 0xff) >>> unused);
      }
    }
    return bytes;
  }
}
