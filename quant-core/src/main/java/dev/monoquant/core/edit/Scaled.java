package dev.monoquant.core.edit;

/** A place with its factors. */
final class Scaled {

  private final Place place;
  private final float[] factors;
  private final double alpha;
  private final double error;

  /**
   * @param place where they go
   * @param factors one for each column of the multiplied weights, positive and finite. Not copied
   * @param alpha the power that gave them
   * @param error the error of the group's outputs in parts of that without factors
   */
  Scaled(Place place, float[] factors, double alpha, double error) {
    this.place = place;
    this.factors = factors;
    this.alpha = alpha;
    this.error = error;
  }

  Place place() {
    return place;
  }

  float[] factors() {
    return factors;
  }

  double alpha() {
    return alpha;
  }

  double error() {
    return error;
  }

  float least() {
    float least = Float.POSITIVE_INFINITY;
    for (float factor : factors) {
      least = Math.min(least, factor);
    }
    return least;
  }

  float greatest() {
    float greatest = 0;
    for (float factor : factors) {
      greatest = Math.max(greatest, factor);
    }
    return greatest;
  }
}
