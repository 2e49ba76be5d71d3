package dev.monoquant.core;

import dev.monoquant.QuantizationConfig;
import java.util.Map;

final class RecipeWriter {
  private RecipeWriter() {}

  static Map<String, Object> toTree(QuantizationConfig config) {
    throw new UnsupportedOperationException();
  }
}
