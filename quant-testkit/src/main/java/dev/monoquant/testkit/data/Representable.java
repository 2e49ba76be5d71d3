package dev.monoquant.testkit.data;

import dev.monoquant.model.BFloat16;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Float16;

/** Which float32 values the floating point types of weights represent exactly. */
public final class Representable {

  private Representable() {}

  /**
   * {@return whether the type represents this value exactly}
   *
   * @param type FLOAT16, BFLOAT16, FLOAT32 or FLOAT64
   * @param value any finite number
   */
  public static boolean isIn(ElementType type, float value) {
    return switch (type) {
      case FLOAT16 -> Float16.round(value) == value;
      case BFLOAT16 -> BFloat16.round(value) == value;
      default -> true;
    };
  }

  /**
   * The nearest finite value of a type: values beyond its range become its largest value.
   *
   * @param type FLOAT16, BFLOAT16, FLOAT32 or FLOAT64
   * @param value any finite number
   * @return a finite number of the type
   */
  public static float clamp(ElementType type, float value) {
    return switch (type) {
      case FLOAT16 -> Float16.round(within(Float16.MAX_VALUE, value));
      case BFLOAT16 -> BFloat16.round(within(BFloat16.MAX_VALUE, value));
      default -> value;
    };
  }

  private static float within(float greatest, float value) {
    return Math.max(-greatest, Math.min(greatest, value));
  }
}
