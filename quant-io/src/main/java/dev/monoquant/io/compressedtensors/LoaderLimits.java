package dev.monoquant.io.compressedtensors;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.model.WeightMatrix;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/** Describes which valid weights a loader cannot load or run, in sentences. */
final class LoaderLimits {

  /** Widths and groups that the kernels of vLLM for packed integers support. */
  private static final Set<Integer> WIDTHS = Set.of(4, 8);

  private static final Set<Integer> GROUPS = Set.of(32, 64, 128);

  /** Widths of tables; vLLM takes a word of 32 bits for a whole number of codes. */
  private static final Set<Integer> TABLE_WIDTHS = Set.of(2, 4, 8);

  private static final String NO_KERNEL = ": vLLM has no kernel for them. ";

  /**
   * The settings that transformers uses to decode: it decodes a layer wrongly by a group with other
   * settings.
   */
  private record Codes(Form form, int bits, boolean symmetric, Strategy strategy) {
    static Codes of(ModuleWeight weight) {
      WeightArguments arguments = weight.arguments();
      return new Codes(
          weight.form(), arguments.bits(), arguments.symmetric(), arguments.strategy());
    }

    String text() {
      String codes = form == Form.PACK ? bits + " bits" : form.wire();
      return codes
          + " per "
          + strategy.granularity().wire()
          + (symmetric ? "" : " with zero points");
    }
  }

  private final List<ModuleWeight> weights;
  private final List<String> notes = new ArrayList<>();

  private LoaderLimits(List<ModuleWeight> weights) {
    this.weights = weights;
  }

  /** {@return the limits for the user, empty if all loaders support all weights} */
  static List<String> of(List<ModuleWeight> weights) {
    LoaderLimits limits = new LoaderLimits(weights);
    limits.twoSchemesOutsideExperts().ifPresent(limits.notes::add);
    limits.zeroPoints();
    limits.experts();
    limits.kernels();
    limits.tables();
    return limits.notes;
  }

  /**
   * {@return the sentences on weights that a loader decodes wrongly without a message, or that keep
   * it from loading the model; empty if none}
   *
   * <p>Seen in transformers 5.24: {@code CompressedTensorsDequantize.convert} passes on the codes
   * and scales of an expert, but not its global scale.
   */
  static List<String> warnings(List<ModuleWeight> weights) {
    List<String> warnings = new ArrayList<>();
    if (weights.stream().anyMatch(w -> isExpert(w) && w.form() == Form.NVFP4)) {
      warnings.add(
          "experts are nvfp4-pack-quantized: vLLM loads them, transformers 5.24 leaves out their"
              + " global scale and decodes wrong numbers without a word; choose mxfp4, fp8 per"
              + " channel or integers for transformers");
    }
    if (weights.stream().anyMatch(LoaderLimits::isPackedTable)
        && outsideExperts(weights).size() > 1) {
      warnings.add(
          "a table of embeddings has packed codes, and other layers are quantized in another way:"
              + " transformers 5.24 does not load such a model; quantize all in one way without"
              + " activations, leave the table in float, or choose fp8 for it");
    }
    return warnings;
  }

  /** The ways in which the layers outside of experts are quantized. */
  private static List<Codes> outsideExperts(List<ModuleWeight> weights) {
    return weights.stream().filter(w -> !isExpert(w)).map(Codes::of).distinct().toList();
  }

  /** Whether a loader finds no tensor with the name of the table's weight. */
  private static boolean isPackedTable(ModuleWeight weight) {
    return weight.isTable() && !weight.form().codes().equals(StoredWeight.CODES);
  }

