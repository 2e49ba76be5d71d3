package dev.monoquant.io.compressedtensors;

import dev.monoquant.ConfigurationException;
import dev.monoquant.Problem;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.model.ModelConfig;
import dev.monoquant.io.foreign.BitsAndBytes;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.ElementType;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputContents;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;

/**
 * Directories of bitsandbytes in NF4, {@link BitsAndBytes}, which transformers reads with the
 * library bitsandbytes:
 *
 * <pre>
 * {"_load_in_4bit": true, "_load_in_8bit": false, "bnb_4bit_compute_dtype": "bfloat16",
 *  "bnb_4bit_quant_storage": "uint8", "bnb_4bit_quant_type": "nf4",
 *  "bnb_4bit_use_double_quant": false, "llm_int8_skip_modules": ["lm_head", ...],
 *  "load_in_4bit": true, "load_in_8bit": false, "quant_method": "bitsandbytes"}
 * </pre>
 *
 * <p>Experts stay in float: they are no Linear layers in transformers.
 */
final class BitsAndBytesDirectory implements DirectoryFormat {

  private static final String ID = "bitsandbytes";
  private static final String SKIPPED = "llm_int8_skip_modules";

  @Override
  public String id() {
    return ID;
  }

  @Override
  public boolean holdsExperts() {
    return false;
  }

  @Override
  public Optional<String> refusal(EncodedWeight weight) {
    OptionalLong block = BitsAndBytes.block(weight);
    if (block.isEmpty()) {
      return Optional.of(
          "scheme "
              + weight.scheme()
              + " is not nf4, which is all that format bitsandbytes holds; choose --scheme nf4");
    }
    if (weight.matrix().columnCount() % block.getAsLong() != 0) {
      return Optional.of(
          "blocks of "
              + block.getAsLong()
              + " do not divide its "
              + weight.matrix().columnCount()
              + " inputs, and would cross rows");
    }
    if (FusedLayers.mixture(weight.matrix().layer()).isPresent()) {
      return Optional.of(
          "it is a matrix of an expert, which transformers does not read from bitsandbytes");
    }
    return weight.activations().isEmpty()
        ? Optional.empty()
        : Optional.of(
            "its inputs are to be quantized too, and format bitsandbytes holds weights only");
  }

  @Override
  public WeightLayout layout(EncodedWeight weight) {
    return BitsAndBytes.layout(weight);
  }

  @Override
  public JsonValue.Obj config(DirectoryContents contents) {
    List<Long> blocks =
        contents.weights().stream()
            .map(w -> BitsAndBytes.block(w).orElseThrow())
            .distinct()
            .toList();
    if (blocks.size() > 1) {
      throw new ConfigurationException(
          "format bitsandbytes has blocks of one size for all weights, and there are "
              + blocks.get(0)
              + " and "
              + blocks.get(1)
              + ". Choose one for all");
    }
    Map<String, JsonValue> json = new TreeMap<>();
    json.put("quant_method", JsonValue.of(ID));
    for (String prefix : List.of("", "_")) {
      json.put(prefix + "load_in_4bit", JsonValue.of(true));
      json.put(prefix + "load_in_8bit", JsonValue.of(false));
    }
    json.put("bnb_4bit_quant_type", JsonValue.of("nf4"));
    json.put("bnb_4bit_use_double_quant", JsonValue.of(false));
    json.put("bnb_4bit_quant_storage", JsonValue.of("uint8"));
    json.put("bnb_4bit_compute_dtype", JsonValue.of(compute(contents.weights())));
    json.put(SKIPPED, SkippedModules.json(contents));
    return new JsonValue.Obj(json);
  }

  private static String compute(List<EncodedWeight> weights) {
    ElementType type = weights.get(0).matrix().tensor().type();
    return type == ElementType.BFLOAT16
        ? "bfloat16"
        : type == ElementType.FLOAT16 ? "float16" : "float32";
  }

  @Override
  public List<Problem> faults(JsonValue.Obj config, OutputContents contents) {
    return ModelConfig.quantization(config)
        .map(own -> SkippedModules.faults(own, SKIPPED, config, contents))
        .orElse(List.of());
  }
}
