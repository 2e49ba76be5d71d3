package dev.monoquant.io.compressedtensors;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.ActivationQuantization;
import dev.monoquant.spi.ActivationQuantization.Dynamic;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Part;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A quantized weight of a module in a directory.
 *
 * @param weight the weight
 * @param form the form of its tensors
 * @param arguments how it is quantized
 */
record ModuleWeight(EncodedWeight weight, Form form, WeightArguments arguments) {

  /**
   * {@return a weight with the form that holds it}
   *
   * @throws IllegalArgumentException if there is a {@link #refusal}
   */
  static ModuleWeight of(EncodedWeight weight) {
    refusal(weight)
        .ifPresent(
            reason -> {
              throw new IllegalArgumentException(weight.name() + ": " + reason);
            });
    Formula.Affine affine = (Formula.Affine) weight.encoding().formula();
    Form form = requireNonNull(form(weight, affine));
    ElementType codes = weight.encoding().part(affine.codes()).type();
    Part scale = weight.encoding().part(affine.scales().get(0).part());
    Strategy strategy = requireNonNull(Strategy.of(scale.extent()));
    return new ModuleWeight(
        weight,
        form,
        new WeightArguments(
            codes.bits(),
            codes.isSmallFloat(),
            affine.zeroPoint().isEmpty(),
            form == Form.NVFP4 ? new Strategy.TensorGroup(strategy.groupSize()) : strategy));
  }

  /** {@return why no form holds a weight; empty if one does} */
  static Optional<String> refusal(EncodedWeight weight) {
    if (weight.activations().filter(ModuleWeight::lacksScale).isPresent()) {
      return Optional.of(
          "the inputs of the layer are to be quantized with scales of their own (static or local),"
              + " and there are none");
    }
    ElementType type = weight.matrix().tensor().type();
    Optional<Float> scale = weight.activations().flatMap(ActivationQuantization::scale);
    if (scale.isPresent()
        && !(type.round(scale.get()) > 0 && Float.isFinite(type.round(scale.get())))) {
      return Optional.of(
          "the scale " + scale.get() + " of its inputs is beyond the range of " + type.wire());
    }
    return encodingRefusal(weight);
  }

  /**
   * {@return why a format holds no weights of a layer, however quantized; empty if it may}
   *
   * @param format the format
   * @param matrix the weight
   */
  static Optional<String> layerRefusal(DirectoryFormat format, WeightMatrix matrix) {
    boolean table = matrix.kind().equals(LayerKind.EMBEDDING) && format.holdsTables();
    if (!table && !matrix.kind().equals(LayerKind.LINEAR)) {
      return Optional.of(
          "the layer is of kind "
              + matrix.kind()
              + "; "
              + format.id()
              + (format.holdsTables()
                  ? " holds Linear layers and word embeddings only"
                  : " holds Linear layers only")
              + ", all others stay in float. An output"
              + " named *.safetensors holds all kinds");
    }
    if (matrix.layer().isEmpty()
        || !matrix.param().equals("weight")
        || !matrix.tensor().name().equals(matrix.layer() + ".weight")) {
      return Optional.of(
          format.id()
              + " holds tensors named MODULE.weight only, this one is "
              + matrix.tensor().name());
    }
    if (matrix.tensor().shape().rank() != 2 || matrix.rowAxis() != 0) {
      return Optional.of(
          format.id()
              + " holds weights (outputs, inputs) only, this one has shape "
              + matrix.tensor().shape()
              + " with its outputs on axis "
              + matrix.rowAxis());
    }
    if (matrix.rowCount() == 0 || matrix.columnCount() == 0) {
      return Optional.of("the weight is empty");
    }
    return Optional.empty();
  }

  private static boolean lacksScale(ActivationQuantization inputs) {
    return inputs.dynamic() != Dynamic.YES && inputs.scale().isEmpty();
  }