  /** Seen in transformers 5.24: {@code get_dense_scheme}. */
  private Optional<String> twoSchemesOutsideExperts() {
    List<Codes> codes = outsideExperts(weights);
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

  /**
   * Seen in transformers 5.24 with compressed-tensors 0.20: it expects zero points of another
   * shape.
   */
  private void zeroPoints() {
    boolean packed =
        weights.stream()
            .anyMatch(
                w ->
                    w.form() == Form.PACK
                        && !w.arguments().symmetric()
                        && !(w.arguments().strategy() instanceof Strategy.Tensor));
    if (packed) {
      notes.add(
          "packed weights have zero points: transformers 5.24 loads them only with"
              + " CompressedTensorsConfig(dequantize=True); vLLM loads them");
    }
  }

  /** Seen in transformers 5.24: {@code CompressedTensorsDequantize.convert}. */
  private void experts() {
    if (weights.stream().anyMatch(w -> isExpert(w) && !w.arguments().symmetric())) {
      notes.add(
          "experts have zero points: vLLM loads them, transformers refuses such a model; choose"
              + " symmetric codes (--symmetric) for transformers");
    }
    if (weights.stream().anyMatch(w -> isExpert(w) && isRefused(w))) {
      notes.add(
          "experts have a form that vLLM loads and transformers 5.24 does not (int-quantized,"
              + " mxfp8-quantized, FP8 in blocks or groups): it fails to load the model; choose"
              + " fp8 per channel, mxfp4 or integers alone for transformers");
    }
  }

  private static boolean isRefused(ModuleWeight weight) {
    Strategy strategy = weight.arguments().strategy();
    boolean wholeRows = strategy instanceof Strategy.Tensor || strategy instanceof Strategy.Channel;
    return switch (weight.form()) {
      case PACK, MXFP4, NVFP4 -> false;
      case INT, MXFP8 -> true;
      case FLOAT, NAIVE -> !wholeRows;
    };
  }

  private static boolean isExpert(ModuleWeight weight) {
    return FusedLayers.mixture(weight.module()).isPresent();
  }

  /** As of vLLM 0.33: the kernels for packed integers, W8A8, FP8 in blocks and FP4. */
  private void kernels() {
    add(
        w -> !w.isTable() && w.form() == Form.PACK && !WIDTHS.contains(w.arguments().bits()),
        "of other than 4 or 8 bits",
        "transformers decodes them");
    add(
        w -> !w.isTable() && w.form() == Form.PACK && !isKnownGroup(w.arguments().strategy()),
        "with other scales than for each row (channel) or group of 32, 64 or 128",
        "transformers decodes them");
    add(
        w -> w.form() == Form.INT && !w.arguments().symmetric(),
        "with zero points whose inputs are quantized",
        "choose symmetric codes (--symmetric)");
    add(
        w ->
            w.form() == Form.INT
                && w.arguments().bits() == 8
                && w.arguments().strategy().groupSize() > 0,
        "of 8 bits in groups whose inputs are quantized",
        "choose --granularity channel");
    add(
        w -> !w.isTable() && isMarlin(w) && (columns(w) % 128 != 0 || rows(w) % 64 != 0),
        "whose inputs are no multiple of 128, or outputs of 64",
        "They stay usable in transformers; exclude them for vLLM");
    add(
        w ->
            w.arguments().strategy() instanceof Strategy.Block block
                && (columns(w) % block.columns() != 0 || rows(w) % block.rows() != 0),
        "whose sides are no multiples of their blocks",
        "They stay usable in transformers; exclude them for vLLM");
  }

  /**
   * As of vLLM 0.33: {@code CompressedTensorsEmbeddingWNA16Int}. Seen in transformers 5.24: {@code
   * _init_weights} asks each table for its {@code weight}.
   */
  private void tables() {
    if (weights.stream().anyMatch(LoaderLimits::isPackedTable)
        && outsideExperts(weights).size() == 1) {
      notes.add(
          "a table of embeddings has packed codes: transformers 5.24 loads the model only with"
              + " CompressedTensorsConfig(dequantize=True)");
    }
    add(
        w ->
            w.isTable()
                && !(w.form() == Form.PACK
                    && TABLE_WIDTHS.contains(w.arguments().bits())
                    && w.arguments().symmetric()
                    && (w.arguments().strategy() instanceof Strategy.Channel
                        || w.arguments().strategy() instanceof Strategy.Group)),
        "of the kind Embedding",
        "It looks up symmetric integers of 2, 4 or 8 bits, per channel or in groups; transformers"
            + " decodes them");
  }

  private static boolean isKnownGroup(Strategy strategy) {
    return strategy instanceof Strategy.Channel || GROUPS.contains(strategy.groupSize());
  }

  /** Whether the Marlin kernels, which quantize no inputs, accept the weight. */
  private static boolean isMarlin(ModuleWeight weight) {
    boolean packed =
        weight.form() == Form.PACK
            && WIDTHS.contains(weight.arguments().bits())
            && isKnownGroup(weight.arguments().strategy());
    boolean fp4 = weight.form() == Form.NVFP4 || weight.form() == Form.MXFP4;
    return packed || fp4;
  }

  private static long rows(ModuleWeight weight) {
    return matrix(weight).rowCount();
  }

  private static long columns(ModuleWeight weight) {
    return matrix(weight).columnCount();
  }

  private static WeightMatrix matrix(ModuleWeight weight) {
    return weight.weight().matrix();
  }

  private void add(Predicate<ModuleWeight> limit, String kind, String remedy) {
    List<String> layers =
        weights.stream().filter(limit).map(ModuleWeight::module).limit(3).toList();
    if (layers.isEmpty()) {
      return;
    }
    long count = weights.stream().filter(limit).count();
    notes.add(
        count
            + (count == 1 ? " layer " : " layers ")
            + kind
            + ", such as "
            + quote(layers.get(0))
            + NO_KERNEL
            + remedy);
  }
}
