package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantException;
import dev.monoquant.model.NumberType;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/**
 * How the program that runs a model quantizes what flows through it: the inputs of a layer, or the
 * keys and values that attention caches. The words are those of compressed-tensors
 * (QuantizationArgs).
 *
 * <p>It is a statement for loaders, written to outputs that can hold it ({@link
 * OutputFormat#holdsActivations}). What this does not do: it measures no scales, it changes no
 * weight, and decoding ignores it. Immutable.
 *
 * @param bits bits of one number: 2 to 8 for integers, 4 or 8 for floats
 * @param type integers or floats
 * @param strategy how many numbers share a scale
 * @param groupSize numbers in a group; there if the strategy has groups
 * @param symmetric whether zero is the middle of the codes; floats are symmetric
 * @param dynamic whether scales are computed while the model runs
 * @param scale the scale of the tensor that is stored with the model, as a loader reads it: a
 *     number times it is the input ({@code input_scale}), or for {@link Strategy#TENSOR_GROUP} the
 *     scales of groups over it are ({@code input_global_scale}); empty if it is not known, or
 *     computed
 */
public record ActivationQuantization(
    int bits,
    NumberType type,
    Strategy strategy,
    OptionalInt groupSize,
    boolean symmetric,
    Dynamic dynamic,
    Optional<Float> scale) {

  /** How many numbers share a scale. */
  public enum Strategy {
    /** The numbers of one token. */
    TOKEN,
    /** All numbers of a tensor. */
    TENSOR,
    /** A run of numbers of one token. */
    GROUP,
    /** A run of numbers of one token, with a second scale for the tensor. */
    TENSOR_GROUP;

    /** {@return the stable lower-case word} */
    public String wire() {
      return name().toLowerCase(Locale.ROOT);
    }

    /** {@return whether it has groups} */
    public boolean isGrouped() {
      return this == GROUP || this == TENSOR_GROUP;
    }

    /**
     * {@return the value}
     *
     * @param text {@code token}, {@code tensor}, {@code group} or {@code tensor_group}
     * @throws ConfigurationException for anything else
     */
    public static Strategy parse(String text) {
      return Arrays.stream(values())
          .filter(s -> s.wire().equals(text))
          .findFirst()
          .orElseThrow(
              () ->
                  new ConfigurationException(
                      "strategy "
                          + QuantException.quote(text)
                          + " is not known for activations; allowed are "
                          + Arrays.stream(values())
                              .map(Strategy::wire)
                              .collect(Collectors.joining(", "))));
    }
  }

  /** Whether scales are computed while the model runs. */
  public enum Dynamic {
    /** All of them are, so that nothing needs to be known of the activations. */
    YES,
    /** Those of the groups are; the scale of the tensor is stored with the model. */
    LOCAL,
    /** None is: the scale is stored with the model. */
    NO
  }

  /** Checks that the fields go together. */
  public ActivationQuantization {
    requireNonNull(type, "type");
    requireNonNull(strategy, "strategy");
    requireNonNull(dynamic, "dynamic");
    boolean known = type == NumberType.INT ? bits >= 2 && bits <= 8 : bits == 4 || bits == 8;
    if (!known) {
      throw new ConfigurationException(
          bits
              + " bits of type "
              + type.wire()
              + " are not known for activations; allowed are int with 2 to 8 bits, and float with 4"
              + " or 8");
    }
    if (type == NumberType.FLOAT && !symmetric) {
      throw new ConfigurationException("floats are symmetric: set symmetric: true");
    }
    if (strategy.isGrouped() != groupSize.isPresent() || groupSize.orElse(1) < 1) {
      throw new ConfigurationException(
          "strategy "
              + strategy.wire()
              + (strategy.isGrouped()
                  ? " needs a group_size of 1 or more. Example: {strategy: group, group_size: 128}"
                  : " has no group_size. Leave group_size out, or set strategy: group"));
    }
    if (strategy == Strategy.TOKEN && dynamic != Dynamic.YES) {
      throw new ConfigurationException("strategy token is dynamic: set dynamic: true");
    }
    scale.ifPresent(value -> requireFitting(value, symmetric, dynamic));
    if (dynamic == Dynamic.LOCAL && strategy != Strategy.TENSOR_GROUP) {
      throw new ConfigurationException(
          "dynamic: local goes with strategy tensor_group, and strategy is " + strategy.wire());
    }
  }

  /**
   * Makes activations without a known scale.
   *
   * @param bits bits of one number
   * @param type integers or floats
   * @param strategy how many numbers share a scale
   * @param groupSize numbers in a group
   * @param symmetric whether zero is the middle of the codes
   * @param dynamic whether scales are computed while the model runs
   */
  public ActivationQuantization(
      int bits,
      NumberType type,
      Strategy strategy,
      OptionalInt groupSize,
      boolean symmetric,
      Dynamic dynamic) {
    this(bits, type, strategy, groupSize, symmetric, dynamic, Optional.empty());
  }

  private static void requireFitting(float scale, boolean symmetric, Dynamic dynamic) {
    if (!(scale > 0) || !Float.isFinite(scale)) {
      throw new ConfigurationException(
          "scale " + scale + " of activations is no positive number. Example: scale: 0.0125");
    }
    if (dynamic == Dynamic.YES) {
      throw new ConfigurationException(
          "scale " + scale + " of activations goes with dynamic: false or local; true computes it");
    }
    if (!symmetric) {
      throw new ConfigurationException(
          "scale "
              + scale
              + " of activations needs a zero point too if symmetric is false, and"
              + " there is no key for it. Set symmetric: true");
    }
  }

  /**
   * {@return these activations with another scale}
   *
   * @param value the scale of the tensor; empty if it is not known
   */
  public ActivationQuantization withScale(Optional<Float> value) {
    return new ActivationQuantization(bits, type, strategy, groupSize, symmetric, dynamic, value);
  }

  /**
   * {@return symmetric numbers with a scale for each token, computed while the model runs}
   *
   * @param bits bits of one number
   * @param type integers or floats
   */
  public static ActivationQuantization perToken(int bits, NumberType type) {
    return new ActivationQuantization(
        bits, type, Strategy.TOKEN, OptionalInt.empty(), true, Dynamic.YES);
  }

  /**
   * {@return symmetric floats with a scale for each group, computed while the model runs}
   *
   * @param bits bits of one number
   * @param size numbers in a group
   */
  public static ActivationQuantization perGroup(int bits, int size) {
    return new ActivationQuantization(
        bits, NumberType.FLOAT, Strategy.GROUP, OptionalInt.of(size), true, Dynamic.YES);
  }

  /**
   * {@return such as {@code int8 token}, {@code float8 group:128} or {@code float8 tensor static}}
   */
  @Override
  public String toString() {
    return type.wire()
        + bits
        + " "
        + strategy.wire()
        + (groupSize.isPresent() ? ":" + groupSize.getAsInt() : "")
        + (symmetric ? "" : " asymmetric")
        + switch (dynamic) {
          case YES -> "";
          case LOCAL -> " local";
          case NO -> " static";
        };
  }
}
