package dev.monoquant.core.recipe;

import dev.monoquant.QuantException;
import dev.monoquant.model.NumberType;
import dev.monoquant.spi.ActivationQuantization;
import dev.monoquant.spi.ActivationQuantization.Dynamic;
import dev.monoquant.spi.ActivationQuantization.Strategy;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Reads and writes the quantization of activations: {@code input_activations} and {@code
 * kv_cache_scheme}, with the keys and defaults of compressed-tensors' QuantizationArgs. Types of
 * scales follow from the strategy; the observer of ranges has no effect, because nothing is
 * measured.
 */
final class RecipeActivations {

  private static final Set<String> KEYS =
      Set.of("num_bits", "type", "symmetric", "strategy", "group_size", "dynamic");

  /** The scale of inputs; those of keys and values are 1.0. */
  private static final String SCALE = "scale";

  /** Keys that compressed-tensors writes as null if they are not set. */
  private static final Set<String> NULLS = Set.of("type", "strategy", "group_size", "dynamic");

  private static final Set<String> TOLD =
      Set.of("observer", "observer_kwargs", "scale_dtype", "zp_dtype");

  private static final Set<String> OFF = Set.of("block_structure", "actorder");

  private static final String EXAMPLE =
      "{num_bits: 8, type: int, symmetric: true, strategy: token, dynamic: true}";

  private RecipeActivations() {}

  /** The value of a key; empty if it is missing or null. */
  static Optional<ActivationQuantization> read(RecipeMap map, String key) {
    return map.withoutNulls(Set.of(key))
        .map(key, key + ": " + EXAMPLE)
        .flatMap(
            given ->
                read(
                    map,
                    key,
                    RecipeForeign.off(given, OFF)
                        .without(TOLD)
                        .withoutNulls(NULLS)
                        .allow(keys(key))));
  }

  private static Set<String> keys(String key) {
    return key.equals(RecipeSettings.INPUTS)
        ? Stream.concat(KEYS.stream(), Stream.of(SCALE)).collect(Collectors.toSet())
        : KEYS;
  }

  private static Optional<ActivationQuantization> read(RecipeMap map, String key, RecipeMap args) {
    Optional<Float> scale =
        keys(key).contains(SCALE) && args.has(SCALE) ? scale(args) : Optional.empty();
    OptionalInt size = args.integer("group_size", "group_size: 128");
    Optional<String> strategy = args.text("strategy", "strategy: token");
    Optional<Strategy> parsed =
        strategy.flatMap(text -> args.checked("strategy", () -> Strategy.parse(text)));
    Optional<String> type = args.text("type", "type: int");
    Optional<NumberType> number =
        type.flatMap(text -> args.checked("type", () -> NumberType.parse(text)));
    int bits = args.integer("num_bits", "num_bits: 8").orElse(8);
    boolean symmetric = args.flag("symmetric", "symmetric: true").orElse(true);
    Dynamic dynamic = args.has("dynamic") ? dynamic(args) : Dynamic.NO;
    if (strategy.isPresent() != parsed.isPresent() || type.isPresent() != number.isPresent()) {
      return Optional.empty();
    }
    return map.checked(
        key,
        () ->
            new ActivationQuantization(
                bits,
                number.orElse(NumberType.INT),
                parsed.orElse(size.isPresent() ? Strategy.GROUP : Strategy.TENSOR),
                size,
                symmetric,
                dynamic,
                scale));
  }

  private static Optional<Float> scale(RecipeMap args) {
    String text = args.scalar(SCALE, "scale: 0.0125").orElse("");
    try {
      return Optional.of(Float.parseFloat(text));
    } catch (NumberFormatException e) {
      args.fault(SCALE, QuantException.quote(text) + " is no number. Example: scale: 0.0125");
      return Optional.empty();
    }
  }

  private static Dynamic dynamic(RecipeMap args) {
    String text = args.scalar("dynamic", "dynamic: true").orElse("true");
    return switch (text) {
      case "true" -> Dynamic.YES;
      case "local" -> Dynamic.LOCAL;
      case "false" -> Dynamic.NO;
      default -> {
        args.fault(
            "dynamic",
            QuantException.quote(text)
                + " is not known; allowed are true, false and local. Example: dynamic: true");
        yield Dynamic.YES;
      }
    };
  }

  /** The inverse of {@link #read}. */
  static Map<String, Object> write(ActivationQuantization args) {
    Map<String, Object> tree = new LinkedHashMap<>();
    tree.put("num_bits", args.bits());
    tree.put("type", args.type().wire());
    tree.put("symmetric", args.symmetric());
    tree.put("strategy", args.strategy().wire());
    args.groupSize().ifPresent(size -> tree.put("group_size", size));
    tree.put(
        "dynamic",
        args.dynamic() == Dynamic.LOCAL ? "local" : (Object) (args.dynamic() == Dynamic.YES));
    args.scale().ifPresent(scale -> tree.put(SCALE, scale));
    return tree;
  }
}
