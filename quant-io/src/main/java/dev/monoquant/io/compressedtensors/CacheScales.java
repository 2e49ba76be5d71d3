package dev.monoquant.io.compressedtensors;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.ActivationQuantization;
import dev.monoquant.spi.ActivationQuantization.Dynamic;
import dev.monoquant.spi.ActivationQuantization.Strategy;
import dev.monoquant.tile.Part;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * The scales of the KV cache, for each attention layer A that has a cache:
 *
 * <pre>
 * A.k_scale  (1), 1.0 in the type of the weights
 * A.v_scale  (1), 1.0
 * </pre>
 *
 * <p>A holds {@code k_proj} and {@code v_proj}, or {@code kv_b_proj}, and is not in a vision or
 * audio tower, whose attention caches nothing. The scales are not measured. They are 1.0, the
 * default of loaders for absent scales; transformers warns if they are missing.
 *
 * <p>What this does not do: layers with one merged projection ({@code qkv_proj}) get no scales,
 * since loaders fail on them.
 */
final class CacheScales {

  private static final List<String> TYPICAL = List.of(".k_proj.weight", ".kv_b_proj.weight");

  private static final List<String> STORED =
      List.of(".k_scale", ".v_scale", ".q_scale", ".k_zero_point", ".v_zero_point");

  private CacheScales() {}

  /**
   * {@return the tensors and their bytes, in the shards of the projections}
   *
   * @param cache how keys and values are quantized
   * @param tensors the matrices of the model before quantization
   */
  static Map<TensorInfo, byte[]> of(
      Optional<ActivationQuantization> cache, List<TensorInfo> tensors) {
    Map<TensorInfo, byte[]> scales = new LinkedHashMap<>();
    boolean stored =
        cache.stream().anyMatch(c -> c.strategy() == Strategy.TENSOR && c.dynamic() == Dynamic.NO);
    if (!stored) {
      return scales;
    }
    Map<String, TensorInfo> byName = new TreeMap<>();
    tensors.forEach(t -> byName.put(t.name(), t));
    byName.forEach(
        (name, tensor) ->
            attention(name)
                .filter(layer -> hasValues(layer, byName.keySet()))
                .ifPresent(
                    layer -> {
                      scales.put(scale(layer + ".k_scale", tensor), one(tensor.type()));
                      scales.put(scale(layer + ".v_scale", tensor), one(tensor.type()));
                    }));
    return scales;
  }

  /**
   * {@return the names of the scales and zero points of keys and values among those of a model}
   *
   * @param names the tensors of a model whose keys and values are quantized
   */
  static Set<String> in(Set<String> names) {
    return names.stream()
        .filter(name -> STORED.stream().anyMatch(name::endsWith))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static Optional<String> attention(String tensor) {
    return TYPICAL.stream()
        .filter(tensor::endsWith)
        .map(ending -> tensor.substring(0, tensor.length() - ending.length()))
        .filter(layer -> !ModulePatterns.isInTower(layer))
        .findFirst();
  }

  private static boolean hasValues(String layer, Set<String> names) {
    return names.contains(layer + ".v_proj.weight") || names.contains(layer + ".kv_b_proj.weight");
  }

  private static TensorInfo scale(String name, TensorInfo projection) {
    return new TensorInfo(name, projection.type(), TensorShape.of(1), projection.shard());
  }

  private static byte[] one(ElementType type) {
    return Part.perTensor(Part.SCALE, type).toBytes(1);
  }
}