  private static Optional<String> encodingRefusal(EncodedWeight weight) {
    if (weight.encoding().groupIndex().isPresent()) {
      return Optional.of(
          "its columns are quantized in activation order (a group index), which compressed-tensors"
              + " reads no longer (actorder group)");
    }
    if (!(weight.encoding().formula() instanceof Formula.Affine affine)
        || form(weight, affine) == null) {
      return Optional.of(
          "scheme "
              + weight.scheme()
              + " is not made of signed integer codes of 2 to 8 bits, scales and zero points, nor of"
              + " FP8 (E4M3), MXFP4, MXFP8 or NVFP4, which is all that compressed-tensors can hold;"
              + " write to safetensors instead");
    }
    Part codes = weight.encoding().part(affine.codes());
    Part scale = weight.encoding().part(affine.scales().get(0).part());
    Strategy strategy = Strategy.of(scale.extent());
    if (strategy == null || (codes.type().isCode() && strategy instanceof Strategy.Block)) {
      return Optional.of(
          "scales must be floats, one for the tensor, each row or each group of columns of a row"
              + (codes.type().isCode() ? "" : ", or each block"));
    }
    int group = strategy.groupSize();
    if (group > 0 && weight.matrix().columnCount() % group != 0) {
      return Optional.of(
          "groups of "
              + group
              + " do not divide "
              + weight.matrix().columnCount()
              + " columns, which compressed-tensors asks for");
    }
    Part zeroPoint = affine.zeroPoint().map(weight.encoding()::part).orElse(null);
    if (zeroPoint != null
        && (!zeroPoint.extent().equals(scale.extent()) || zeroPoint.type() != codes.type())) {
      return Optional.of("zero points must be codes, one for each scale");
    }
    long scales = scale.shape(weight.matrix().rowCount(), weight.matrix().columnCount()).elements();
    if (zeroPoint != null && scales > Integer.MAX_VALUE / 8) {
      return Optional.of("there are too many zero points to pack, " + scales);
    }
    return Optional.empty();
  }

  /** {@return the form for such codes and scales; null if there is none} */
  private static @Nullable Form form(EncodedWeight weight, Formula.Affine affine) {
    ElementType codes = weight.encoding().part(affine.codes()).type();
    Formula.Factor first = affine.scales().get(0);
    Part scale = weight.encoding().part(first.part());
    if (first.divides()
        || (codes.isSmallFloat() && affine.zeroPoint().isPresent())
        || !affine.minimums().isEmpty()
        || affine.arithmetic() != ElementType.FLOAT32) {
      return null;
    }
    boolean grouped = Strategy.of(scale.extent()) instanceof Strategy.Group;
    if (affine.scales().size() == 2) {
      Formula.Factor second = affine.scales().get(1);
      Part global = weight.encoding().part(second.part());
      boolean nvfp4 =
          codes == ElementType.FLOAT4
              && grouped
              && scale.type() == ElementType.FLOAT8_E4M3
              && second.divides()
              && global.type() == ElementType.FLOAT32
              && Strategy.of(global.extent()) instanceof Strategy.Tensor;
      return nvfp4 ? Form.NVFP4 : null;
    }
    if (affine.scales().size() > 2) {
      return null;
    }
    if (scale.type() == ElementType.FLOAT8_E8M0 && grouped) {
      return codes == ElementType.FLOAT4
          ? Form.MXFP4
          : codes == ElementType.FLOAT8_E4M3 ? Form.MXFP8 : null;
    }
    if (!scale.type().isQuantizable()) {
      return null;
    }
    boolean alone = weight.activations().isEmpty();
    return codes.isCode() && codes.signed()
        ? alone ? Form.PACK : Form.INT
        : codes == ElementType.FLOAT8_E4M3 ? alone ? Form.NAIVE : Form.FLOAT : null;
  }

  /** {@return the {@code config.json} group of such weights} */
  ConfigGroup group(String name, List<String> targets) {
    return new ConfigGroup(name, targets, form, arguments, inputs());
  }

  /** {@return how the inputs are quantized, without the scale, which is a tensor} */
  Optional<ActivationQuantization> inputs() {
    return weight.activations().map(a -> a.withScale(Optional.empty()));
  }

  /** {@return whether this is a table of embeddings, not the weight of a Linear} */
  boolean isTable() {
    return weight.matrix().kind().equals(LayerKind.EMBEDDING);
  }

  String module() {
    return weight.matrix().layer();
  }

  String name(String param) {
    return module() + "." + param;
  }

  /** {@return its layout in its tensors} */
  StoredWeight layout() {
    return form.layout(weight);
  }
}
