package dev.monoquant.core;

import dev.monoquant.QuantizationConfig;
import dev.monoquant.spi.ModelInput;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

@SuppressWarnings("DoNotCallSuggester")
final class Stages {
  private Stages() {}

  static Inspection inspect(Settings s, ModelInput input) {
    throw new UnsupportedOperationException();
  }

  static Plan plan(Settings s, ModelInput input, QuantizationConfig c, Optional<Path> target) {
    throw new UnsupportedOperationException();
  }

  static Report quantize(
      Settings s, ModelInput input, QuantizationConfig c, Path target, boolean overwrite) {
    throw new UnsupportedOperationException();
  }

  static QuantizedModel quantize(Settings s, ModelInput input, QuantizationConfig c) {
    throw new UnsupportedOperationException();
  }

  static QuantizedModel load(Settings s, Path path) {
    throw new UnsupportedOperationException();
  }

  static List<Path> dequantize(
      Settings s, ModelInput input, Path target, Optional<String> format, boolean overwrite) {
    throw new UnsupportedOperationException();
  }

  static Comparison compare(Settings s, ModelInput a, ModelInput b) {
    throw new UnsupportedOperationException();
  }
}
