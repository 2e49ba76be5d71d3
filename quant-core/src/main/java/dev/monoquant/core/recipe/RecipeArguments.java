package dev.monoquant.core.recipe;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantException;
import dev.monoquant.WeightSettings;
import dev.monoquant.model.NumberType;
import dev.monoquant.tile.Granularity;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;

/**
 * Reads {@code weights}: the QuantizationArgs of compressed-tensors, and the {@code options} of a
 * scheme.
 *
 * <p>All keys of QuantizationArgs are accepted. A type of scales selects a scheme ({@code
 * torch.uint8}: MX, {@code torch.float8_e4m3fn}: NVFP4). The observer of ranges is an option of the
 * scheme ({@code search}). The order of columns in which codes are chosen ({@code actorder}) has no
 * effect, because each code is chosen independently; an order that is also stored is a fault.
 */
final class RecipeArguments {

  private static final Set<String> KEYS =
      Set.of(
          "num_bits", "type", "symmetric", "strategy", "group_size", "block_structure", "options");

  /** Keys that compressed-tensors writes as null if they are not set. */
  private static final Set<String> NULLS =
      Set.of(
          "type",
          "strategy",
          "group_size",
          "block_structure",
          "dynamic",
          "actorder",
          "observer",
          "observer_kwargs",
          "scale_dtype",
          "zp_dtype");

  private static final Set<String> FOREIGN =
      Set.of("dynamic", "actorder", "observer", "observer_kwargs", "scale_dtype", "zp_dtype");

  /** Known strategies, for which a size that does not fit is the fault. */
  private static final Set<String> SIZED = Set.of("group", "channel", "tensor", "block");

  private static final String BLOCK = "Example: {strategy: block, block_structure: [128, 128]}";

  private RecipeArguments() {}

  static WeightSettings read(RecipeMap given) {
    RecipeMap args = given.withoutNulls(NULLS);
    RecipeMap map = args.without(FOREIGN).allow(KEYS);
    OptionalInt bits = map.integer("num_bits", "num_bits: 8");
    Optional<NumberType> type =
        map.text("type", "type: int").flatMap(t -> map.checked("type", () -> NumberType.parse(t)));
    Optional<Boolean> symmetric = map.flag("symmetric", "symmetric: true");
    Map<String, String> options = new TreeMap<>(options(map));
    foreign(args).ifPresent(search -> options.putIfAbsent("search", search));
    WeightSettings open = WeightSettings.OPEN;
    for (Map.Entry<String, String> option : options.entrySet()) {
      WeightSettings before = open;
      open =
          map.checked("options", () -> before.withExtra(option.getKey(), option.getValue()))
              .orElse(before);
    }
    WeightSettings settings = symmetric.map(open::withSymmetric).orElse(open);
    Optional<WeightSettings> small = small(args, type, bits, settings);
    if (small.isPresent()) {
      return small.get();
    }
    WeightSettings typed = type.map(settings::withType).orElse(settings);
    WeightSettings sized = granularity(map).map(typed::withGranularity).orElse(typed);
    return bits.isEmpty()
        ? sized
        : map.checked("num_bits", () -> sized.withBits(bits.getAsInt())).orElse(sized);
  }

