package dev.monoquant;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.NumberType;
import dev.monoquant.spi.ActivationQuantization;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.Granularity;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;

/**
 * How to quantize weights. Every field is optional; the scheme's defaults replace fields that are
 * not set.
 *
 * @param scheme the id of a scheme, such as {@code int8}, or the name of a {@link Preset} in any
 *     case; if not set, bits and type decide
 * @param bits bits of one code, 1 to 16
 * @param type integers or floats
 * @param symmetric whether zero is the middle of the codes; if not set, the layer decides
 * @param granularity how many numbers share a scale
 * @param profile the library whose formulas are used, such as {@code compressed-tensors}
 * @param activations how the inputs of the layers are quantized while the model runs; refused if
 *     scales would have to be measured
 * @param extra options by name that the scheme, a layer quantizer or the output format declares,
 *     or, in settings for all weights, the input format
 */
public record WeightSettings(
    Optional<String> scheme,
    OptionalInt bits,
    Optional<NumberType> type,
    Optional<Boolean> symmetric,
    Optional<Granularity> granularity,
    Optional<String> profile,
    Optional<ActivationQuantization> activations,
    Map<String, String> extra) {

  /** No field is set. */
  public static final WeightSettings OPEN =
      new WeightSettings(
          Optional.empty(),
          OptionalInt.empty(),
          Optional.empty(),
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
    requireNonNull(activations, "activations");
    scheme = scheme.map(WeightSettings::checkedScheme);
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
                + OptionSpec.argument(option.getKey(), option.getValue()));
      }
    }
  }

  /**
   * Combines these settings with others of higher precedence, field by field: a field that {@code
   * other} does not set keeps its value. A scheme is chosen together with its activations: if
   * {@code other} sets one, it replaces bits, type and activations, and a preset also symmetry and
   * granularity.
   *
   * @param other the settings that take precedence
   * @return the combined settings
   */
  public WeightSettings overrideWith(WeightSettings other) {
    // A scheme and bits with type are two ways to choose the scheme: setting one drops the earlier
    // other.
    boolean schemeAnew = other.scheme.isPresent();
    boolean presetAnew = other.scheme.flatMap(Preset::find).isPresent();
    boolean bitsAnew = other.bits.isPresent() || other.type.isPresent();
    Map<String, String> both = new TreeMap<>(extra);
    both.putAll(other.extra);
    return new WeightSettings(
        schemeAnew ? other.scheme : bitsAnew ? Optional.empty() : scheme,
        other.bits.isPresent() ? other.bits : schemeAnew ? OptionalInt.empty() : bits,
        other.type.isPresent() ? other.type : schemeAnew ? Optional.empty() : type,
        presetAnew ? other.symmetric : other.symmetric.or(() -> symmetric),
        presetAnew ? other.granularity : other.granularity.or(() -> granularity),
        other.profile.or(() -> profile),
        schemeAnew ? other.activations : other.activations.or(() -> activations),
        both);
  }

  /** Whether there is such a scheme is known later, when plugins are. */
  private static String checkedScheme(String text) {
    Optional<Preset> preset = Preset.find(text);
    if (preset.equals(Optional.of(Preset.UNQUANTIZED))) {
      throw new ConfigurationException(
          "preset UNQUANTIZED leaves layers in float: exclude them, for example --exclude lm_head,"
              + " or ignore: [lm_head] in a recipe");
    }
    if (!text.matches("[A-Za-z0-9][A-Za-z0-9_-]{0,63}(/[a-z0-9][a-z0-9-]{0,63})?")) {
      throw new ConfigurationException(
          "scheme "
              + QuantException.quote(text)
              + " is no id; ids look like int8 or vendor/name, presets like W4A16. Example: --scheme"
              + " int8");
    }
    return preset.map(Preset::name).orElse(text);
  }

  /**
   * {@return these settings with a {@link Preset} replaced by what it stands for; fields that are
   * set keep their values}
   */
  public WeightSettings resolved() {
    Optional<Preset> preset = scheme.flatMap(Preset::find);
    return preset.isEmpty()
        ? this
        : new WeightSettings(
            preset.get().scheme(),
            bits,
            type,
            symmetric.or(preset.get()::symmetric),
            granularity.or(preset.get()::granularity),
            profile,
            activations.or(preset.get()::activations),
            extra);
  }

  /** {@return whether no field is set} */
  public boolean isOpen() {
    return equals(OPEN);
  }

  /**
   * {@return a copy of these settings with one field changed}
   *
   * @param id the id of a scheme, or the name of a {@link Preset}
   */
  public WeightSettings withScheme(String id) {
    return new WeightSettings(
        Optional.of(id), bits, type, symmetric, granularity, profile, activations, extra);
  }

  /**
   * {@return a copy of these settings with one field changed}
   *
   * @param value bits of one code
   */
  public WeightSettings withBits(int value) {
    return new WeightSettings(
        scheme, OptionalInt.of(value), type, symmetric, granularity, profile, activations, extra);
  }

  /**
   * {@return a copy of these settings with one field changed}
   *
   * @param value integers or floats
   */
  public WeightSettings withType(NumberType value) {
    return new WeightSettings(
        scheme, bits, Optional.of(value), symmetric, granularity, profile, activations, extra);
  }

  /**
   * {@return a copy of these settings with one field changed}
   *
   * @param value whether codes are symmetric
   */
  public WeightSettings withSymmetric(boolean value) {
    return new WeightSettings(
        scheme, bits, type, Optional.of(value), granularity, profile, activations, extra);
  }

  /**
   * {@return a copy of these settings with one field changed}
   *
   * @param value how many numbers share a scale
   */
  public WeightSettings withGranularity(Granularity value) {
    return new WeightSettings(
        scheme, bits, type, symmetric, Optional.of(value), profile, activations, extra);
  }

  /**
   * {@return a copy of these settings with one field changed}
   *
   * @param value the library whose formulas are used
   */
  public WeightSettings withProfile(String value) {
    return new WeightSettings(
        scheme, bits, type, symmetric, granularity, Optional.of(value), activations, extra);
  }

  /**
   * {@return a copy of these settings with one option added}
   *
   * @param name an option declared by a plugin
   * @param value its value
   */
  public WeightSettings withExtra(String name, String value) {
    Map<String, String> more = new TreeMap<>(extra);
    more.put(name, value);
    return new WeightSettings(
        scheme, bits, type, symmetric, granularity, profile, activations, more);
  }

  /**
   * {@return a copy of these settings with one field changed}
   *
   * @param value how the inputs of the layers are quantized
   */
  public WeightSettings withActivations(ActivationQuantization value) {
    return new WeightSettings(
        scheme, bits, type, symmetric, granularity, profile, Optional.of(value), extra);
  }
}
