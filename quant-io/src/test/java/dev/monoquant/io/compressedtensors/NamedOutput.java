package dev.monoquant.io.compressedtensors;

import dev.monoquant.io.safetensors.ModelDirectoryFormat;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.testkit.contracts.OutputFormatContract;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Formula.Factor;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.util.List;
import java.util.Optional;

/** What directories in the layouts of other projects have in common, and weights for them. */
interface NamedOutput extends OutputFormatContract {

  static EncodedWeight weight(
      String layer, ElementType type, int rows, int columns, Encoding encoding) {
    TensorInfo tensor = new TensorInfo(layer + ".weight", type, TensorShape.of(rows, columns));
    return new EncodedWeight(
        new WeightMatrix(layer, LayerKind.LINEAR, "weight", tensor, 0),
        new SchemeId("any", 1),
        OptionValues.of(4, true, Granularity.CHANNEL),
        encoding);
  }

  static Encoding blocks(ElementType type, int rows, int columns) {
    return Encoding.affine(
        Part.perElement(Part.CODES, ElementType.FLOAT8_E4M3),
        Part.perBlock(Part.SCALE, type, rows, columns));
  }

  static Encoding integers(int bits, ElementType type, int group, boolean symmetric) {
    ElementType code = ElementType.code(bits, true);
    Part codes = Part.perElement(Part.CODES, code);
    Part scale = Part.perGroup(Part.SCALE, type, group);
    return symmetric
        ? Encoding.affine(codes, scale)
        : Encoding.affine(codes, scale, Part.perGroup(Part.ZERO_POINT, code, group));
  }

  static EncodedWeight nf4(String layer, ElementType type, int rows, int columns, int block) {
    EncodedWeight any =
        weight(
            layer,
            type,
            rows,
            columns,
            new Encoding(
                List.of(
                    Part.perElement(Part.CODES, ElementType.UINT4),
                    Part.perGroup(Part.SCALE, ElementType.FLOAT32, block),
                    new Part("table", ElementType.FLOAT32, new Part.Whole(TensorShape.of(16)))),
                new Formula.Lookup(Part.CODES, "table", List.of(Factor.times(Part.SCALE)))));
    return new EncodedWeight(any.matrix(), new SchemeId("nf4", 1), any.options(), any.encoding());
  }

  static EncodedWeight nvfp4(String layer, ElementType type, int rows, int columns) {
    return weight(
        layer,
        type,
        rows,
        columns,
        new Encoding(
            List.of(
                Part.perElement(Part.CODES, ElementType.FLOAT4),
                Part.perGroup(Part.SCALE, ElementType.FLOAT8_E4M3, 16),
                Part.perTensor("global_scale", ElementType.FLOAT32)),
            new Formula.Affine(
                Part.CODES,
                List.of(Factor.times(Part.SCALE), Factor.times("global_scale")),
                Optional.empty())));
  }

  @Override
  default String targetName() {
    return "out";
  }

  @Override
  default boolean isChosenByName() {
    return false;
  }

  @Override
  default Optional<InputFormatDetector> reader() {
    return Optional.of(new ModelDirectoryFormat());
  }

  @Override
  default boolean resumes() {
    return true;
  }
}
