package dev.monoquant.core;

import dev.monoquant.QuantizationConfig;
import java.util.Map;

final class RecipeParser {
  private RecipeParser() {}

  static QuantizationConfig parse(Map<String, ?> tree, String name) {
    if (tree.isEmpty()) {
      return QuantizationConfig.DEFAULT;
    }
    throw new UnsupportedOperationException(name);
  }
}
