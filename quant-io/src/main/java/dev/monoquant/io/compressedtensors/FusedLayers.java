package dev.monoquant.io.compressedtensors;

import dev.monoquant.model.Family;
import dev.monoquant.model.Layer;
import dev.monoquant.model.TensorInfo;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Finds the layers that vLLM and transformers fuse, by their names: those in {@code
 * packed_modules_mapping} and {@code stacked_params_mapping} of the models of vLLM 0.33, and the
 * experts of mixtures, which transformers 5.24 joins into one tensor and vLLM runs in one kernel.
 *
 * <p>All experts of a model are one family: transformers decodes the experts of all layers by one
 * group of the configuration. Gate and up of an expert are also a family. A quantized model in
 * transformers has no module that could hold an expert's matrix in float, so experts must be
 * quantized. Experts with names ({@code expert_0}) are modules in transformers: all of them may be
 * left unquantized.
 *
 * <p>What this does not do: it does not consider the architecture. For a loader that does not fuse
 * layers of such names, the families are stricter than needed.
 */
final class FusedLayers {

  private static final String WEIGHT = ".weight";

  /** Local names of fused layers in one module; the first row that fits applies. */
  private record Row(String parents, Set<String> names) {
    boolean fits(String parent) {
      return parents.isEmpty() || List.of(parents.split("\\|")).contains(parent);
    }
  }

  private static final List<Row> FUSED =
      List.of(
          // Whisper and similar models: the keys and values of the encoder have a separate input.
          new Row("encoder_attn|cross_attn", Set.of("k_proj", "v_proj")),
          new Row("second_sub_layer", Set.of("key_net", "value_net")),
          new Row("", Set.of("q_proj", "k_proj", "v_proj")),
          new Row("", Set.of("query", "key", "value")),
          new Row("", Set.of("wq", "wk", "wv")),
          new Row("", Set.of("query_net", "key_net", "value_net")),
          new Row("attn", Set.of("q", "k", "v")),
          new Row("", Set.of("q_a_proj", "kv_a_proj_with_mqa")),
          new Row("", Set.of("in_proj_qkv", "in_proj_z")),
          new Row("", Set.of("in_proj_b", "in_proj_a")),
          new Row("", Set.of("gate_proj", "up_proj")),
          new Row("", Set.of("gate_proj", "dense_h_to_4h")),
          new Row("", Set.of("w1", "w3")),
          new Row("", Set.of("c_fc_0", "c_fc_1")),
          new Row("", Set.of("fc11", "fc12")),
          new Row("", Set.of("fc1", "fc3")));

  /** Qwen: w2 is the gate of w1 if the output projection is named c_proj. */
  private static final Set<String> OF_QWEN = Set.of("w1", "w2");

  private static final String BACK_IN_QWEN = "c_proj";

  private static final String EXPERTS = "experts";

  private FusedLayers() {}

  /**
   * {@return the families of a model, in model order}
   *
   * @param tensors its weights and plain tensors
   */
  static List<Family> of(List<TensorInfo> tensors) {
    List<String> experts = new ArrayList<>();
    List<String> named = new ArrayList<>();
    for (TensorInfo tensor : tensors) {
      matrix(tensor).filter(layer -> mixture(layer).isPresent()).ifPresent(experts::add);
      matrix(tensor).filter(layer -> namedExperts(layer).isPresent()).ifPresent(named::add);
    }
    List<Family> families = new ArrayList<>();
    if (experts.size() > 1) {
      families.add(new Family(containers(experts, FusedLayers::mixture), experts, true));
    }
    if (named.size() > 1) {
      families.add(new Family(containers(named, FusedLayers::namedExperts), named, false));
    }
    families.addAll(merged(tensors));
    return families;
  }

  /**
   * {@return the families whose layers become one matrix, including gate and up of an expert}
   *
   * @param tensors its weights
   */
  static List<Family> merged(List<TensorInfo> tensors) {
    Map<String, Set<String>> modules = new LinkedHashMap<>();
    for (String layer : tensors.stream().flatMap(tensor -> matrix(tensor).stream()).toList()) {
      int dot = layer.lastIndexOf('.');
      modules
          .computeIfAbsent(layer.substring(0, Math.max(dot, 0)), k -> new LinkedHashSet<>())
          .add(layer.substring(dot + 1));
    }
    List<Family> families = new ArrayList<>();
    Map<Siblings, List<List<String>>> known = new HashMap<>();
    modules.forEach(
        (module, names) -> {
          String parent = module.substring(module.lastIndexOf('.') + 1);
          List<List<String>> fused =
              known.computeIfAbsent(new Siblings(parent, List.copyOf(names)), FusedLayers::fused);
          fused.forEach(local -> families.add(family(module, local)));
        });
    return families;
  }

