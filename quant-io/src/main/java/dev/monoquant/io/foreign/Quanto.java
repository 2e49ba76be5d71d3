package dev.monoquant.io.foreign;

import dev.monoquant.layout.Packing;
import dev.monoquant.layout.TensorPerPart;
import dev.monoquant.layout.TensorPerPart.Storage;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The layout of optimum-quanto for codes of 8 bits: {@code qint8} and {@code qfloat8}. For a weight
 * of (N, K) in a module M:
 *
 * <pre>
 * M.weight._data   I8, F8_E4M3 or F8_E5M2 (N, K)
 * M.weight._scale  floats (N, 1), or () for the tensor
 *
 * weight[n][k] = data[n][k] * scale[n]       in the type of the scales
 * </pre>
 *
 * <p>What this does not do: {@code qint4} and {@code qint2} ({@code M.weight._data._data}) are not
 * decoded, since their tensors do not tell N and K apart.
 *
 * <p>Source: optimum-quanto 0.2.7, {@code tensor/qbytes.py}.
 */
final class Quanto implements ForeignLayout {

  private static final String CODES = "weight._data";
  private static final String PACKED = "weight._data._data";
  private static final String SCALE = "weight._scale";
  private static final Set<ElementType> TYPES =
      Set.of(ElementType.INT8, ElementType.FLOAT8_E4M3, ElementType.FLOAT8_E5M2);

  @Override
  public Optional<Stored> find(ForeignModule module) {
    if (module.find(PACKED).isPresent() && module.find(SCALE).isPresent()) {
      throw module.unsupported(
          "its quanto codes of 2 or 4 bits are not decoded, since the shape of the weight is not"
              + " stored; qint8 and qfloat8 are");
    }
    TensorInfo codes = module.find(CODES).orElse(null);
    TensorInfo scale = module.find(SCALE).orElse(null);
    if (codes == null
        || scale == null
        || !TYPES.contains(codes.type())
        || codes.shape().rank() != 2) {
      return Optional.empty();
    }
    long rows = codes.shape().dim(0);
    long columns = codes.shape().dim(1);
    ElementType type = Groups.floats(module, SCALE);
    boolean single = scale.shape().elements() == 1;
    if (!single) {
      module.require(SCALE, type, rows, 1);
    }
    WeightMatrix matrix = module.matrix(type, rows, columns, CODES);
    Encoding encoding =
        Encoding.affine(
            Part.perElement(Part.CODES, codes.type()),
            single ? Part.perTensor(Part.SCALE, type) : Part.perRow(Part.SCALE, type));
    String kind =
        switch (codes.type()) {
          case INT8 -> "qint8";
          case FLOAT8_E4M3 -> "qfloat8-e4m3";
          default -> "qfloat8-e5m2";
        };
    EncodedWeight weight =
        new EncodedWeight(
            matrix,
            new SchemeId("quanto/" + kind, 1),
            OptionValues.of(Byte.SIZE, true, single ? Granularity.TENSOR : Granularity.CHANNEL),
            encoding);
    TensorPerPart layout =
        new TensorPerPart(
            matrix,
            encoding,
            part ->
                new Storage(
                    module.tensor(part.name().equals(Part.CODES) ? CODES : SCALE), Packing.CELLS));
    return Optional.of(new Stored(weight, layout, List.of(CODES, SCALE)));
  }
}
