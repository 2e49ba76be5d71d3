package dev.monoquant;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.LayerKind;
import dev.monoquant.model.NumberType;
import dev.monoquant.spi.ActivationQuantization;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.Granularity;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What to quantize and how. Immutable; every field is optional.
 *
 * <p>Explicit arguments take precedence over a recipe file, and a recipe file over defaults, field
 * by field: {@code defaults.overrideWith(file).overrideWith(arguments)}. Each scheme defines its
 * defaults; the default scheme is {@code int8}.
 *
 * <pre>{@code
 * QuantizationConfig config = QuantizationConfig.builder()
 *     .scheme("int8").granularity(Granularity.CHANNEL).exclude("lm_head").build();
 * }</pre>
 *
 * @param weights settings for all weights
 * @param rules rules for some layers, in order, see {@link Rule}
 * @param layerMap the kinds of layers of a state dict, by {@link Selector} pattern; the first match
 *     wins, and the kind of other layers is inferred
 * @param minElements weights with fewer elements are left unquantized
 * @param nonFinite how to handle NaN and infinities
 * @param raggedGroups how to handle columns that are not a multiple of the group size
 * @param allowPartialFamilies whether some layers of a {@link dev.monoquant.model.Family} may stay
 *     in float, which some loaders refuse; false if not set
 * @param kvCache how keys and values that attention caches are quantized while the model runs
 * @param format the id of the output format; if not set, the output's file name decides
 */
