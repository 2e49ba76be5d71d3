package dev.monoquant.io.foreign;

import dev.monoquant.layout.Packing;
import dev.monoquant.layout.TensorPerPart;
import dev.monoquant.layout.TensorPerPart.Storage;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Formula.Factor;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * NVFP4 of ModelOpt: E2M1 codes with an E4M3 scale for each group of 16 inputs, and a scale for the
 * tensor. For a weight of (N, K) in a module M:
 *
 * <pre>
 * M.weight          U8      (N, K / 2)     two codes in a byte, the even column in the low bits
 * M.weight_scale    F8_E4M3 (N, K / 16)
 * M.weight_scale_2  F32     ()             a factor, the reciprocal of compressed-tensors' global scale
 *
 * weight[n][k] = code[n][k] * (weight_scale[n][k / 16] * weight_scale_2)
 * </pre>
 *
 * <p>A row of 16 elements:
 *
 * <pre>
 * codes   0.5 -6 0 1 ...        scale  1.5       global_scale  0.25
 *
 * M.weight          f1 20 ...
 * M.weight_scale    3c
 * M.weight_scale_2  00 00 80 3e
 * </pre>
 *
 * <p>Source: the ModelOpt converter of compressed-tensors, {@code converters/modelopt_nvfp4.py}.
 */
public final class ModelOptFp4 implements ForeignLayout {

  private static final String CODES = "weight";
  private static final String SCALE = "weight_scale";
  private static final String GLOBAL = "weight_scale_2";
  private static final String GLOBAL_PART = "global_scale";
  private static final int BITS = 4;
  private static final int GROUP = 16;

  /**
   * {@return whether a weight is written in this layout}
   *
   * @param weight the weight
   */
  public static boolean holds(EncodedWeight weight) {
    if (!(weight.encoding().formula() instanceof Formula.Affine affine)
        || affine.zeroPoint().isPresent()
        || affine.scales().size() != 2
        || affine.scales().stream().anyMatch(Factor::divides)) {
      return false;
    }
    Part scale = weight.encoding().part(affine.scales().get(0).part());
    Part global = weight.encoding().part(affine.scales().get(1).part());
    return weight.encoding().part(affine.codes()).type() == ElementType.FLOAT4
        && scale.type() == ElementType.FLOAT8_E4M3
        && scale.extent().equals(new Part.Grid(1, GROUP))
        && global.type() == ElementType.FLOAT32
        && global.extent().equals(new Part.Whole(TensorShape.of(1)))
        && weight.matrix().columnCount() % GROUP == 0;
  }

  /**
   * {@return the tensors of a weight}
   *
   * @param weight a weight that this layout {@link #holds}
   */
  public static WeightLayout layout(EncodedWeight weight) {
    Formula.Affine affine = (Formula.Affine) weight.encoding().formula();
    String module = weight.matrix().layer() + ".";
    return new ReshapedTensors(
        new TensorPerPart(
            weight.matrix(),
            weight.encoding(),
            part ->
                part.name().equals(affine.codes())
                    ? new Storage(module + CODES, Packing.BITS)
                    : new Storage(
                        module
                            + (part.name().equals(affine.scales().get(0).part()) ? SCALE : GLOBAL),
                        Packing.CELLS)),
        Map.of(module + GLOBAL, TensorShape.of()));
  }

  @Override
  public Optional<Stored> find(ForeignModule module) {
    TensorInfo codes = module.find(CODES).orElse(null);
    TensorInfo scales = module.find(SCALE).orElse(null);
    TensorInfo global = module.find(GLOBAL).orElse(null);
    if (codes == null
        || scales == null
        || global == null
        || codes.type() != ElementType.UINT8
        || scales.type() != ElementType.FLOAT8_E4M3
        || codes.shape().rank() != 2
        || scales.shape().rank() != 2) {
      return Optional.empty();
    }
    long outputs = codes.shape().dim(0);
    long inputs = codes.shape().dim(1) * 2;
    long groups = scales.shape().dim(1);
    module.require(SCALE, ElementType.FLOAT8_E4M3, outputs, groups);
    if (global.type() != ElementType.FLOAT32 || global.shape().elements() != 1) {
      throw module.fault(GLOBAL, "is " + global.type().wire() + " " + global.shape() + ", not F32");
    }
    long group = Groups.size(module, SCALE, inputs, groups);
    WeightMatrix matrix = module.matrix(module.declared().dtype(), outputs, inputs, CODES);
    Encoding encoding =
        new Encoding(
            List.of(
                Part.perElement(Part.CODES, ElementType.FLOAT4),
                Part.perGroup(Part.SCALE, ElementType.FLOAT8_E4M3, group),
                Part.perTensor(GLOBAL_PART, ElementType.FLOAT32)),
            new Formula.Affine(
                Part.CODES,
                List.of(Factor.times(Part.SCALE), Factor.times(GLOBAL_PART)),
                Optional.empty()));
    EncodedWeight weight =
        new EncodedWeight(
            matrix,
            new SchemeId("modelopt/nvfp4", 1),
            OptionValues.of(BITS, true, Granularity.group(Math.toIntExact(group))),
            encoding);
    TensorPerPart layout =
        new TensorPerPart(
            matrix,
            encoding,
            part ->
                switch (part.name()) {
                  case Part.CODES -> new Storage(module.tensor(CODES), Packing.BITS);
                  case Part.SCALE -> new Storage(module.tensor(SCALE), Packing.CELLS);
                  default -> new Storage(module.tensor(GLOBAL), Packing.CELLS);
                });
    return Optional.of(new Stored(weight, layout, List.of(CODES, SCALE, GLOBAL)));
  }
}
