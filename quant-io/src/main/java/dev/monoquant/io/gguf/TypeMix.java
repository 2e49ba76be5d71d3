package dev.monoquant.io.gguf;

import dev.monoquant.files.gguf.GgmlType;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * The mixes of types that llama-quantize makes, by its names. Each is named after the type of most
 * weights; {@link MixRules} has the exceptions.
 *
 * <p>Source: {@code tools/quantize/quantize.cpp} and {@code include/llama.h} of llama.cpp. What is
 * missing: mixes of types that are not written here (IQ1 to IQ3, TQ1_0, TQ2_0, Q1_0, Q2_0).
 */
enum TypeMix {
  Q4_0(2, GgmlType.Q4_0),
  Q4_1(3, GgmlType.Q4_1),
  Q8_0(7, GgmlType.Q8_0),
  Q5_0(8, GgmlType.Q5_0),
  Q5_1(9, GgmlType.Q5_1),
  Q2_K(10, GgmlType.Q2_K),
  Q3_K_S(11, GgmlType.Q3_K),
  Q3_K_M(12, GgmlType.Q3_K),
  Q3_K_L(13, GgmlType.Q3_K),
  Q4_K_S(14, GgmlType.Q4_K),
  Q4_K_M(15, GgmlType.Q4_K),
  Q5_K_S(16, GgmlType.Q5_K),
  Q5_K_M(17, GgmlType.Q5_K),
  Q6_K(18, GgmlType.Q6_K),
  Q2_K_S(21, GgmlType.Q2_K),
  IQ4_NL(25, GgmlType.IQ4_NL),
  IQ4_XS(30, GgmlType.IQ4_XS),
  MXFP4_MOE(38, GgmlType.MXFP4);

  private static final String MEDIUM = "_M";

  private final int fileType;
  private final GgmlType type;

  TypeMix(int fileType, GgmlType type) {
    this.fileType = fileType;
    this.type = type;
  }

  /** {@return the number in {@code general.file_type}} */
  int fileType() {
    return fileType;
  }

  /** {@return the type of most weights} */
  GgmlType type() {
    return type;
  }

  /** {@return all names, those of the types that stand for their medium mixes among them} */
  static List<String> names() {
    List<String> names = new ArrayList<>();
    for (TypeMix mix : values()) {
      if (mix.name().endsWith(MEDIUM)) {
        names.add(mix.name().substring(0, mix.name().length() - MEDIUM.length()));
      }
      names.add(mix.name());
    }
    return names;
  }

  /**
   * {@return the mix of that name; Q3_K, Q4_K and Q5_K stand for their medium mixes}
   *
   * @param name a name in any case
   */
  static Optional<TypeMix> find(String name) {
    String upper = name.toUpperCase(Locale.ROOT);
    for (TypeMix mix : values()) {
      if (mix.name().equals(upper) || mix.name().equals(upper + MEDIUM)) {
        return Optional.of(mix);
      }
    }
    return Optional.empty();
  }
}
