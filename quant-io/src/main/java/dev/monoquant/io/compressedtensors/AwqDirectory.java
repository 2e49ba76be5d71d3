package dev.monoquant.io.compressedtensors;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.Problem;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.model.ModelConfig;
import dev.monoquant.io.foreign.Awq;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputContents;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;

/**
 * Directories of AWQ for the GEMM kernel, {@link Awq}, which vLLM, GPTQModel and transformers read:
 *
 * <pre>
 * {"bits": 4, "group_size": 128, "modules_to_not_convert": ["lm_head", ...], "quant_method": "awq",
 *  "version": "gemm", "zero_point": true}
 * </pre>
 *
 * <p>Symmetric weights have zero points of 8. vLLM takes an entry of the list for any part of a
 * name, so the audit refuses one that is a part of the name of a quantized module.
 */
final class AwqDirectory implements DirectoryFormat {

  private static final String ID = "awq";
  private static final String SKIPPED = "modules_to_not_convert";

  /** Codes in a word. */
  private static final int WORD = 8;

  @Override
  public String id() {
    return ID;
  }

  @Override
  public Optional<String> refusal(EncodedWeight weight) {
    OptionalLong group = Awq.group(weight);
    Optional<String> refusal = GroupedCodes.refusal(weight, group, ID, "4", WORD);
    if (refusal.isPresent()) {
      return refusal;
    }
    return GroupedCodes.affine(weight).groupIndex().isPresent()
        ? Optional.of("its groups are no runs of columns (activation order), which awq asks for")
        : Optional.empty();
  }

  @Override
  public WeightLayout layout(EncodedWeight weight) {
    return Awq.layout(weight);
  }

  @Override
  public JsonValue.Obj config(DirectoryContents contents) {
    GroupedCodes common = GroupedCodes.of(ID, contents.weights(), Awq::group);
    Map<String, JsonValue> json = new TreeMap<>();
    json.put("quant_method", JsonValue.of(ID));
    json.put("version", JsonValue.of("gemm"));
    json.put("bits", JsonValue.Num.of(common.bits()));
    json.put("group_size", JsonValue.Num.of(common.group()));
    json.put("zero_point", JsonValue.of(true));
    json.put(SKIPPED, SkippedModules.json(contents));
    return new JsonValue.Obj(json);
  }

  @Override
  public List<Problem> faults(JsonValue.Obj config, OutputContents contents) {
    Optional<JsonValue.Obj> own = ModelConfig.quantization(config);
    if (own.isEmpty()) {
      return List.of();
    }
    List<Problem> faults =
        new ArrayList<>(SkippedModules.faults(own.get(), SKIPPED, config, contents));
    if (own.get().find(SKIPPED).orElse(null) instanceof JsonValue.Arr array) {
      for (JsonValue item : array.items()) {
        String entry = item instanceof JsonValue.Str text ? text.value() : "";
        contents.weights().stream()
            .map(w -> w.matrix().layer())
            .filter(module -> module.contains(entry))
            .findFirst()
            .ifPresent(
                module ->
                    faults.add(
                        Problem.error(
                            ModelConfig.FILE,
                            quote(entry)
                                + " stays in float, and its name is a part of that of "
                                + quote(module)
                                + ", which vLLM would take for float too",
                            "Quantize both or none, or write gptq or compressed-tensors")));
      }
    }
    return faults;
  }
}
