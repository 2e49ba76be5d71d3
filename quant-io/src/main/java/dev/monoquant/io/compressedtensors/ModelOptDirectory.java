package dev.monoquant.io.compressedtensors;

import dev.monoquant.Problem;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.model.ModelConfig;
import dev.monoquant.io.foreign.ModelOptFp4;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputContents;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Directories of ModelOpt in NVFP4, {@link ModelOptFp4}, which vLLM, SGLang and TensorRT-LLM read:
 * weights only, in {@code hf_quant_config.json} and, with {@code quant_method}, in {@code
 * config.json}:
 *
 * <pre>
 * {"producer": {"name": "modelopt"},
 *  "quantization": {"exclude_modules": ["lm_head", ...], "group_size": 16,
 *                   "kv_cache_quant_algo": null, "quant_algo": "NVFP4"}}
 * </pre>
 */
final class ModelOptDirectory implements DirectoryFormat {

  private static final String ID = "modelopt";
  private static final String FILE = "hf_quant_config.json";
  private static final String SKIPPED = "exclude_modules";
  private static final int GROUP = 16;

  @Override
  public String id() {
    return ID;
  }

  @Override
  public Optional<String> refusal(EncodedWeight weight) {
    if (!ModelOptFp4.holds(weight)) {
      return Optional.of(
          "scheme "
              + weight.scheme()
              + " is not NVFP4 in groups of 16 with a global scale that is a factor, which is all"
              + " that format modelopt holds; convert a directory of NVFP4A16");
    }
    return weight.activations().isEmpty()
        ? Optional.empty()
        : Optional.of(
            "its inputs are to be quantized with scales of their own, and there are none");
  }

  @Override
  public WeightLayout layout(EncodedWeight weight) {
    return ModelOptFp4.layout(weight);
  }

  @Override
  public JsonValue.Obj config(DirectoryContents contents) {
    Map<String, JsonValue> json = new TreeMap<>();
    json.put("quant_method", JsonValue.of(ID));
    json.put("quant_algo", JsonValue.of("NVFP4"));
    json.put("kv_cache_quant_algo", JsonValue.Literal.NULL);
    json.put("group_size", JsonValue.Num.of(GROUP));
    json.put(SKIPPED, new JsonValue.Arr(contents.floats().stream().map(JsonValue::of).toList()));
    return new JsonValue.Obj(json);
  }

  @Override
  public Map<String, JsonValue> files(JsonValue.Obj config) {
    Map<String, JsonValue> quantization = new TreeMap<>(config.members());
    quantization.remove("quant_method");
    JsonValue producer = new JsonValue.Obj(Map.of("name", JsonValue.of(ID)));
    return Map.of(
        FILE,
        new JsonValue.Obj(
            Map.of("producer", producer, "quantization", new JsonValue.Obj(quantization))));
  }

  @Override
  public List<Problem> faults(JsonValue.Obj config, OutputContents contents) {
    return ModelConfig.quantization(config)
        .map(own -> SkippedModules.faults(own, SKIPPED, config, contents))
        .orElse(List.of());
  }
}
