package dev.monoquant.io.compressedtensors;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** What one of the loaders cannot do with weights that the format can hold, in sentences. */
final class LoaderLimits {

  /**
   * The settings that transformers uses to decode: layers that differ in them are decoded wrongly
   * with another group.
   */
  private record Codes(Form form, int bits, boolean symmetric, Strategy strategy) {
    static Codes of(ModuleWeight weight) {
      WeightArguments arguments = weight.arguments();
      return new Codes(
          weight.form(), arguments.bits(), arguments.symmetric(), arguments.strategy());
    }

    String text() {
      String codes = form == Form.PACK ? bits + " bits" : form.wire();
      return codes + " per " + strategy.granularity().wire() + (symmetric ? "" : " with zero points");
    }
  }

  private LoaderLimits() {}

  /** {@return what the user should know, empty if all loaders can do all of it} */
  static List<String> of(List<ModuleWeight> weights) {
    List<String> notes = new ArrayList<>();
    twoSchemesOutsideExperts(weights).ifPresent(notes::add);
    expertsWithZeroPoints(weights).ifPresent(notes::add);
    return notes;
  }

  /** Seen in transformers 5.24: {@code get_dense_scheme}. */
  private static Optional<String> twoSchemesOutsideExperts(List<ModuleWeight> weights) {
    List<Codes> codes =
        weights.stream()
            .filter(w -> FusedLayers.mixture(w.module()).isEmpty())
            .map(Codes::of)
            .distinct()
            .toList();
    return codes.size() < 2
        ? Optional.empty()
        : Optional.of(
            "layers outside of experts are quantized in "
                + codes.size()
                + " ways ("
                + codes.stream().map(Codes::text).sorted().collect(Collectors.joining(", "))
                + "): transformers, asked to dequantize a model while it loads it"
                + " (CompressedTensorsConfig(dequantize=True)), decodes all of them by the first"
                + " group. Its default, which decodes later, and vLLM follow the groups");
  }

  /** Seen in transformers 5.24: its converter of experts does not know zero points. */
  private static Optional<String> expertsWithZeroPoints(List<ModuleWeight> weights) {
    return weights.stream()
            .anyMatch(
                w -> !w.arguments().symmetric() && FusedLayers.mixture(w.module()).isPresent())
        ? Optional.of(
            "experts have zero points: vLLM loads them, transformers refuses such a model; choose"
                + " symmetric codes (--symmetric) for transformers")
        : Optional.empty();
  }
}
