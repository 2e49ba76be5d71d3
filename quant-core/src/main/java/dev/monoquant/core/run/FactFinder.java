package dev.monoquant.core.run;

import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Need;
import java.util.Set;

/** Finds out about one weight, from its tiles in any order. Thread-safe. */
final class FactFinder {

  private final Set<Need> needs;
  private final long cols;
  private final long step;
  private final float[] sample;
  private float min = Float.POSITIVE_INFINITY;
  private float max = Float.NEGATIVE_INFINITY;

  FactFinder(EncodedWeight weight, Set<Need> needs) {
    long elements = weight.rows().tensor().shape().elements();
    this.needs = needs;
    this.cols = weight.rows().columnCount();
    this.step = Facts.sampleStep(elements);
    this.sample =
        new float[needs.contains(Need.TENSOR_SAMPLE) ? (int) ((elements + step - 1) / step) : 0];
  }

  /** Whether that can only be found out by reading the weight. */
  static boolean mustRead(Set<Need> needs) {
    return needs.contains(Need.TENSOR_RANGE) || needs.contains(Need.TENSOR_SAMPLE);
  }

  void see(long firstRow, float[] values, int count) {
    float least = values[0];
    float greatest = values[0];
    for (int i = 1; i < count; i++) {
      least = Math.min(least, values[i]);
      greatest = Math.max(greatest, values[i]);
    }
    long first = firstRow * cols;
    synchronized (this) {
      min = Math.min(min, least);
      max = Math.max(max, greatest);
      if (sample.length > 0) {
        // The first multiple of the step that lies within these values.
        for (long at = (first + step - 1) / step * step; at < first + count; at += step) {
          sample[(int) (at / step)] = values[(int) (at - first)];
        }
      }
    }
  }

  synchronized boolean finite() {
    return Float.isFinite(min) && Float.isFinite(max);
  }

  /** What was asked for, and nothing else. */
  synchronized Facts facts() {
    Facts facts = needs.contains(Need.TENSOR_RANGE) ? Facts.ofRange(min, max) : Facts.NONE;
    return needs.contains(Need.TENSOR_SAMPLE) ? facts.withSample(sample) : facts;
  }
}
