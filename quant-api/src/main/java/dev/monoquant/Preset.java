package dev.monoquant;

import dev.monoquant.model.NumberType;
import dev.monoquant.spi.ActivationQuantization;
import dev.monoquant.spi.ActivationQuantization.Dynamic;
import dev.monoquant.spi.ActivationQuantization.Strategy;
import dev.monoquant.tile.Granularity;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * The names that compressed-tensors gives to common settings (PRESET_SCHEMES), each with the scheme
 * of the weights, its options, and what is done to the inputs of layers.
 *
 * <p>WnAm is n-bit integers, symmetric in groups of 128, and m-bit integers for activations, with a
 * scale for each token; 16 bits of activations are floats, which stay as they are. A preset is only
 * a shorthand: {@link WeightSettings#resolved} replaces it. Names are known in any case, but a name
 * in lower case that is the id of a scheme, such as {@code int8} or {@code fp8}, means that scheme,
 * which quantizes the weights alone.
 */
// Optional, Granularity and ActivationQuantization are immutable, but not marked so.
@SuppressWarnings("ImmutableEnumChecker")
public enum Preset {
  /** Stays in float; a preset for some layers, never for all. */
  UNQUANTIZED,
  /** Integers of 2 bits. */
  W2A16(2, 16),
  /** Integers of 2 bits, activations of 8. */
  W2A8(2, 8),
  /** Integers of 2 bits, activations of 4. */
  W2A4(2, 4),
  /** Integers of 3 bits. */
  W3A16(3, 16),
  /** Integers of 3 bits, activations of 8. */
  W3A8(3, 8),
  /** Integers of 3 bits, activations of 4. */
  W3A4(3, 4),
  /** Integers of 4 bits. */
  W4A16(4, 16),
  /** Integers of 4 bits with a zero point. */
  W4A16_ASYM("int4", Optional.of(false), Optional.of(Granularity.group(128)), Optional.empty()),
  /** Integers of 4 bits, activations of 8. */
  W4A8(4, 8),
  /** Integers of 4 bits, activations of 4. */
  W4A4(4, 4),
  /** Integers of 4 bits, floats of 8 bits for activations. */
  W4AFP8(
      "int4",
      Optional.of(true),
      Optional.of(Granularity.group(128)),
      Optional.of(ActivationQuantization.perToken(8, NumberType.FLOAT))),
  /** Integers of 5 bits. */
  W5A16(5, 16),
  /** Integers of 5 bits, activations of 8. */
  W5A8(5, 8),
  /** Integers of 6 bits. */
  W6A16(6, 16),
  /** Integers of 6 bits, activations of 8. */
  W6A8(6, 8),
  /** Integers of 7 bits. */
  W7A16(7, 16),
  /** Integers of 7 bits, activations of 8. */
  W7A8(7, 8),
  /** Integers of 8 bits. */
  W8A16(8, 16),
  /** Integers of 8 bits with a scale for each row, activations of 8. */
  W8A8(
      "int8",
      Optional.of(true),
      Optional.of(Granularity.CHANNEL),
      Optional.of(ActivationQuantization.perToken(8, NumberType.INT))),
  /** The same as {@link #W8A8}. */
  INT8(W8A8),
  /** Floats of 8 bits with one scale, and one for activations, which has to be measured. */
  FP8(
      "fp8",
      Optional.empty(),
      Optional.of(Granularity.TENSOR),
      Optional.of(
          new ActivationQuantization(
              8, NumberType.FLOAT, Strategy.TENSOR, OptionalInt.empty(), true, Dynamic.NO))),
  /** Floats of 8 bits with a scale for each row, and for each token of activations. */
  FP8_DYNAMIC(
      "fp8",
      Optional.empty(),
      Optional.of(Granularity.CHANNEL),
      Optional.of(ActivationQuantization.perToken(8, NumberType.FLOAT))),
  /** Floats of 8 bits with a scale for each block, and for each group of activations. */
  FP8_BLOCK(
      "fp8",
      Optional.empty(),
      Optional.of(Granularity.block(128, 128)),
      Optional.of(ActivationQuantization.perGroup(8, 128))),
  /** Floats of 4 bits in groups of 16, with a scale of 8 bits for each and one for the tensor. */
  NVFP4A16("nvfp4", Optional.empty(), Optional.empty(), Optional.empty()),
  /** The same, and for activations too, whose scale for the tensor has to be measured. */
  NVFP4(
      "nvfp4",
      Optional.empty(),
      Optional.empty(),
      Optional.of(
          new ActivationQuantization(
              4,
              NumberType.FLOAT,
              Strategy.TENSOR_GROUP,
              OptionalInt.of(16),
              true,
              Dynamic.LOCAL))),
  /** Floats of 4 bits in groups of 32, whose scale is a power of two. */
  MXFP4A16("mxfp4", Optional.empty(), Optional.empty(), Optional.empty()),
  /** The same, and for activations too. */
  MXFP4(
      "mxfp4",
      Optional.empty(),
      Optional.empty(),
      Optional.of(ActivationQuantization.perGroup(4, 32))),
  /** Floats of 8 bits in groups of 32, whose scale is a power of two. */
  MXFP8A16("mxfp8", Optional.empty(), Optional.empty(), Optional.empty()),
  /** The same, and for activations too. */
  MXFP8(
      "mxfp8",
      Optional.empty(),
      Optional.empty(),
      Optional.of(ActivationQuantization.perGroup(8, 32)));

  /** Names of presets that are ids of schemes in lower case, and mean these then. */
  private static final Set<String> SCHEMES = Set.of("int8", "fp8", "nvfp4", "mxfp4", "mxfp8");

  private final Optional<String> scheme;
  private final Optional<Boolean> symmetric;
  private final Optional<Granularity> granularity;
  private final Optional<ActivationQuantization> activations;

  Preset() {
    this(Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());
  }

  Preset(int bits, int activationBits) {
    this(
        "int" + bits,
        Optional.of(true),
        Optional.of(Granularity.group(128)),
        activationBits < 16
            ? Optional.of(ActivationQuantization.perToken(activationBits, NumberType.INT))
            : Optional.empty());
  }

  Preset(Preset same) {
    this(same.scheme, same.symmetric, same.granularity, same.activations);
  }

  Preset(
      String scheme,
      Optional<Boolean> symmetric,
      Optional<Granularity> granularity,
      Optional<ActivationQuantization> activations) {
    this(Optional.of(scheme), symmetric, granularity, activations);
  }

  Preset(
      Optional<String> scheme,
      Optional<Boolean> symmetric,
      Optional<Granularity> granularity,
      Optional<ActivationQuantization> activations) {
    this.scheme = scheme;
    this.symmetric = symmetric;
    this.granularity = granularity;
    this.activations = activations;
  }

  /** {@return the id of the scheme of the weights; empty if they stay in float} */
  public Optional<String> scheme() {
    return scheme;
  }

  /** {@return whether codes are symmetric; empty if the scheme has no choice} */
  public Optional<Boolean> symmetric() {
    return symmetric;
  }

  /** {@return how many weights share a scale; empty if the scheme has no choice} */
  public Optional<Granularity> granularity() {
    return granularity;
  }

  /** {@return how the inputs of layers are quantized; empty if they stay as they are} */
  public Optional<ActivationQuantization> activations() {
    return activations;
  }

  /** {@return whether scales of activations have to be measured on samples} */
  public boolean needsSamples() {
    return activations.isPresent() && activations.get().dynamic() != Dynamic.YES;
  }

  /**
   * {@return the preset of that name}
   *
   * @param name in any case; the id of a scheme in lower case is none
   */
  public static Optional<Preset> find(String name) {
    if (SCHEMES.contains(name)) {
      return Optional.empty();
    }
    String upper = name.toUpperCase(Locale.ROOT);
    for (Preset preset : values()) {
      if (preset.name().equals(upper)) {
        return Optional.of(preset);
      }
    }
    return Optional.empty();
  }

  /**
   * {@return what it stands for, such as {@code int8 channel symmetric; activations int8 token}}
   */
  public String meaning() {
    if (scheme.isEmpty()) {
      return "stays in float";
    }
    StringBuilder text = new StringBuilder(scheme.get());
    granularity.ifPresent(g -> text.append(' ').append(g.wire()));
    symmetric.ifPresent(s -> text.append(s ? " symmetric" : " asymmetric"));
    activations.ifPresent(a -> text.append("; activations ").append(a));
    return text.toString();
  }
}