  /** The small floats with scales of a special type; these schemes have a fixed group size. */
  private static Optional<WeightSettings> small(
      RecipeMap args, Optional<NumberType> type, OptionalInt bits, WeightSettings settings) {
    String scales = String.valueOf(args.raw("scale_dtype"));
    boolean twoLevels = "tensor_group".equals(args.raw("strategy"));
    boolean powers = scales.equals("torch.uint8") || scales.equals("torch.float8_e8m0fnu");
    if (!twoLevels && !powers) {
      return Optional.empty();
    }
    String scheme = twoLevels ? "nvfp4" : "mxfp" + bits.orElse(8);
    int group = twoLevels ? 16 : 32;
    boolean known =
        type.equals(Optional.of(NumberType.FLOAT))
            && (bits.orElse(8) == 4 || (powers && bits.orElse(8) == 8))
            && args.integer("group_size", "group_size: 32").orElse(0) == group
            && settings.symmetric().orElse(true);
    if (!known) {
      args.fault(
          twoLevels ? "strategy" : "scale_dtype",
          (twoLevels ? "tensor_group" : scales)
              + " goes with symmetric floats of "
              + (twoLevels ? "4 bits in groups of 16" : "4 or 8 bits in groups of 32")
              + ". Example: {scheme: "
              + (twoLevels ? "NVFP4A16" : "MXFP4A16")
              + "}");
      return Optional.of(settings);
    }
    WeightSettings plain =
        new WeightSettings(
            Optional.of(scheme),
            OptionalInt.empty(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            settings.profile(),
            settings.activations(),
            settings.extra());
    return Optional.of(plain);
  }

  /** Checks keys that have no field, and returns the search for scales, if the keys select one. */
  private static Optional<String> foreign(RecipeMap args) {
    RecipeForeign.off(args, Set.of("dynamic"));
    String order = String.valueOf(args.raw("actorder"));
    if (args.has("actorder") && !order.equals("weight") && !order.equals("static")) {
      args.fault(
          "actorder",
          QuantException.quote(order)
              + " stores columns in another order, which is not supported. Leave it out, or set it"
              + " to null");
    }
    String scales = String.valueOf(args.raw("scale_dtype"));
    boolean float8 = scales.equals("torch.float8_e4m3fn");
    if (args.has("scale_dtype")
        && !scales.equals("torch.uint8")
        && !scales.equals("torch.float8_e8m0fnu")
        && !(float8 && "tensor_group".equals(args.raw("strategy")))) {
      args.fault(
          "scale_dtype",
          QuantException.quote(scales)
              + " is not supported: scales have the type of the weight. Leave it out, or set it to"
              + " null");
    }
    String observer = String.valueOf(args.raw("observer"));
    boolean searches = observer.equals("mse") || observer.equals("memoryless_mse");
    boolean ranges =
        observer.equals("minmax")
            || observer.equals("memoryless_minmax")
            || observer.equals("static_minmax");
    if (args.has("observer") && !searches && !ranges) {
      args.fault(
          "observer",
          QuantException.quote(observer)
              + " is not supported for weights; supported are minmax, memoryless_minmax,"
              + " static_minmax, mse and memoryless_mse");
    }
    if (!ranges) {
      RecipeForeign.off(args, Set.of("observer_kwargs"));
    }
    return searches ? Optional.of("mse") : Optional.empty();
  }

  private static Optional<Granularity> granularity(RecipeMap given) {
    boolean all = Integer.valueOf(-1).equals(number(given));
    RecipeMap map = all ? given.without(Set.of("group_size")) : given;
    Optional<String> strategy =
        map.text("strategy", "strategy: channel")
            .or(() -> all ? Optional.of("channel") : Optional.empty());
    OptionalInt size = map.integer("group_size", "group_size: 128");
    Optional<List<Integer>> block = block(map, strategy.orElse("block"));
    if (map.raw("block_structure") != null) {
      if (block.isEmpty()) {
        return Optional.empty();
      }
      List<Integer> sides = block.get();
      return map.checked("block_structure", () -> Granularity.block(sides.get(0), sides.get(1)));
    }
    if (size.isEmpty() && map.has("group_size")) {
      return Optional.empty();
    }
    if (size.isPresent()) {
      if (strategy.isPresent() && !SIZED.contains(strategy.get())) {
        return map.checked("strategy", () -> named(strategy.get()));
      }
      if (strategy.orElse("group").equals("group")) {
        return map.checked("group_size", () -> Granularity.group(size.getAsInt()));
      }
      map.fault(
          "group_size",
          size.getAsInt()
              + " goes with strategy: group, and strategy is "
              + strategy.orElseThrow()
              + ". Example: {strategy: group, group_size: 128}");
      return Optional.empty();
    }
    return strategy.flatMap(text -> map.checked("strategy", () -> named(text)));
  }

  /** A group size of -1 means the whole row. */
  private static Object number(RecipeMap map) {
    Object value = map.raw("group_size");
    return value instanceof Number n && n.doubleValue() == -1 ? Integer.valueOf(-1) : "";
  }

  private static Granularity named(String text) {
    return switch (text) {
      case "tensor" -> Granularity.TENSOR;
      case "channel" -> Granularity.CHANNEL;
      case "group" ->
          throw new ConfigurationException(
              "group needs a group_size. Example: {strategy: group, group_size: 128}");
      case "block" -> throw new ConfigurationException("block needs a block_structure. " + BLOCK);
      default ->
          throw new ConfigurationException(
              QuantException.quote(text)
                  + " is not known; allowed are tensor, channel, group and block. Example:"
                  + " strategy: channel");
    };
  }

  /** The two sides of a block; empty if the key is missing or null. */
  private static Optional<List<Integer>> block(RecipeMap map, String strategy) {
    String key = "block_structure";
    Object value = map.raw(key);
    if (value == null) {
      return Optional.empty();
    }
    Optional<List<Integer>> given =
        value instanceof String text && text.matches("[1-9][0-9]{0,6}x[1-9][0-9]{0,6}")
            ? Optional.of(
                List.of(
                    Integer.parseInt(text.substring(0, text.indexOf('x'))),
                    Integer.parseInt(text.substring(text.indexOf('x') + 1))))
            : map.integers(key, "block_structure: [128, 128]");
    if (given.isPresent() && (given.get().size() != 2 || !strategy.equals("block"))) {
      map.fault(
          key,
          given.get()
              + " must be rows and columns, and goes with strategy: block; strategy is "
              + strategy
              + ". "
              + BLOCK);
      return Optional.empty();
    }
    return given;
  }

  private static Map<String, String> options(RecipeMap map) {
    Map<String, String> options = new TreeMap<>();
    String example = "options: {iterations: 20}";
    map.map("options", example)
        .ifPresent(
            given -> {
              for (String key : given.keys()) {
                given.scalar(key, example).ifPresent(value -> options.put(key, value));
              }
            });
    return options;
  }
}
