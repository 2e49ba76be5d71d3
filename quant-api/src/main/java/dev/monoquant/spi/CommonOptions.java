package dev.monoquant.spi;

import dev.monoquant.ConfigurationException;
import dev.monoquant.tile.Granularity;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The options that schemes share. Four have their own command-line arguments: {@code --bits},
 * {@code --symmetric}, {@code --granularity} and {@code --profile}; {@code search} is set with
 * {@code --option}.
 *
 * <p>A scheme declares the ones it has with the allowed values, the default first:
 *
 * <pre>{@code
 * public List<OptionSpec<?>> options() {
 *   return List.of(
 *       CommonOptions.bits(4),
 *       CommonOptions.symmetric(true, false),
 *       CommonOptions.granularity("group:64", "group:N", "channel"),
 *       CommonOptions.profile("example"));
 * }
 * }</pre>
 *
 * <p>The framework refuses any other value, and any of the four options that is not declared,
 * before it calls the scheme.
 */
public final class CommonOptions {

  /** The profile of schemes whose results equal those of compressed-tensors. */
  public static final String COMPRESSED_TENSORS = "compressed-tensors";

  /** Bits of one code; accepts any number, to read the value for every scheme. */
  public static final OptionSpec<Integer> BITS =
      OptionSpec.integer("bits", 8, 1, 64, "Bits of one code");

  /** Whether codes are symmetric; accepts both values, to read the value for every scheme. */
  public static final OptionSpec<Boolean> SYMMETRIC = symmetric(true, false);

  /** How many values share a scale; accepts any granularity, to read the value for every scheme. */
  public static final OptionSpec<Granularity> GRANULARITY =
      granularity("channel", "tensor", "group:N", "block:RxC");

  /** The library whose formulas are used; accepts any id, to read the value for every scheme. */
  public static final OptionSpec<String> PROFILE =
      new OptionSpec<>(
          "profile",
          "choice",
          "an id",
          COMPRESSED_TENSORS,
          "Whose formulas are followed",
          List.of(),
          text -> SchemeId.isValidName(text) ? text : null,
          text -> text,
          false);

  /** The value of {@link #SEARCH} for scales that follow from the range alone. */
  public static final String NO_SEARCH = "none";

  /**
   * How scales are searched for; accepts every value, to read it for every scheme. It is set with
   * {@code --option search=grid} and is not among {@link #NAMES}.
   */
  public static final OptionSpec<String> SEARCH = search(NO_SEARCH, "grid", "mse", "hqq");

  /**
   * Whether the last group of a row may be shorter, where the group size does not divide the
   * columns; schemes that can do that declare it. The policy {@link
   * dev.monoquant.RaggedGroupPolicy#RAGGED} sets it.
   */
  public static final OptionSpec<Boolean> RAGGED =
      OptionSpec.flag("ragged", false, "Whether the last group of a row may be shorter").implied();

  /** The names of the four. */
  public static final Set<String> NAMES = Set.of("bits", "symmetric", "granularity", "profile");

  private static final String ANY_GROUP = "group:N";
  private static final String ANY_BLOCK = "block:RxC";

  private CommonOptions() {}

  /**
   * {@return the option for the bits of one code; for a cast, of the target type}
   *
   * @param defaultValue used if the configuration does not set it
   * @param more other allowed values
   */
  public static OptionSpec<Integer> bits(int defaultValue, int... more) {
    List<Integer> all = new ArrayList<>(List.of(defaultValue));
    for (int bits : more) {
      all.add(bits);
    }
    return listed("bits", "integer", all, "Bits of one code");
  }

  /**
   * {@return the option whether zero is the middle of the codes and no zero point is stored}
   *
   * @param defaultValue used if neither the configuration nor the layer sets it
   * @param more the other value if both are allowed
   */
  public static OptionSpec<Boolean> symmetric(boolean defaultValue, boolean... more) {
    List<Boolean> all = new ArrayList<>(List.of(defaultValue));
    for (boolean symmetric : more) {
      all.add(symmetric);
    }
    return listed("symmetric", "flag", all, "Whether zero is the middle of the codes");
  }

