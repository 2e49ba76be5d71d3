package dev.monoquant.core;

import dev.monoquant.QuantizationConfig;
import java.util.Map;

final class RecipeWriter {
  private RecipeWriter() {}

  static Map<String, Object> toTree(QuantizationConfig config) {
    if (config.equals(QuantizationConfig.DEFAULT)) {
      return Map.of();
    }
    throw new UnsupportedOperationException();
  }
}
