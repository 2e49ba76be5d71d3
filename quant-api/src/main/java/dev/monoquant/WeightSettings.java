package dev.monoquant;

import static java.util.Objects.requireNonNull;

import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.Granularity;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;

/**
 * How weights are to be quantized, each field set or left open. What stays open in the end is up to
 * the scheme's defaults.
 *
 * @param scheme the id of a scheme, such as {@code int8}; if open it follows from bits and type
 * @param bits bits of one code, 1 to 16
 * @param type integers or floats
 * @param symmetric whether zero is the middle of the codes; open means that the layer decides
 * @param granularity how many numbers share a scale
 * @param profile whose formulas are followed, such as {@code compressed-tensors}
 * @param extra options of a plugin's own by name: of the scheme, a layer quantizer, the output
 *     format, or, where they are said of all weights, the input format
 */
public record WeightSettings(
    Optional<String> scheme,
    OptionalInt bits,
    Optional<NumberType> type,
    Optional<Boolean> symmetric,
    Optional<Granularity> granularity,
    Optional<String> profile,
    Map<String, String> extra) {

  /** Everything open. */
  public static final WeightSettings OPEN =
      new WeightSettings(
          Optional.empty(),
          OptionalInt.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Map.of());

  /** Checks each field that is set. */
  public WeightSettings {
    requireNonNull(type, "type");
    requireNonNull(symmetric, "symmetric");
    requireNonNull(granularity, "granularity");
    if (scheme.isPresent() && !SchemeId.isValidName(scheme.get())) {
      throw new ConfigurationException(
          "scheme "
              + QuantException.quote(scheme.get())
              + " is no id; ids look like int8 or vendor/name. Example: --scheme int8");
    }
    if (bits.isPresent() && (bits.getAsInt() < 1 || bits.getAsInt() > 16)) {
      throw new ConfigurationException(
          "bits " + bits.getAsInt() + ": 1 to 16 are allowed. Example: --bits 8");
    }
    if (profile.isPresent() && !SchemeId.isValidName(profile.get())) {
      throw new ConfigurationException(
          "profile "
              + QuantException.quote(profile.get())
              + " is no id. Example: --profile compressed-tensors");
    }
    extra = Collections.unmodifiableMap(new TreeMap<>(extra));
    for (Map.Entry<String, String> option : extra.entrySet()) {
      if (CommonOptions.NAMES.contains(option.getKey())) {
        throw new ConfigurationException(
            "option "
                + option.getKey()
                + " is no plugin's own. Set it with "
                + CommonOptions.argument(option.getKey(), option.getValue()));
      }
    }
  }

  /**
   * Lays other settings over these, field by field: what the other leaves open stays.
   *
   * @param other the settings that win
   * @return both together
   */
  public WeightSettings overrideWith(WeightSettings other) {
    // A scheme, or bits and type, say the same thing twice: naming one anew drops an older other.
    boolean schemeAnew = other.scheme.isPresent();
    boolean bitsAnew = other.bits.isPresent() || other.type.isPresent();
    Map<String, String> both = new TreeMap<>(extra);
    both.putAll(other.extra);
    return new WeightSettings(
        schemeAnew ? other.scheme : bitsAnew ? Optional.empty() : scheme,
        other.bits.isPresent() ? other.bits : schemeAnew ? OptionalInt.empty() : bits,
        other.type.isPresent() ? other.type : schemeAnew ? Optional.empty() : type,
        other.symmetric.or(() -> symmetric),
        other.granularity.or(() -> granularity),
        other.profile.or(() -> profile),
        both);
  }

  /** {@return whether every field is open} */
  public boolean isOpen() {
    return equals(OPEN);
  }

  /**
   * {@return these settings with that changed}
   *
   * @param id the id of a scheme
   */
  public WeightSettings withScheme(String id) {
    return new WeightSettings(Optional.of(id), bits, type, symmetric, granularity, profile, extra);
  }

  /**
   * {@return these settings with that changed}
   *
   * @param value bits of one code
   */
  public WeightSettings withBits(int value) {
    return new WeightSettings(
        scheme, OptionalInt.of(value), type, symmetric, granularity, profile, extra);
  }

  /**
   * {@return these settings with that changed}
   *
   * @param value integers or floats
   */
  public WeightSettings withType(NumberType value) {
    return new WeightSettings(
        scheme, bits, Optional.of(value), symmetric, granularity, profile, extra);
  }

  /**
   * {@return these settings with that changed}
   *
   * @param value whether codes are symmetric
   */
  public WeightSettings withSymmetric(boolean value) {
    return new WeightSettings(scheme, bits, type, Optional.of(value), granularity, profile, extra);
  }

  /**
   * {@return these settings with that changed}
   *
   * @param value how many numbers share a scale
   */
  public WeightSettings withGranularity(Granularity value) {
    return new WeightSettings(scheme, bits, type, symmetric, Optional.of(value), profile, extra);
  }

  /**
   * {@return these settings with that changed}
   *
   * @param value whose formulas are followed
   */
  public WeightSettings withProfile(String value) {
    return new WeightSettings(
        scheme, bits, type, symmetric, granularity, Optional.of(value), extra);
  }

  /**
   * {@return these settings with that added}
   *
   * @param name an option of a plugin's own
   * @param value its value
   */
  public WeightSettings withExtra(String name, String value) {
    Map<String, String> more = new TreeMap<>(extra);
    more.put(name, value);
    return new WeightSettings(scheme, bits, type, symmetric, granularity, profile, more);
  }
}
