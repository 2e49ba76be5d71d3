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
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Formula.Factor;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.util.List;
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
 * <p>Source: the ModelOpt converter of compressed-tensors, {@code converters/modelopt_nvfp4.py}.
 */
final class ModelOptFp4 implements ForeignLayout {

  private static final String CODES = "weight";
  private static final String SCALE = "weight_scale";
  private static final String GLOBAL = "weight_scale_2";
  private static final String GLOBAL_PART = "global_scale";
  private static final int BITS = 4;

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
