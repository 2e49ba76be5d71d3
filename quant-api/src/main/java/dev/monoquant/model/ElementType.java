package dev.monoquant.model;

import dev.monoquant.ConfigurationException;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The element types of tensors, each with its stable wire name.
 *
 * <p>Types that safetensors supports have the wire names of its headers. Safetensors does not
 * support {@link #INT2} to {@link #UINT7}: they describe codes, and each output format defines how
 * it stores codes. Never persist {@link #ordinal()}.
 */
public enum ElementType {
  /** One byte per value; zero is false. */
  BOOL("BOOL", 8, Family.BOOL, false),
  /** 8-bit unsigned integer. */
  UINT8("U8", 8, Family.INTEGER, false),
  /** 8-bit signed integer, two's complement. */
  INT8("I8", 8, Family.INTEGER, true),
  /** 16-bit signed integer. */
  INT16("I16", 16, Family.INTEGER, true),
  /** 16-bit unsigned integer. */
  UINT16("U16", 16, Family.INTEGER, false),
  /** IEEE 754 binary16. */
  FLOAT16("F16", 16, Family.FLOAT, true),
  /** The upper half of binary32. */
  BFLOAT16("BF16", 16, Family.FLOAT, true),
  /** 32-bit signed integer. */
  INT32("I32", 32, Family.INTEGER, true),
  /** 32-bit unsigned integer. */
  UINT32("U32", 32, Family.INTEGER, false),
  /** IEEE 754 binary32. */
  FLOAT32("F32", 32, Family.FLOAT, true),
  /** IEEE 754 binary64. */
  FLOAT64("F64", 64, Family.FLOAT, true),
  /** 64-bit signed integer. */
  INT64("I64", 64, Family.INTEGER, true),
  /** 64-bit unsigned integer. */
  UINT64("U64", 64, Family.INTEGER, false),
  /** Two binary32: real, imaginary. */
  COMPLEX64("C64", 64, Family.COMPLEX, true),
  /** FP8, 4 exponent bits, no infinities. */
  FLOAT8_E4M3("F8_E4M3", 8, Family.SMALL_FLOAT, true),
  /** FP8, 5 exponent bits. */
  FLOAT8_E5M2("F8_E5M2", 8, Family.SMALL_FLOAT, true),
  /** FP8 power-of-two scale. */
  FLOAT8_E8M0("F8_E8M0", 8, Family.SMALL_FLOAT, false),
  /** FP8 variant of some accelerators, no negative zero. */
  FLOAT8_E4M3FNUZ("F8_E4M3FNUZ", 8, Family.SMALL_FLOAT, true),
  /** FP8 variant of some accelerators, no negative zero. */
  FLOAT8_E5M2FNUZ("F8_E5M2FNUZ", 8, Family.SMALL_FLOAT, true),
  /** FP6, 2 exponent bits, packed in files. */
  FLOAT6_E2M3("F6_E2M3", 6, Family.SMALL_FLOAT, true),
  /** FP6, 3 exponent bits, packed in files. */
  FLOAT6_E3M2("F6_E3M2", 6, Family.SMALL_FLOAT, true),
  /** FP4, packed in files. */
  FLOAT4("F4", 4, Family.SMALL_FLOAT, true),
  /** 2-bit signed code. */
  INT2("I2", 2, Family.CODE, true),
  /** 3-bit signed code. */
  INT3("I3", 3, Family.CODE, true),
  /** 4-bit signed code. */
  INT4("I4", 4, Family.CODE, true),
  /** 5-bit signed code. */
  INT5("I5", 5, Family.CODE, true),
  /** 6-bit signed code. */
  INT6("I6", 6, Family.CODE, true),
  /** 7-bit signed code. */
  INT7("I7", 7, Family.CODE, true),
  /** 1-bit unsigned code. */
  UINT1("U1", 1, Family.CODE, false),
  /** 2-bit unsigned code. */
  UINT2("U2", 2, Family.CODE, false),
  /** 3-bit unsigned code. */
  UINT3("U3", 3, Family.CODE, false),
  /** 4-bit unsigned code. */
  UINT4("U4", 4, Family.CODE, false),
  /** 5-bit unsigned code. */
  UINT5("U5", 5, Family.CODE, false),
  /** 6-bit unsigned code. */
  UINT6("U6", 6, Family.CODE, false),
  /** 7-bit unsigned code. */
  UINT7("U7", 7, Family.CODE, false);

  private enum Family {
    BOOL,
    INTEGER,
    FLOAT,
    COMPLEX,
    SMALL_FLOAT,
    CODE
  }

  private final String wire;
  private final int bits;
  private final Family family;
  private final boolean signed;

  ElementType(String wire, int bits, Family family, boolean signed) {
    this.wire = wire;
    this.bits = bits;
    this.family = family;
    this.signed = signed;
  }

  /** {@return the stable name, equal to the safetensors name if there is one} */
  public String wire() {
    return wire;
  }

  /** {@return bits of one element in a packed tensor without gaps} */
  public int bits() {
    return bits;
  }

  /**
   * Bytes of one element in memory: an element below 8 bits takes one byte in a {@link
   * dev.monoquant.tile.EncodedTile}.
   *
   * @return 1, 2, 4 or 8
   */
  public int cellBytes() {
    return Math.max(1, bits / 8);
  }

  /** {@return whether the type has negative values} */
  public boolean signed() {
    return signed;
  }

  /**
   * Whether schemes accept weights of this type as input.
   *
   * @return true for FLOAT16, BFLOAT16, FLOAT32 and FLOAT64
   */
  public boolean isQuantizable() {
    return family == Family.FLOAT;
  }

  /**
   * {@return whether elements are floating point numbers of any size, those of 4 to 8 bits
   * included}
   */
  public boolean isFloatingPoint() {
    return family == Family.FLOAT || family == Family.SMALL_FLOAT;
  }

  /** {@return whether elements are floating point numbers of 4 to 8 bits} */
  public boolean isSmallFloat() {
    return family == Family.SMALL_FLOAT;
  }

  /**
   * Whether elements are integers of at most 8 bits, used as the codes of a scheme.
   *
   * @return true for INT2 to INT8 and UINT1 to UINT8
   */
  public boolean isCode() {
    return family == Family.CODE || this == INT8 || this == UINT8;
  }

  /**
   * Whether a safetensors header may name this type.
   *
   * @return false for the codes below 8 bits
   */
  public boolean isSafetensors() {
    return family != Family.CODE;
  }

  /**
   * {@return the smallest value of a code type}
   *
   * @throws IllegalStateException if {@link #isCode()} is false
   */
  public int minCode() {
    requireCode();
    return signed ? -(1 << (bits - 1)) : 0;
  }

  /**
   * {@return the largest value of a code type}
   *
   * @throws IllegalStateException if {@link #isCode()} is false
   */
  public int maxCode() {
    requireCode();
    return signed ? (1 << (bits - 1)) - 1 : (1 << bits) - 1;
  }

  /**
   * The largest finite value of a floating point type, such as 448 for {@link #FLOAT8_E4M3}.
   *
   * @return that value; for FLOAT64 the largest float32, because schemes receive values as floats
   * @throws IllegalArgumentException if {@link #isFloatingPoint()} is false
   */
  public float maxValue() {
    return switch (this) {
      case FLOAT16 -> Float16.MAX_VALUE;
      case BFLOAT16 -> BFloat16.MAX_VALUE;
      case FLOAT32, FLOAT64 -> Float.MAX_VALUE;
      default -> small().maxValue();
    };
  }

  /**
   * Rounds a float to the nearest value of a floating point type, ties to even. Subnormals are
   * kept, and so is the sign of zero if the type has a negative zero.
   *
   * <p>A value that exceeds {@link #maxValue()} by half a step or more becomes infinite if the type
   * has infinities (F16, BF16, F8_E5M2); otherwise it becomes {@code maxValue()} with its sign, as
   * after clamping (torch casts such a value to NaN in F8_E4M3). F8_E8M0 has neither zero nor
   * negative values: these become 2^-127, and the midpoint of two powers rounds up, as in torch.
   * NaN stays NaN.
   *
   * @param value any float
   * @return the rounded value, exact as a float; for FLOAT32 and FLOAT64 the value itself
   * @throws IllegalArgumentException if {@link #isFloatingPoint()} is false; and for NaN, if the
   *     type has none (F4, F6_E2M3, F6_E3M2)
   */
  public float round(float value) {
    return switch (this) {
      case FLOAT16 -> Float16.round(value);
      case BFLOAT16 -> BFloat16.round(value);
      case FLOAT32, FLOAT64 -> value;
      default -> decode(encode(value));
    };
  }

  /**
   * Decodes a cell of one byte.
   *
   * @param cell the byte, such as one of a {@link dev.monoquant.tile.EncodedTile}
   * @return the code or the small float; NaN if the byte encodes NaN or is not a cell of the type,
   *     such as 0x1F for F4
   * @throws IllegalArgumentException if the type is neither a code nor a small float
   */
  public float decode(byte cell) {
    if (!isCode()) {
      return small().decode(cell);
    }
    int code = signed ? cell : cell & 0xFF;
    return code >= minCode() && code <= maxCode() ? code : Float.NaN;
  }

  /**
   * Encodes the value that {@link #round} returns; the inverse of {@link #decode}.
   *
   * @param value any float
   * @return the bits of a small float in the low bits of a byte
   * @throws IllegalArgumentException if {@link #isSmallFloat()} is false, or for NaN, if the type
   *     has none
   */
  public byte encode(float value) {
    return (byte) small().encode(value);
  }

  private SmallFloat small() {
    return switch (this) {
      case FLOAT8_E4M3 -> SmallFloat.E4M3;
      case FLOAT8_E5M2 -> SmallFloat.E5M2;
      case FLOAT8_E4M3FNUZ -> SmallFloat.E4M3FNUZ;
      case FLOAT8_E5M2FNUZ -> SmallFloat.E5M2FNUZ;
      case FLOAT8_E8M0 -> SmallFloat.E8M0;
      case FLOAT6_E3M2 -> SmallFloat.E3M2;
      case FLOAT6_E2M3 -> SmallFloat.E2M3;
      case FLOAT4 -> SmallFloat.E2M1;
      default ->
          throw new IllegalArgumentException(wire + " is no floating point type of 4 to 8 bits");
    };
  }

  private void requireCode() {
    if (!isCode()) {
      throw new IllegalStateException(wire + " is no code type");
    }
  }

  /**
   * {@return the type, or empty if no type has that name}
   *
   * @param wire a wire name, case-sensitive
   */
  public static Optional<ElementType> find(String wire) {
    return Arrays.stream(values()).filter(t -> t.wire.equals(wire)).findFirst();
  }

  /**
   * {@return the type}
   *
   * @param wire a wire name, case-sensitive
   * @throws ConfigurationException if no type has that name; the message lists all names
   */
  public static ElementType of(String wire) {
    return find(wire)
        .orElseThrow(
            () ->
                new ConfigurationException(
                    "no element type "
                        + wire
                        + "; there are "
                        + Arrays.stream(values())
                            .map(ElementType::wire)
                            .collect(Collectors.joining(", "))));
  }

  /**
   * The integer code type with a number of bits.
   *
   * @param bits 1 to 8
   * @param signed whether codes are two's complement; signed codes have at least 2 bits
   * @return the type
   * @throws ConfigurationException if there is none
   */
  public static ElementType code(int bits, boolean signed) {
    return Arrays.stream(values())
        .filter(t -> t.isCode() && t.bits == bits && t.signed == signed)
        .findFirst()
        .orElseThrow(
            () ->
                new ConfigurationException(
                    String.format(
                        Locale.ROOT,
                        "no %s code of %d bits; allowed are %s",
                        signed ? "signed" : "unsigned",
                        bits,
                        signed ? "2 to 8" : "1 to 8")));
  }
}
