package dev.monoquant.io.foreign;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.model.ModelFiles;
import dev.monoquant.files.model.ModelFiles.Located;
import dev.monoquant.files.model.ModuleNames;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The weights that other projects quantized, recognised by their tensors.
 *
 * <p>What this does not do: it decodes only the layouts in {@link #LAYOUTS}; other tensors stay
 * plain, and the framework refuses to quantize them. If a variant of a known layout is not decoded,
 * no weight is decoded, and a note says why. Time is linear in the number of tensors.
 *
 * @param weights the weights and their layouts, in model order
 * @param parts the names of their tensors
 * @param described the names of side files that describe only these weights
 * @param notes the decisions made, one sentence each
 */
public record ForeignWeights(
    Map<EncodedWeight, WeightLayout> weights,
    Set<String> parts,
    Set<String> described,
    List<String> notes) {

  private static final ForeignWeights NONE =
      new ForeignWeights(Map.of(), Set.of(), Set.of(), List.of());

  private static final List<ForeignLayout> LAYOUTS =
      List.of(
          new Gptq(),
          new Awq(),
          new ModelOptFp4(),
          new Fp8(),
          new BitsAndBytes(),
          new Mxfp4Experts(),
          new Mlx(),
          new Quanto());

  /** Local names of scales of activations and of the KV cache, which are not parts of a weight. */
  private static final Set<String> OF_ACTIVATIONS =
      Set.of(
          "input_scale",
          "output_scale",
          "k_scale",
          "v_scale",
          "q_scale",
          "act_scale",
          "scale_input");

  private static final Set<String> OF_CACHES = Set.of("k_scale", "v_scale", "q_scale", "kv_scale");

  /** The module of an attention without its projections. */
  private static final String INNER = ".attn";

  /** What tells ComfyUI that the FP8 weights of a model have scales. */
  private static final String SCALED_MARKER = "scaled_fp8";

  /** Factors of the inputs of a layer (AWQ of ModelOpt), which its weight is made for. */
  private static final String INPUT_FACTORS = "pre_quant_scale";

  /**
   * Finds the weights.
   *
   * @param files an open model
   * @param limits bounds on sizes and depths of the configuration files
   * @return the weights; none for a float model
   * @throws IOException if a configuration file cannot be read
   * @throws ModelFormatException if the tensors of a weight contradict each other
   */
  public static ForeignWeights find(ModelFiles files, ReadLimits limits) throws IOException {
    if (files.tensors().values().stream().noneMatch(t -> mayBeCodes(t.info().type()))) {
      return NONE;
    }
    DeclaredQuantization declared = DeclaredQuantization.read(files, limits);
    Map<EncodedWeight, WeightLayout> weights = new LinkedHashMap<>();
    Set<String> parts = new LinkedHashSet<>();
    int activations = 0;
    try {
      for (ForeignModule module : modules(files, declared)) {
        Optional<ForeignLayout.Stored> found =
            LAYOUTS.stream().flatMap(layout -> layout.find(module).stream()).findFirst();
        if (found.isPresent()) {
          if (module.find(INPUT_FACTORS).isPresent()) {
            throw module.unsupported(
                "its inputs are multiplied by " + INPUT_FACTORS + ", which float layers do not do");
          }
          weights.put(found.get().weight(), found.get().layout());
          found.get().parameters().forEach(p -> parts.add(module.tensor(p)));
          for (String param : module.tensors().keySet()) {
            if (OF_ACTIVATIONS.contains(param) && parts.add(module.tensor(param))) {
              activations++;
            }
          }
        }
      }
    } catch (ModelFormatException e) {
      if (e.reason() != Reason.UNSUPPORTED_TENSOR) {
        throw e;
      }
      return new ForeignWeights(
          Map.of(), Set.of(), Set.of(), List.of("no weight is decoded: " + e.getMessage()));
    }
    activations += addScalesOfCaches(files, weights.keySet(), parts);
    List<String> notes = new ArrayList<>();
    if (activations > 0) {
      notes.add(
          "left out: "
              + activations
              + (activations == 1 ? " scale" : " scales")
              + " of activations, which floats need not");
    }
    for (String name : files.tensors().keySet()) {
      boolean marker = name.equals(SCALED_MARKER) || name.endsWith("." + SCALED_MARKER);
      if (marker && !weights.isEmpty() && parts.add(name)) {
        notes.add("left out: " + quote(name) + ", which says that weights have scales");
      }
    }
    Fp8.otherBlocks(weights.keySet(), declared).ifPresent(notes::add);
    return new ForeignWeights(
        weights, parts, weights.isEmpty() ? Set.of() : DeclaredQuantization.FILES, notes);
  }

  /**
   * Adds the scales of keys and values that lie beside the projections of an attention, not in one:
   * {@code self_attn.k_scale}, {@code self_attn.attn.k_scale}. A model without quantized
   * projections there keeps a tensor of that name.
   *
   * @return how many were added
   */
  private static int addScalesOfCaches(
      ModelFiles files, Set<EncodedWeight> weights, Set<String> parts) {
    Set<String> attentions = new HashSet<>();
    weights.forEach(w -> attentions.add(ModuleNames.module(w.matrix().layer())));
    int added = 0;
    for (Located located : files.tensors().values()) {
      TensorInfo tensor = located.info();
      String name = tensor.name();
      String holder = ModuleNames.module(name);
      boolean beside =
          attentions.contains(holder)
              || (holder.endsWith(INNER) && attentions.contains(ModuleNames.module(holder)));
      boolean ofCache =
          tensor.shape().elements() == 1 && OF_CACHES.contains(ModuleNames.local(name));
      if (ofCache && beside && parts.add(name)) {
        added++;
      }
    }
    return added;
  }

  /** Whether codes have such a type: no float of 16 bits or more, and no position or count. */
  private static boolean mayBeCodes(ElementType type) {
    return !type.isQuantizable() && type != ElementType.INT64;
  }

  /** The modules that hold a tensor of codes, in model order. */
  private static List<ForeignModule> modules(ModelFiles files, DeclaredQuantization declared) {
    Map<String, Map<String, Located>> modules = new LinkedHashMap<>();
    Set<String> quantized = new LinkedHashSet<>();
    files
        .tensors()
        .forEach(
            (name, located) -> {
              // bitsandbytes adds the parts of a weight to its name: fc.weight.absmax
              int weight = name.lastIndexOf(".weight.");
              int dot = weight >= 0 ? weight : name.lastIndexOf('.');
              int end = Math.max(dot, 0);
              String local = name.substring(dot + 1);
              // gpt-oss appends the parts of a weight to its name: experts.down_proj_blocks
              for (String suffix : Mxfp4Experts.SUFFIXES) {
                if (name.endsWith(suffix)) {
                  end = name.length() - suffix.length();
                  local = suffix;
                }
              }
              String module = name.substring(0, end);
              modules.computeIfAbsent(module, m -> new LinkedHashMap<>()).put(local, located);
              if (mayBeCodes(located.info().type())) {
                quantized.add(module);
              }
            });
    for (String module : quantized) {
      Located plain = files.tensors().get(module);
      if (plain != null) {
        modules.getOrDefault(module, new LinkedHashMap<>()).put(Mxfp4Experts.PLAIN, plain);
      }
    }
    return quantized.stream()
        .map(module -> new ForeignModule(module, modules.getOrDefault(module, Map.of()), declared))
        .toList();
  }
}
