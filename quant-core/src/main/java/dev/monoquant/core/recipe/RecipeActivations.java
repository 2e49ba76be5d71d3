package dev.monoquant.core.recipe;

import dev.monoquant.NumberType;
import dev.monoquant.QuantException;
import dev.monoquant.spi.ActivationQuantization;
import dev.monoquant.spi.ActivationQuantization.Dynamic;
import dev.monoquant.spi.ActivationQuantization.Strategy;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Reads and writes how activations are quantized: {@code input_activations} and {@code
 * kv_cache_scheme}, with the keys and defaults of compressed-tensors' QuantizationArgs.
 */
final class RecipeActivations {

  private static final Set<String> KEYS =
      Set.of("num_bits", "type", "symmetric", "strategy", "group_size", "dynamic");

  private static final String EXAMPLE =
      "{num_bits: 8, type: int, symmetric: true, strategy: token, dynamic: true}";

  private RecipeActivations() {}

  /** What a key says; empty if it is missing or null. */
  static Optional<ActivationQuantization> read(RecipeMap map, String key) {
    if (map.values().get(key) == null) {
      return Optional.empty();
    }
    RecipeMap given = map.map(key, key + ": " + EXAMPLE).orElseThrow();
    RecipeMap args = RecipeForeign.without(given, RecipeForeign.ACTIVATIONS).allow(KEYS);
    OptionalInt size = args.integer("group_size", "group_size: 128");
    Optional<Strategy> strategy =
        args.text("strategy", "strategy: token")
            .map(text -> args.checked("strategy", () -> Strategy.parse(text)));
    NumberType type =
        args.text("type", "type: int")
            .map(text -> args.checked("type", () -> NumberType.parse(text)))
            .orElse(NumberType.INT);
    int bits = args.integer("num_bits", "num_bits: 8").orElse(8);
    boolean symmetric = args.flag("symmetric", "symmetric: true").orElse(true);
    Dynamic dynamic = args.has("dynamic") ? dynamic(args) : Dynamic.NO;
    return Optional.of(
        map.checked(
            key,
            () ->
                new ActivationQuantization(
                    bits,
                    type,
                    strategy.orElse(size.isPresent() ? Strategy.GROUP : Strategy.TENSOR),
                    size,
                    symmetric,
                    dynamic)));
  }

  private static Dynamic dynamic(RecipeMap args) {
    String text = args.scalar("dynamic", "dynamic: true").orElseThrow();
    return switch (text) {
      case "true" -> Dynamic.YES;
      case "local" -> Dynamic.LOCAL;
      case "false" -> Dynamic.NO;
      default ->
          throw args.refusal(
              "dynamic",
              QuantException.quote(text)
                  + " is not known; allowed are true, false and local. Example: dynamic: true");
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
    return tree;
  }
}
