package dev.monoquant.io.foreign;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.layout.Packing;
import dev.monoquant.layout.TensorPerPart;
import dev.monoquant.layout.TensorPerPart.Storage;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.util.List;
import java.util.Optional;

/**
 * MXFP4 of gpt-oss: all experts of a layer in one weight, E2M1 codes with a power of two for each
 * 32 inputs. For E experts with N outputs and K inputs in a weight W:
 *
 * <pre>
 * W_blocks  U8 (E, N, K / 32, 16)   two codes in a byte, the even input in the low bits
 * W_scales  U8 (E, N, K / 32)       exponents with bias 127 (E8M0)
 *
 * weight[e][k][n] = code[e][n][k] * 2^(scale[e][n][k / 32] - 127)
 * </pre>
 *
 * <p>The float weight is W of (E, K, N), as transformers loads it: its rows are the outputs on axis
 * 2, its columns the inputs of one expert after the other. Outputs of gate and up alternate, in
 * both forms. Biases are floats.
 *
 * <p>Two experts with two outputs and 32 inputs:
 *
 * <pre>
 *                 columns 0 to 31 (expert 0)           32 to 63 (expert 1)
 * row 0           blocks[0][0][0]  scales[0][0][0]     blocks[1][0][0]  scales[1][0][0]
 * row 1           blocks[0][1][0]  scales[0][1][0]     blocks[1][1][0]  scales[1][1][0]
 * </pre>
 *
 * <p>What this does not do: it does not split the experts.
 *
 * <p>Source: transformers, {@code integrations/mxfp4.py}.
 */
final class Mxfp4Experts implements ForeignLayout {

  /** Suffixes of a weight's name, not separated by a dot. */
  static final List<String> SUFFIXES = List.of("_blocks", "_scales");

  private static final String BLOCKS = SUFFIXES.get(0);
  private static final String SCALES = SUFFIXES.get(1);

  /** The local name of a float weight in the module that its suffixes make. */
  static final String PLAIN = "_";

  private static final String DECLARED = "mxfp4";
  private static final int GROUP = 32;
  private static final int BITS = 4;

  @Override
  public Optional<Stored> find(ForeignModule module) {
    TensorInfo blocks = module.find(BLOCKS).orElse(null);
    boolean declared = module.declared().method().equals(DECLARED);
    if (blocks == null
        || blocks.type() != ElementType.UINT8
        || blocks.shape().rank() != 4
        || (module.find(SCALES).isEmpty() && !declared)) {
      return Optional.empty();
    }
    long experts = blocks.shape().dim(0);
    long outputs = blocks.shape().dim(1);
    long groups = blocks.shape().dim(2);
    module.require(BLOCKS, ElementType.UINT8, experts, outputs, groups, GROUP / 2);
    module.require(SCALES, ElementType.UINT8, experts, outputs, groups);
    WeightMatrix matrix = matrix(module, experts, outputs, groups * GROUP);
    Encoding encoding =
        Encoding.affine(
            Part.perElement(Part.CODES, ElementType.FLOAT4),
            Part.perGroup(Part.SCALE, ElementType.FLOAT8_E8M0, GROUP));
    EncodedWeight weight =
        new EncodedWeight(
            matrix,
            new SchemeId("gpt-oss/mxfp4", 1),
            OptionValues.of(BITS, true, Granularity.group(GROUP)),
            encoding);
    TensorInfo stacked =
        new TensorInfo(
            module.name(),
            matrix.tensor().type(),
            TensorShape.of(experts * outputs, groups * GROUP),
            matrix.tensor().shard());
    WeightLayout each =
        new TensorPerPart(
            new WeightMatrix(matrix.layer(), matrix.kind(), matrix.param(), stacked, 0),
            encoding,
            part ->
                part.name().equals(Part.CODES)
                    ? new Storage(module.tensor(BLOCKS), Packing.BITS)
                    : new Storage(module.tensor(SCALES), Packing.CELLS));
    WeightLayout layout = new SideBySide(each, outputs, Math.toIntExact(experts));
    return Optional.of(new Stored(weight, layout, List.of(BLOCKS, SCALES)));
  }

  private static WeightMatrix matrix(
      ForeignModule module, long experts, long outputs, long inputs) {
    if (experts < 1 || outputs < 1 || inputs < 1 || outputs > Integer.MAX_VALUE) {
      throw module.fault(
          BLOCKS, "stands for " + experts + " experts of " + outputs + " x " + inputs + " numbers");
    }
    TensorShape shape = TensorShape.of(experts, inputs, outputs);
    if (shape.elements() / outputs > Integer.MAX_VALUE) {
      throw module.fault(BLOCKS, "stands for " + experts + " experts of " + inputs + " inputs");
    }
    if (module.find(PLAIN).isPresent()) {
      throw module.fault(
          BLOCKS, "stands beside " + quote(module.name()) + "; only one can be meant");
    }
    String shard = module.find(BLOCKS).orElseThrow().shard();
    TensorInfo info = new TensorInfo(module.name(), module.declared().dtype(), shape, shard);
    int dot = module.name().lastIndexOf('.');
    return new WeightMatrix(
        dot < 0 ? "" : module.name().substring(0, dot),
        LayerKind.UNKNOWN,
        module.name().substring(dot + 1),
        info,
        2);
  }
}
