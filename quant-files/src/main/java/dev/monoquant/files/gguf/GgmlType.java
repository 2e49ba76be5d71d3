package dev.monoquant.files.gguf;

import dev.monoquant.model.ElementType;
import java.util.Locale;
import java.util.Optional;

/**
 * The types of tensors in GGUF files. A row of a tensor is a sequence of blocks, each with the same
 * count of numbers and bytes; the numbers of a plain type are blocks of one.
 *
 * <p>Source: {@code ggml/include/ggml.h} and {@code gguf-py/gguf/constants.py} of ggml (gguf 0.19).
 * Types that ggml removed (4, 5, 31 to 33, 36 to 38) are unknown here.
 */
public enum GgmlType {
  /** float32. */
  F32(0, ElementType.FLOAT32),
  /** float16. */
  F16(1, ElementType.FLOAT16),
  /** 4 bits, symmetric, groups of 32. */
  Q4_0(2, 32, 18),
  /** 4 bits with a minimum, groups of 32. */
  Q4_1(3, 32, 20),
  /** 5 bits, symmetric, groups of 32. */
  Q5_0(6, 32, 22),
  /** 5 bits with a minimum, groups of 32. */
  Q5_1(7, 32, 24),
  /** 8 bits, symmetric, groups of 32. */
  Q8_0(8, 32, 34),
  /** 8 bits with a sum of the codes, for activations. */
  Q8_1(9, 32, 40),
  /** 2 bits, groups of 16 in blocks of 256. */
  Q2_K(10, 256, 84),
  /** 3 bits, groups of 16 in blocks of 256. */
  Q3_K(11, 256, 110),
  /** 4 bits, groups of 32 in blocks of 256. */
  Q4_K(12, 256, 144),
  /** 5 bits, groups of 32 in blocks of 256. */
  Q5_K(13, 256, 176),
  /** 6 bits, groups of 16 in blocks of 256. */
  Q6_K(14, 256, 210),
  /** 8 bits with sums of the codes, for activations. */
  Q8_K(15, 256, 292),
  /** 2 bits by a table of vectors. */
  IQ2_XXS(16, 256, 66),
  /** 2 bits by a table of vectors. */
  IQ2_XS(17, 256, 74),
  /** 3 bits by a table of vectors. */
  IQ3_XXS(18, 256, 98),
  /** 1 bit by a table of vectors. */
  IQ1_S(19, 256, 50),
  /** 4 bits by a table of 16 levels, groups of 32. */
  IQ4_NL(20, 32, 18),
  /** 3 bits by a table of vectors. */
  IQ3_S(21, 256, 110),
  /** 2 bits by a table of vectors. */
  IQ2_S(22, 256, 82),
  /** 4 bits by a table of 16 levels, groups of 32 in blocks of 256. */
  IQ4_XS(23, 256, 136),
  /** 8-bit integers. */
  I8(24, ElementType.INT8),
  /** 16-bit integers. */
  I16(25, ElementType.INT16),
  /** 32-bit integers. */
  I32(26, ElementType.INT32),
  /** 64-bit integers. */
  I64(27, ElementType.INT64),
  /** float64. */
  F64(28, ElementType.FLOAT64),
  /** 1 bit by a table of vectors. */
  IQ1_M(29, 256, 56),
  /** bfloat16. */
  BF16(30, ElementType.BFLOAT16),
  /** -1, 0 and 1, five in a byte. */
  TQ1_0(34, 256, 54),
  /** -1, 0 and 1, four in a byte. */
  TQ2_0(35, 256, 66),
  /** 4-bit floats with a power of two, groups of 32. */
  MXFP4(39, 32, 17),
  /** 4-bit floats with an 8-bit float, groups of 16 in blocks of 64. */
  NVFP4(40, 64, 36),
  /** 1 bit, groups of 128. */
  Q1_0(41, 128, 18);

  private final int id;
  private final int numbers;
  private final int bytes;
  private final Optional<ElementType> plain;

  GgmlType(int id, ElementType plain) {
    this.id = id;
    this.numbers = 1;
    this.bytes = plain.cellBytes();
    this.plain = Optional.of(plain);
  }

  GgmlType(int id, int numbers, int bytes) {
    this.id = id;
    this.numbers = numbers;
    this.bytes = bytes;
    this.plain = Optional.empty();
  }

  /** {@return the number in files} */
  public int id() {
    return id;
  }

  /** {@return the numbers in a block} */
  public int numbers() {
    return numbers;
  }

  /** {@return the bytes of a block} */
  public int bytes() {
    return bytes;
  }

  /** {@return the element type; empty for a type with blocks} */
  public Optional<ElementType> plain() {
    return plain;
  }

  /** {@return the name as part of an id: lower case, with dashes} */
  public String wire() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /**
   * {@return the type; empty if it is unknown}
   *
   * @param id the number in a file
   */
  public static Optional<GgmlType> of(int id) {
    for (GgmlType type : values()) {
      if (type.id == id) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }
}
