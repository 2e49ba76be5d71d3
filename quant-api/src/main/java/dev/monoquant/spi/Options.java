package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

import dev.monoquant.tile.Granularity;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * What the configuration says for one weight: complete, typed, with every default filled in.
 *
 * @param bits bits of one code; for a cast those of the target type
 * @param symmetric whether zero is the middle of the codes and no zero point is stored
 * @param granularity how many numbers share a scale
 * @param profile whose formulas are followed, such as {@code compressed-tensors}
 * @param compute where the arithmetic is done; never changes numbers
 * @param extra options of the scheme's own by name, in canonical form, see {@link Scheme#options()}
 */
public record Options(
    int bits,
    boolean symmetric,
    Granularity granularity,
    String profile,
    Compute compute,
    Map<String, String> extra) {

  /** The default profile. */
  public static final String COMPRESSED_TENSORS = "compressed-tensors";

  /** Copies the map and checks that nothing is null. */
  public Options {
    requireNonNull(granularity, "granularity");
    requireNonNull(profile, "profile");
    requireNonNull(compute, "compute");
    extra = Collections.unmodifiableMap(new TreeMap<>(extra));
  }

  /**
   * Options with the default profile, automatic compute and nothing extra.
   *
   * @param bits bits of one code
   * @param symmetric whether codes are symmetric
   * @param granularity how many numbers share a scale
   */
  public Options(int bits, boolean symmetric, Granularity granularity) {
    this(bits, symmetric, granularity, COMPRESSED_TENSORS, Compute.AUTO, Map.of());
  }

  /** {@return such as {@code 8 bits, symmetric, channel, profile acme, compute auto, {}}} */
  @Override
  public String toString() {
    return bits
        + " bits, "
        + (symmetric ? "symmetric" : "asymmetric")
        + ", "
        + granularity.wire()
        + ", profile "
        + profile
        + ", compute "
        + compute.wire()
        + ", "
        + extra;
  }

  /**
   * {@return the value of an option of the scheme's own; its default if nothing is said, as in what
   * was written before the scheme had the option}
   *
   * @param option one of {@link Scheme#options()}
   * @param <T> the type of the value
   * @throws dev.monoquant.ConfigurationException if the value is not allowed
   */
  public <T> T get(OptionSpec<T> option) {
    String text = extra.get(option.name());
    return text == null ? option.defaultValue() : option.parse(text);
  }

  /**
   * {@return these options with that changed}
   *
   * @param value bits of one code
   */
  public Options withBits(int value) {
    return new Options(value, symmetric, granularity, profile, compute, extra);
  }

  /**
   * {@return these options with that changed}
   *
   * @param value whether codes are symmetric
   */
  public Options withSymmetric(boolean value) {
    return new Options(bits, value, granularity, profile, compute, extra);
  }

  /**
   * {@return these options with that changed}
   *
   * @param value how many numbers share a scale
   */
  public Options withGranularity(Granularity value) {
    return new Options(bits, symmetric, value, profile, compute, extra);
  }

  /**
   * {@return these options with that changed}
   *
   * @param value whose formulas are followed
   */
  public Options withProfile(String value) {
    return new Options(bits, symmetric, granularity, value, compute, extra);
  }

  /**
   * {@return these options with that changed}
   *
   * @param value where the arithmetic is done
   */
  public Options withCompute(Compute value) {
    return new Options(bits, symmetric, granularity, profile, value, extra);
  }

  /**
   * {@return these options with that changed}
   *
   * @param value options of the scheme's own
   */
  public Options withExtra(Map<String, String> value) {
    return new Options(bits, symmetric, granularity, profile, compute, value);
  }
}