  /**
   * The layers of a module, of which a model has few kinds.
   *
   * @param parent the last part of the name of the module
   * @param names the local names of the layers, in model order
   */
  private record Siblings(String parent, List<String> names) {}

  /**
   * {@return the families of a model whose experts stay in float}
   *
   * @param tensors its weights
   */
  static List<Family> withoutExperts(List<TensorInfo> tensors) {
    return merged(
        tensors.stream()
            .filter(t -> matrix(t).stream().noneMatch(m -> mixture(m).isPresent()))
            .toList());
  }

  /**
   * {@return the module that holds the experts of a layer, such as {@code
   * model.layers.0.mlp.experts}; empty if the layer is not in a numbered expert}
   *
   * @param layer the name of a layer
   */
  static Optional<String> mixture(String layer) {
    return mixture(layer, Layer::isNumber);
  }

  /** The same for experts such as {@code experts.expert_0}, of Switch Transformers and NLLB. */
  private static Optional<String> namedExperts(String layer) {
    return mixture(layer, part -> ModulePatterns.isExpert(part));
  }

  private static Optional<String> mixture(String layer, Predicate<String> isExpert) {
    // A plan asks for each of 100,000 layers several times; so the name is not split.
    for (int at = layer.indexOf(EXPERTS); at >= 0; at = layer.indexOf(EXPERTS, at + 1)) {
      int end = at + EXPERTS.length();
      boolean whole = (at == 0 || layer.charAt(at - 1) == '.') && layer.startsWith(".", end);
      int next = whole ? layer.indexOf('.', end + 1) : -1;
      if (next >= 0 && isExpert.test(layer.substring(end + 1, next))) {
        return Optional.of(layer.substring(0, end));
      }
    }
    return Optional.empty();
  }

  private static Optional<String> matrix(TensorInfo tensor) {
    String name = tensor.name();
    return tensor.shape().rank() == 2 && name.endsWith(WEIGHT) && tensor.type().isQuantizable()
        ? Optional.of(name.substring(0, name.length() - WEIGHT.length()))
        : Optional.empty();
  }

  /** The local names of each family of a module. */
  private static List<List<String>> fused(Siblings siblings) {
    List<String> names = siblings.names();
    if (names.size() < 2) {
      return List.of();
    }
    Set<String> left = new LinkedHashSet<>(names);
    List<List<String>> fused = new ArrayList<>();
    if (names.contains(BACK_IN_QWEN) && !names.contains("w3")) {
      take(OF_QWEN, left).ifPresent(fused::add);
    }
    for (Row row : FUSED) {
      if (row.fits(siblings.parent())) {
        take(row.names(), left).ifPresent(fused::add);
      }
    }
    return fused;
  }

  /** Removes the layers of a family, since a layer is in one family only. */
  private static Optional<List<String>> take(Set<String> fused, Set<String> left) {
    List<String> found = left.stream().filter(fused::contains).toList();
    if (found.size() < 2) {
      return Optional.empty();
    }
    found.forEach(left::remove);
    return Optional.of(found);
  }

  private static Family family(String module, List<String> local) {
    String prefix = module.isEmpty() ? "" : module + ".";
    return new Family(
        prefix + "(" + String.join("|", local) + ")",
        local.stream().map(name -> prefix + name).toList(),
        false);
  }

  /** Such as {@code model.layers.*.mlp.experts.*}. */
  private static String containers(
      List<String> experts, Function<String, Optional<String>> mixture) {
    return experts.stream()
        .flatMap(layer -> mixture.apply(layer).stream())
        .distinct()
        .map(
            name ->
                Arrays.stream(name.split("\\.", -1))
                    .map(part -> Layer.isNumber(part) ? "*" : part)
                    .collect(Collectors.joining(".", "", ".*")))
        .distinct()
        .collect(Collectors.joining(", "));
  }
}
