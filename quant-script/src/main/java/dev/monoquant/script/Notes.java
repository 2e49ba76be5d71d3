package dev.monoquant.script;

import dev.monoquant.spi.EncodedWeight;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;

/** Writes the note of a weight for the report. */
final class Notes {

  /** The most functions in a note. */
  private static final int MOST_SHOWN = 3;

  /** The fast paths of encoder layers and attention, which take all weights of a layer. */
  private static final Set<String> FUSED =
      Set.of("torch._transformer_encoder_layer_fwd", "torch._native_multi_head_attention");

  private Notes() {}

  /**
   * {@return the note of a weight}
   *
   * @param others the functions that take it decoded, in order
   */
  static Treatment of(EncodedWeight weight, Holder holder, Collection<String> others) {
    List<String> said = new ArrayList<>();
    Plan plan = holder.plan();
    Codec codec = holder.codec();
    Mode mode = holder.mode();
    String fused = fused(others);
    if (!fused.isEmpty()) {
      said.add(
          fused
              + (plan.product() && mode != Mode.WEIGHT_ONLY ? ", by int8 products elsewhere" : ""));
      said.add(
          "trace the model after torch.backends.mha.set_fastpath_enabled(False) for int8 kernels"
              + " everywhere");
    } else if (!plan.product() && !plan.embedding() && plan.window().isEmpty()) {
      said.add(
          plan.decoded()
              ? "decoded once when the model is loaded, no int8 kernel does what the code uses it"
                  + " for"
                  + named(others)
              : "the code does not use it");
    } else if (mode == Mode.WEIGHT_ONLY) {
      said.add(
          holder.requested() != mode
              ? "decoded once when the model is loaded: " + holder.limit().orElseThrow()
              : weight.storage().get(HolderOptions.MODE).equals(mode.wire())
                  ? "decoded once when the model is loaded"
                  : "too small to gain from an int8 kernel (option small), decoded once when the model is"
                      + " loaded");
    } else {
      kernels(plan, codec, said, named(others));
      if (holder.given().isPresent()) {
        said.add("hands on int8");
      }
      boolean ranged = plan.product() || plan.window().isPresent();
      if (ranged && mode == Mode.DYNAMIC && isStatic(weight)) {
        said.add("the range of its inputs is not known, so that it is computed in each call");
      }
    }
    if (!codec.weight().name().equals(weight.name())) {
      said.add("one tensor with " + codec.weight().name());
    }
    return new Treatment(weight.name(), mode, String.join("; ", said));
  }

  private static boolean isStatic(EncodedWeight weight) {
    return weight.storage().get(HolderOptions.MODE).equals(Mode.STATIC.wire());
  }

  private static String fused(Collection<String> functions) {
    List<String> fused = functions.stream().filter(FUSED::contains).toList();
    return fused.isEmpty()
        ? ""
        : "decoded once when the model is loaded and run in float where a fused layer of PyTorch takes it"
            + named(fused);
  }

  private static String named(Collection<String> functions) {
    List<String> shown = functions.stream().limit(MOST_SHOWN).toList();
    return shown.isEmpty()
        ? ""
        : " (" + String.join(", ", shown) + (functions.size() > shown.size() ? ", ..." : "") + ")";
  }

  private static void kernels(Plan plan, Codec codec, List<String> said, String others) {
    String rounded = ", decoded and rounded to int8 for each row when the model is loaded";
    if (plan.product()) {
      said.add(
          "int8 products"
              + (codec.isDivided() ? " of inputs divided by factors of columns" : "")
              + (codec.isKernel(plan.transposed()) ? "" : rounded));
    }
    if (plan.window().isPresent()) {
      said.add("int8 convolution" + (codec.isWindowKernel() ? "" : rounded));
    }
    if (plan.embedding()) {
      said.add(
          plan.decoded()
              ? "rows looked up in the decoded table"
              : codec.isTable() ? "int8 table" : "rows decoded as they are looked up");
    }
    if (plan.decoded()) {
      said.add("other uses" + others + " get the weight decoded once when the model is loaded");
    }
  }
}
