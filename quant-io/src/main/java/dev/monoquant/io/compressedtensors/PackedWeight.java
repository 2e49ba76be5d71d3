package dev.monoquant.io.compressedtensors;

import static java.util.Objects.requireNonNull;

import dev.monoquant.layout.Packing;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Part;
import java.util.Optional;

/**
 * A weight as the tensors of {@code pack-quantized}, see {@link CompressedTensorsOutput}.
 *
 * @param weight the weight
 * @param codes the part with the codes
 * @param scale the part with the scales
 * @param zeroPoint the part with the zero points; empty if it is symmetric
 * @param strategy how many numbers share a scale
 */
record PackedWeight(
    EncodedWeight weight, Part codes, Part scale, Optional<Part> zeroPoint, Strategy strategy) {

  static final String PACKED = "weight_packed";
  static final String SCALE = "weight_scale";
  static final String SHAPE = "weight_shape";
  static final String ZERO_POINT = "weight_zero_point";

  static PackedWeight of(EncodedWeight weight) {
    refusal(weight)
        .ifPresent(
            reason -> {
              throw new IllegalArgumentException(weight.name() + ": " + reason);
            });
    Formula.Affine affine = (Formula.Affine) weight.encoding().formula();
    Part codes = weight.encoding().part(affine.codes());
    Part scale = weight.encoding().part(affine.scales().get(0).part());
    Optional<Part> zeroPoint = affine.zeroPoint().map(weight.encoding()::part);
    return new PackedWeight(
        weight, codes, scale, zeroPoint, requireNonNull(Strategy.of(scale.extent())));
  }

  static Optional<String> refusal(EncodedWeight weight) {
    WeightMatrix rows = weight.matrix();
    if (!rows.kind().equals(LayerKind.LINEAR)) {
      return Optional.of(
          "the layer is of kind "
              + rows.kind()
              + "; compressed-tensors holds Linear layers only, all others stay in float. An output"
              + " named *.safetensors holds all kinds");
    }
    if (rows.layer().isEmpty()
        || !rows.param().equals("weight")
        || !weight.name().equals(rows.layer() + ".weight")) {
      return Optional.of(
          "compressed-tensors holds tensors named MODULE.weight only, this one is "
              + weight.name());
    }
    if (rows.tensor().shape().rank() != 2 || rows.rowAxis() != 0) {
      return Optional.of(
          "compressed-tensors holds weights (outputs, inputs) only, this one has shape "
              + rows.tensor().shape()
              + " with its outputs on axis "
              + rows.rowAxis());
    }
    if (rows.rowCount() == 0 || rows.columnCount() == 0) {
      return Optional.of("the weight is empty");
    }
    return encodingRefusal(weight);
  }

  private static Optional<String> encodingRefusal(EncodedWeight weight) {
    if (!(weight.encoding().formula() instanceof Formula.Affine affine)
        || affine.scales().size() != 1
        || affine.scales().get(0).divides()
        || !isSignedCode(weight.encoding().part(affine.codes()).type())) {
      return Optional.of(
          "scheme "
              + weight.scheme()
              + " is not made of signed integer codes of 2 to 8 bits, scales and zero points, which"
              + " is all that compressed-tensors can pack; write to safetensors instead");
    }
    ElementType codeType = weight.encoding().part(affine.codes()).type();
    Part scale = weight.encoding().part(affine.scales().get(0).part());
    Part zeroPoint = affine.zeroPoint().map(weight.encoding()::part).orElse(null);
    Strategy strategy = Strategy.of(scale.extent());
    if (strategy == null || !scale.type().isQuantizable()) {
      return Optional.of(
          "scales must be floats, one for the tensor, each row or each group of columns of a row");
    }
    if (strategy instanceof Strategy.Group group
        && weight.matrix().columnCount() % group.size() != 0) {
      return Optional.of(
          "groups of "
              + group.size()
              + " do not divide "
              + weight.matrix().columnCount()
              + " columns, which compressed-tensors asks for");
    }
    if (zeroPoint != null
        && (!zeroPoint.extent().equals(scale.extent()) || zeroPoint.type() != codeType)) {
      return Optional.of("zero points must be codes, one for each scale");
    }
    long scales = scale.shape(weight.matrix().rowCount(), weight.matrix().columnCount()).elements();
    if (zeroPoint != null && scales > Integer.MAX_VALUE / 8) {
      return Optional.of("there are too many zero points to pack, " + scales);
    }
    return Optional.empty();
  }

  private static boolean isSignedCode(ElementType type) {
    return type.isCode() && type.signed();
  }

  /** {@return bits of a code} */
  int bits() {
    return codes.type().bits();
  }

  /** {@return whether there is no zero point} */
  boolean symmetric() {
    return zeroPoint.isEmpty();
  }

  String module() {
    return weight.matrix().layer();
  }

  String name(String param) {
    return module() + "." + param;
  }

  String shard() {
    return weight.matrix().tensor().shard();
  }

  /** {@return how it lies in its tensors} */
  StoredWeight layout() {
    return new StoredWeight(weight, module(), Packing.WORDS, Packing.WORDS, shard());
  }
}
