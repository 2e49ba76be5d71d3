package dev.monoquant.io.compressedtensors;

import dev.monoquant.ConfigurationException;
import dev.monoquant.Problem;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.model.ModelConfig;
import dev.monoquant.io.foreign.Fp8;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.NumberType;
import dev.monoquant.spi.ActivationQuantization;
import dev.monoquant.spi.ActivationQuantization.Dynamic;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.tile.Granularity;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Directories in the layout of DeepSeek V3, {@link Fp8}, which vLLM and transformers read as {@code
 * quant_method: fp8}:
 *
 * <pre>
 * {"activation_scheme": "dynamic", "fmt": "e4m3", "quant_method": "fp8",
 *  "weight_block_size": [128, 128], "modules_to_not_convert": ["lm_head", ...]}
 * </pre>
 *
 * <p>All weights have blocks of one size, which divides their sides or covers them: transformers
 * derives the block from the number of scales.
 */
final class Fp8Directory implements DirectoryFormat {

  private static final String ID = "fp8";
  private static final String SKIPPED = "modules_to_not_convert";

  @Override
  public String id() {
    return ID;
  }

  @Override
  public Optional<String> refusal(EncodedWeight weight) {
    Optional<Granularity.PerBlock> block = Fp8.block(weight);
    if (block.isEmpty()) {
      return Optional.of(
          "scheme "
              + weight.scheme()
              + " per "
              + weight.options().granularity().wire()
              + " is not FP8 (E4M3) with a scale for each block, which is all that format fp8 holds;"
              + " choose --scheme FP8_BLOCK");
    }
    long rows = weight.matrix().rowCount();
    long columns = weight.matrix().columnCount();
    if (!divides(block.get().rows(), rows) || !divides(block.get().cols(), columns)) {
      return Optional.of(
          "blocks of "
              + block.get().rows()
              + " x "
              + block.get().cols()
              + " do not divide its "
              + rows
              + " x "
              + columns
              + " numbers, which transformers asks for");
    }
    return weight.activations().stream().allMatch(a -> fits(a, block.get()))
        ? Optional.empty()
        : Optional.of(
            "its inputs are to be quantized in another way than FP8 in dynamic groups of "
                + block.get().cols()
                + ", which loaders of fp8 do");
  }

  private static boolean divides(int block, long side) {
    return side % block == 0 || side < block;
  }

  private static boolean fits(ActivationQuantization inputs, Granularity.PerBlock block) {
    return inputs.bits() == Byte.SIZE
        && inputs.type() == NumberType.FLOAT
        && inputs.dynamic() == Dynamic.YES
        && inputs.strategy() == ActivationQuantization.Strategy.GROUP
        && inputs.groupSize().orElse(0) == block.cols();
  }

  @Override
  public WeightLayout layout(EncodedWeight weight) {
    return Fp8.layout(weight);
  }

  @Override
  public JsonValue.Obj config(DirectoryContents contents) {
    if (contents.contents().kvCache().isPresent()) {
      throw new ConfigurationException(
          "format fp8 cannot say how keys and values are quantized (kv_cache_scheme). Leave it out,"
              + " or choose --format compressed-tensors");
    }
    List<Granularity.PerBlock> blocks =
        contents.weights().stream().map(w -> Fp8.block(w).orElseThrow()).distinct().toList();
    if (blocks.size() > 1) {
      throw new ConfigurationException(
          "format fp8 has blocks of one size for all weights, and there are "
              + blocks.get(0).wire()
              + " and "
              + blocks.get(1).wire()
              + ". Choose one for all");
    }
    Map<String, JsonValue> json = new TreeMap<>();
    json.put("quant_method", JsonValue.of(ID));
    json.put("activation_scheme", JsonValue.of("dynamic"));
    json.put("fmt", JsonValue.of("e4m3"));
    json.put(
        "weight_block_size",
        new JsonValue.Arr(
            List.of(
                JsonValue.Num.of(blocks.get(0).rows()), JsonValue.Num.of(blocks.get(0).cols()))));
    json.put(SKIPPED, SkippedModules.json(contents));
    return new JsonValue.Obj(json);
  }

  @Override
  public List<String> notes(JsonValue.Obj root, OutputContents contents) {
    List<String> notes = new ArrayList<>();
    if (contents.weights().stream().anyMatch(w -> w.activations().isEmpty())) {
      notes.add(
          "loaders of fp8 with a GPU quantize the inputs of these layers while the model runs;"
              + " compressed-tensors can say that they do not");
    }
    return notes;
  }

  @Override
  public List<Problem> faults(JsonValue.Obj config, OutputContents contents) {
    return ModelConfig.quantization(config)
        .map(own -> SkippedModules.faults(own, SKIPPED, config, contents))
        .orElse(List.of());
  }
}
