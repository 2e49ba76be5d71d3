package dev.monoquant;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.LayerKind;
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
 * What to quantize and how. Immutable; every field may be left open.
 *
 * <p>Precedence is explicit arguments over a recipe file over defaults, field by field: {@code
 * defaults.overrideWith(file).overrideWith(arguments)}. Defaults are those of each scheme; the
 * scheme itself defaults to {@code int8}.
 *
 * <pre>{@code
 * QuantizationConfig config = QuantizationConfig.builder()
 *     .scheme("int8").granularity(Granularity.CHANNEL).exclude("lm_head").build();
 * }</pre>
 *
 * @param weights settings for all weights
 * @param rules rules for some layers, in order, see {@link Rule}
 * @param layerMap the kinds of layers of a state dict, by {@link Selector} pattern, the first match
 *     wins; layers that no pattern matches are inferred
 * @param minElements weights with fewer numbers are kept
 * @param nonFinite what to do with NaN and infinities
 * @param raggedGroups what to do where a group does not divide the columns
 * @param allowPartialFamilies whether some layers of a {@link dev.monoquant.model.Family} may stay
 *     in float, which some loaders refuse; if open they may not
 * @param format the id of the output format; if open it follows from the output's name
 */
public record QuantizationConfig(
    WeightSettings weights,
    List<Rule> rules,
    Map<String, LayerKind> layerMap,
    OptionalLong minElements,
    Optional<NonFinitePolicy> nonFinite,
    Optional<RaggedGroupPolicy> raggedGroups,
    Optional<Boolean> allowPartialFamilies,
    Optional<String> format) {

  /** Everything open. */
  public static final QuantizationConfig DEFAULT = builder().build();

  /** Copies the collections and checks what is set. */
  public QuantizationConfig {
    requireNonNull(weights, "weights");
    requireNonNull(nonFinite, "nonFinite");
    requireNonNull(raggedGroups, "raggedGroups");
    requireNonNull(allowPartialFamilies, "allowPartialFamilies");
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
   * Lays another configuration over this one, field by field. The other's rules come after this
   * one's, and its layer map before. What the other says of all weights wins over this one's rules
   * too, so that an argument is never lost to a rule of a recipe.
   *
   * @param other the configuration that wins
   * @return both together
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
        other.format.or(() -> format));
  }

  /** {@return a builder with everything open} */
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
    private Optional<String> format = Optional.empty();

    private Builder() {}

    /**
     * {@return this}
     *
     * @param settings settings for all weights, replacing what was set before
     */
    public Builder weights(WeightSettings settings) {
      weights = requireNonNull(settings, "settings");
      return this;
    }

    /**
     * {@return this}
     *
     * @param id the id of a scheme, such as {@code int8}
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
     * @param profile whose formulas are followed
     */
    public Builder profile(String profile) {
      weights = weights.withProfile(profile);
      return this;
    }

    /**
     * {@return this}
     *
     * @param name an option of a plugin's own: of the scheme, a layer quantizer or a format
     * @param value its value
     */
    public Builder option(String name, String value) {
      weights = weights.withExtra(name, value);
      return this;
    }

    /**
     * {@return this}
     *
     * @param pattern layers to quantize, and only those
     */
    public Builder include(String pattern) {
      return rule(Rule.include(pattern));
    }

    /**
     * {@return this}
     *
     * @param pattern layers to keep as they are
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
     * @param kind what they are
     */
    public Builder layer(String pattern, LayerKind kind) {
      layerMap.put(pattern, requireNonNull(kind, "kind"));
      return this;
    }

    /**
     * {@return this}
     *
     * @param elements weights with fewer numbers are kept
     */
    public Builder minElements(long elements) {
      minElements = OptionalLong.of(elements);
      return this;
    }

    /**
     * {@return this}
     *
     * @param policy what to do with NaN and infinities
     */
    public Builder nonFinite(NonFinitePolicy policy) {
      nonFinite = Optional.of(policy);
      return this;
    }

    /**
     * {@return this}
     *
     * @param policy what to do where a group does not divide the columns
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
          format);
    }
  }
}