public record QuantizationConfig(
    WeightSettings weights,
    List<Rule> rules,
    Map<String, LayerKind> layerMap,
    OptionalLong minElements,
    Optional<NonFinitePolicy> nonFinite,
    Optional<RaggedGroupPolicy> raggedGroups,
    Optional<Boolean> allowPartialFamilies,
    Optional<ActivationQuantization> kvCache,
    Optional<String> format) {

  /** No field is set. */
  public static final QuantizationConfig DEFAULT = builder().build();

  /** Copies the collections and checks the fields that are set. */
  public QuantizationConfig {
    requireNonNull(weights, "weights");
    requireNonNull(nonFinite, "nonFinite");
    requireNonNull(raggedGroups, "raggedGroups");
    requireNonNull(allowPartialFamilies, "allowPartialFamilies");
    requireNonNull(kvCache, "kvCache");
    rules = List.copyOf(rules);
    layerMap = Collections.unmodifiableMap(new LinkedHashMap<>(layerMap));
    layerMap.keySet().forEach(Selector::parse);
    if (minElements.isPresent() && minElements.getAsLong() < 0) {
      throw new ConfigurationException(
          "minimum of "
              + minElements.getAsLong()
              + " elements: 0 or more are allowed. Example: --min-elements 4096");
    }
    if (format.isPresent() && !SchemeId.isValidName(format.get())) {
      throw new ConfigurationException(
          "format "
              + QuantException.quote(format.get())
              + " is no id. Example: --format compressed-tensors");
    }
  }

  /**
   * Combines this configuration with one of higher precedence, field by field. The rules of {@code
   * other} come after the rules of this one, its layer map before. The settings of {@code other}
   * for all weights also override the rules of this one, so that a rule of a recipe never overrides
   * an argument.
   *
   * @param other the configuration that takes precedence
   * @return the combined configuration
   */
  public QuantizationConfig overrideWith(QuantizationConfig other) {
    List<Rule> both = new ArrayList<>();
    rules.forEach(rule -> both.add(rule.settings().isOpen() ? rule : rule.with(other.weights)));
    both.addAll(other.rules);
    Map<String, LayerKind> kinds = new LinkedHashMap<>(other.layerMap);
    layerMap.forEach(kinds::putIfAbsent);
    return new QuantizationConfig(
        weights.overrideWith(other.weights),
        both,
        kinds,
        other.minElements.isPresent() ? other.minElements : minElements,
        other.nonFinite.or(() -> nonFinite),
        other.raggedGroups.or(() -> raggedGroups),
        other.allowPartialFamilies.or(() -> allowPartialFamilies),
        other.kvCache.or(() -> kvCache),
        other.format.or(() -> format));
  }

  /** {@return a builder with no field set} */
  public static Builder builder() {
    return new Builder();
  }

  /** Collects the fields of a configuration. Not thread-safe. */
  public static final class Builder {
    private WeightSettings weights = WeightSettings.OPEN;
    private final List<Rule> rules = new ArrayList<>();
    private final Map<String, LayerKind> layerMap = new LinkedHashMap<>();
    private OptionalLong minElements = OptionalLong.empty();
    private Optional<NonFinitePolicy> nonFinite = Optional.empty();
    private Optional<RaggedGroupPolicy> raggedGroups = Optional.empty();
    private Optional<Boolean> allowPartialFamilies = Optional.empty();
    private Optional<ActivationQuantization> kvCache = Optional.empty();
    private Optional<String> format = Optional.empty();

    private Builder() {}

    /**
     * {@return this}
     *
     * @param settings settings for all weights; replaces all earlier ones
     */
    public Builder weights(WeightSettings settings) {
      weights = requireNonNull(settings, "settings");
      return this;
    }

    /**
     * {@return this}
     *
     * @param id the id of a scheme, such as {@code int8}, or the name of a {@link Preset}, such as
     *     {@code W4A16}
     */
    public Builder scheme(String id) {
      weights = weights.withScheme(id);
      return this;
    }

    /**
     * {@return this}
     *
     * @param bits bits of one code
     */
    public Builder bits(int bits) {
      weights = weights.withBits(bits);
      return this;
    }

    /**
     * {@return this}
     *
     * @param type integers or floats
     */
    public Builder type(NumberType type) {
      weights = weights.withType(type);
      return this;
    }

    /**
     * {@return this}
     *
     * @param symmetric whether codes are symmetric
     */
    public Builder symmetric(boolean symmetric) {
      weights = weights.withSymmetric(symmetric);
      return this;
    }

    /**
     * {@return this}
     *
     * @param granularity how many numbers share a scale
     */
    public Builder granularity(Granularity granularity) {
      weights = weights.withGranularity(granularity);
      return this;
    }

    /**
     * {@return this}
     *
     * @param profile the library whose formulas are used
     */
    public Builder profile(String profile) {
      weights = weights.withProfile(profile);
      return this;
    }

    /**
     * {@return this}
     *
     * @param name an option declared by a scheme, a layer quantizer or a format
     * @param value its value
     */
    public Builder option(String name, String value) {
      weights = weights.withExtra(name, value);
      return this;
    }

    /**
     * {@return this}
     *
     * @param pattern layers to quantize; layers that no include pattern selects are left
     *     unquantized
     */
    public Builder include(String pattern) {
      return rule(Rule.include(pattern));
    }

    /**
     * {@return this}
     *
     * @param pattern layers to leave unquantized
     */
    public Builder exclude(String pattern) {
      return rule(Rule.exclude(pattern));
    }

    /**
     * {@return this}
     *
     * @param rule a further rule
     */
    public Builder rule(Rule rule) {
      rules.add(requireNonNull(rule, "rule"));
      return this;
    }

    /**
     * {@return this}
     *
     * @param pattern layers of a state dict
     * @param kind their kind
     */
    public Builder layer(String pattern, LayerKind kind) {
      layerMap.put(pattern, requireNonNull(kind, "kind"));
      return this;
    }

    /**
     * {@return this}
     *
     * @param elements weights with fewer elements are left unquantized
     */
    public Builder minElements(long elements) {
      minElements = OptionalLong.of(elements);
      return this;
    }

    /**
     * {@return this}
     *
     * @param policy how to handle NaN and infinities
     */
    public Builder nonFinite(NonFinitePolicy policy) {
      nonFinite = Optional.of(policy);
      return this;
    }

    /**
     * {@return this}
     *
     * @param policy how to handle columns that are not a multiple of the group size
     */
    public Builder raggedGroups(RaggedGroupPolicy policy) {
      raggedGroups = Optional.of(policy);
      return this;
    }

    /**
     * {@return this}
     *
     * @param allow whether some layers of a {@link dev.monoquant.model.Family} may stay in float
     */
    public Builder allowPartialFamilies(boolean allow) {
      allowPartialFamilies = Optional.of(allow);
      return this;
    }

    /**
     * {@return this}
     *
     * @param inputs how the inputs of the layers are quantized while the model runs
     */
    public Builder activations(ActivationQuantization inputs) {
      weights = weights.withActivations(inputs);
      return this;
    }

    /**
     * {@return this}
     *
     * @param cache how keys and values that attention caches are quantized while the model runs
     */
    public Builder kvCache(ActivationQuantization cache) {
      if (cache.scale().isPresent()) {
        throw new ConfigurationException(
            "keys and values have the scales 1.0, not scale "
                + cache.scale().get()
                + ". Leave the scale out");
      }
      kvCache = Optional.of(cache);
      return this;
    }

    /**
     * {@return this}
     *
     * @param id the id of the output format
     */
    public Builder format(String id) {
      format = Optional.of(id);
      return this;
    }

    /**
     * {@return the configuration}
     *
     * @throws ConfigurationException if a field is out of range
     */
    public QuantizationConfig build() {
      return new QuantizationConfig(
          weights,
          rules,
          layerMap,
          minElements,
          nonFinite,
          raggedGroups,
          allowPartialFamilies,
          kvCache,
          format);
    }
  }
}
