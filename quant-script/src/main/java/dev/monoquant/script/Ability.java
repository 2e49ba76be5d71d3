package dev.monoquant.script;

import java.util.Locale;

/**
 * What holders of a library can do. Code for anything else is left out: libtorch compiles all
 * methods of a class when it loads a program, and each branch of those that it calls. Never persist
 * {@link #ordinal()}.
 */
enum Ability {
  /** They are factors of products. */
  LINEAR,
  /** They are kernels of convolutions. */
  CONV,
  /** Their rows are looked up. */
  EMBED,
  /** Kernels take their codes, in one of the modes that follow, but for {@link #WEIGHT_ONLY}. */
  INT8,
  /** See {@link Mode#WEIGHT_ONLY}. */
  WEIGHT_ONLY,
  /** See {@link Mode#DYNAMIC}. */
  DYNAMIC,
  /** See {@link Mode#DYNAMIC_ROW}. */
  DYNAMIC_ROW,
  /** See {@link Mode#DYNAMIC_ROW_ASYMMETRIC}. */
  DYNAMIC_ROW_ASYMMETRIC,
  /** See {@link Mode#STATIC}. */
  STATIC,
  /** They take inputs that are prepared for several weights. */
  SHARE,
  /** They take codes of other layers, or give them. */
  CHAIN,
  /** They measure themselves, see {@link TimedProgram}. */
  TIMED;

  /** {@return its stable name, in conditions of sources} */
  String wire() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** {@return the mode as an ability} */
  static Ability of(Mode mode) {
    return valueOf(mode.name());
  }
}
