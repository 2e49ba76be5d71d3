package dev.monoquant.io.compressedtensors;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.BoundedMatch;
import dev.monoquant.Problem;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.model.ModelConfig;
import dev.monoquant.io.foreign.Gptq;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputContents;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Directories of GPTQ, {@link Gptq}, which vLLM, GPTQModel and transformers read:
 *
 * <pre>
 * {"bits": 4, "checkpoint_format": "gptq", "desc_act": false, "group_size": 128, "lm_head": false,
 *  "pack_dtype": "int32", "quant_method": "gptq", "sym": true,
 *  "dynamic": {"-:(.*\.)?model\.layers\.0\.mlp\.gate$": {}},
 *  "modules_in_block_to_quantize": [["self_attn.q_proj"], ["mlp.down_proj"], ...]}
 * </pre>
 *
 * <p>The same stands in {@code quantize_config.json}. The last two are there if a Linear other than
 * the head stays in float: {@code dynamic} for GPTQModel and vLLM; the other for optimum, if the
 * names within a layer tell quantized ones from others, and no experts are quantized, which vLLM
 * would not find by it.
 *
 * @param format {@link Gptq#FIRST} or {@link Gptq#SECOND}, which is the checkpoint format too
 */
record GptqDirectory(String id, String format) implements DirectoryFormat {

  /** Codes along the inputs fill whole words, as do zero points along the outputs. */
  private static final int WORD = 32;

  private static final String FILE = "quantize_config.json";
  private static final String DYNAMIC = "dynamic";
  private static final String EXCEPT = "-:";

  @Override
  public Optional<String> refusal(EncodedWeight weight) {
    Optional<String> refusal =
        GroupedCodes.refusal(weight, Gptq.group(weight), id, "2, 3, 4 or 8", WORD);
    return refusal.isEmpty() && weight.matrix().columnCount() % WORD != 0
        ? Optional.of(
            "its "
                + weight.matrix().columnCount()
                + " inputs are no multiple of "
                + WORD
                + ", which format "
                + id
                + " asks for")
        : refusal;
  }

  @Override
  public WeightLayout layout(EncodedWeight weight) {
    return Gptq.layout(weight, format);
  }

  @Override
  public JsonValue.Obj config(DirectoryContents contents) {
    GroupedCodes common = GroupedCodes.of(id, contents.weights(), Gptq::group);
    boolean indexed =
        contents.weights().stream().anyMatch(w -> GroupedCodes.affine(w).groupIndex().isPresent());
    Map<String, JsonValue> json = new TreeMap<>();
    json.put("quant_method", JsonValue.of("gptq"));
    json.put("checkpoint_format", JsonValue.of(format));
    json.put("bits", JsonValue.Num.of(common.bits()));
    json.put("group_size", JsonValue.Num.of(common.group()));
    json.put("sym", JsonValue.of(common.symmetric()));
    json.put("desc_act", JsonValue.of(indexed));
    json.put("pack_dtype", JsonValue.of("int32"));
    json.put("lm_head", JsonValue.of(contents.hasPackedHead()));
    List<String> floats = floats(contents);
    if (!floats.isEmpty()) {
      Map<String, JsonValue> dynamic = new LinkedHashMap<>();
      contents
          .regexes(floats)
          .forEach(regex -> dynamic.put(EXCEPT + regex, new JsonValue.Obj(Map.of())));
      json.put(DYNAMIC, new JsonValue.Obj(dynamic));
      inBlock(contents.packed(), floats)
          .ifPresent(names -> json.put("modules_in_block_to_quantize", names));
    }
    return new JsonValue.Obj(json);
  }

  /** The matrices in float that loaders would quantize: no embeddings, and no head. */
  private static List<String> floats(DirectoryContents contents) {
    Set<String> embeddings =
        contents.contents().layers().stream()
            .filter(layer -> layer.kind().equals(LayerKind.EMBEDDING))
            .map(layer -> layer.name())
            .collect(Collectors.toSet());
    return contents.floats().stream()
        .filter(module -> !embeddings.contains(module) && !TiedHeads.isHead(module))
        .toList();
  }

  /** The names of quantized modules within a layer; empty if they do not tell them apart. */
  private static Optional<JsonValue> inBlock(List<String> packed, List<String> floats) {
    Set<String> names = new TreeSet<>();
    for (String module : packed) {
      if (FusedLayers.mixture(module).isPresent()) {
        return Optional.empty();
      }
      names.add(local(module));
    }
    if (floats.stream().anyMatch(module -> names.stream().anyMatch(module::endsWith))) {
      return Optional.empty();
    }
    return Optional.of(
        new JsonValue.Arr(
            names.stream()
                .map(name -> (JsonValue) new JsonValue.Arr(List.of(JsonValue.of(name))))
                .toList()));
  }

  /** The name after the first number. */
  private static String local(String module) {
    String[] parts = module.split("\\.", -1);
    for (int i = 0; i + 1 < parts.length; i++) {
      if (Layer.isNumber(parts[i])) {
        return String.join(".", List.of(parts).subList(i + 1, parts.length));
      }
    }
    return module;
  }

  @Override
  public Map<String, JsonValue> files(JsonValue.Obj config) {
    return Map.of(FILE, config);
  }

  @Override
  public List<Problem> faults(JsonValue.Obj config, OutputContents contents) {
    List<Pattern> except =
        ModelConfig.quantization(config)
            .flatMap(own -> own.find(DYNAMIC))
            .filter(JsonValue.Obj.class::isInstance)
            .map(own -> ((JsonValue.Obj) own).members().keySet())
            .orElse(Set.of())
            .stream()
            .map(key -> Pattern.compile(key.substring(EXCEPT.length())))
            .toList();
    DirectoryContents directory =
        new DirectoryContents(contents, Set.of(), LoaderNames.of(new ModelConfig(config)));
    List<Problem> faults = new ArrayList<>();
    for (String module : directory.packed()) {
      if (matches(except, module)) {
        faults.add(fault(module, "is quantized, and is not read so"));
      }
    }
    for (String module : floats(directory)) {
      if (!matches(except, module)) {
        faults.add(fault(module, "is in float, and is taken for quantized"));
      }
    }
    return faults;
  }

  private static boolean matches(List<Pattern> patterns, String module) {
    return patterns.stream()
        .anyMatch(
            pattern -> {
              try {
                return BoundedMatch.atStart(pattern, module);
              } catch (BoundedMatch.TooLong e) {
                throw new IllegalArgumentException(pattern + " takes too long on " + module, e);
              }
            });
  }

  private static Problem fault(String module, String what) {
    return Problem.error(
        ModelConfig.FILE,
        quote(module) + ": " + what,
        "Loaders would read it wrongly; quantize these layers alike, or write compressed-tensors");
  }
}