  /**
   * {@return the option for the library whose formulas are used, bit for bit}
   *
   * @param defaultValue used if the configuration does not set it
   * @param more other allowed values
   */
  public static OptionSpec<String> profile(String defaultValue, String... more) {
    List<String> all = new ArrayList<>(List.of(defaultValue));
    all.addAll(List.of(more));
    return listed("profile", "choice", all, "Whose formulas are followed");
  }

  /**
   * {@return the option for how scales are searched for, without any data but the weight}
   *
   * <ul>
   *   <li>{@code none}: scales follow from the range of the values.
   *   <li>{@code grid}: of several scales for each group, the one with the least sum of squared
   *       errors.
   *   <li>{@code mse}: as the library of the profile searches.
   *   <li>{@code hqq}: a zero point with a fraction is refined, as in HQQ.
   * </ul>
   *
   * <p>If the default is {@link #NO_SEARCH}, it is {@linkplain OptionSpec#implied implied}.
   *
   * @param defaultValue used if the configuration does not set it
   * @param more other allowed values
   */
  public static OptionSpec<String> search(String defaultValue, String... more) {
    List<String> all = new ArrayList<>(List.of(defaultValue));
    all.addAll(List.of(more));
    OptionSpec<String> spec = listed("search", "choice", all, "How scales are searched for");
    return defaultValue.equals(NO_SEARCH) ? spec.implied() : spec;
  }

  /**
   * {@return the option for how many values share a scale}
   *
   * <p>{@code group:N} stands for groups of any size, {@code block:RxC} for blocks of any size.
   * {@link Scheme#fit} checks sizes against a weight.
   *
   * @param defaultValue used if the configuration does not set it, such as {@code group:128}
   * @param more other allowed values: {@code tensor}, {@code channel}, {@code group:N}, {@code
   *     block:RxC}, or a size such as {@code group:32}
   */
  public static OptionSpec<Granularity> granularity(String defaultValue, String... more) {
    List<String> all = new ArrayList<>(List.of(defaultValue));
    all.addAll(List.of(more));
    List<Granularity> sizes = new ArrayList<>();
    for (String form : all) {
      sizes.add(
          switch (form) {
            case ANY_GROUP -> Granularity.group(32);
            case ANY_BLOCK -> Granularity.block(16, 16);
            default -> Granularity.parse(form);
          });
    }
    boolean anyGroup = all.contains(ANY_GROUP);
    boolean anyBlock = all.contains(ANY_BLOCK);
    Set<String> words = new LinkedHashSet<>(all);
    if (anyGroup) {
      words.removeIf(form -> form.startsWith("group:") && !form.equals(ANY_GROUP));
    }
    if (anyBlock) {
      words.removeIf(form -> form.startsWith("block:") && !form.equals(ANY_BLOCK));
    }
    return new OptionSpec<>(
        "granularity",
        "granularity",
        oneOf(List.copyOf(words)),
        sizes.get(0),
        "How many numbers share a scale",
        sizes,
        text -> {
          Granularity value = parse(text);
          return value == null
                  || (anyGroup && value instanceof Granularity.PerGroup)
                  || (anyBlock && value instanceof Granularity.PerBlock)
                  || all.contains(value.wire())
              ? value
              : null;
        },
        Granularity::wire,
        false);
  }

  private static @Nullable Granularity parse(String text) {
    try {
      return Granularity.parse(text);
    } catch (ConfigurationException e) {
      return null;
    }
  }

  private static <T> OptionSpec<T> listed(String name, String type, List<T> all, String help) {
    List<String> texts = all.stream().map(String::valueOf).toList();
    return new OptionSpec<>(
        name,
        type,
        oneOf(texts.stream().distinct().toList()),
        all.get(0),
        help,
        all,
        text -> {
          int at = texts.indexOf(text);
          return at < 0 ? null : all.get(at);
        },
        String::valueOf,
        false);
  }

  /** Such as {@code 8}, {@code 4 or 8} or {@code tensor, channel or group:N}. */
  private static String oneOf(List<String> words) {
    int last = words.size() - 1;
    return last == 0
        ? words.get(0)
        : String.join(", ", words.subList(0, last)) + " or " + words.get(last);
  }
}
