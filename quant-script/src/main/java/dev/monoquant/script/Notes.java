package dev.monoquant.script;

import dev.monoquant.spi.EncodedWeight;
import java.util.ArrayList;
import java.util.List;

/** Writes the note of a weight for the report. */
final class Notes {

  private Notes() {}

  static Treatment of(EncodedWeight weight, Holder holder) {
    List<String> said = new ArrayList<>();
    Plan plan = holder.plan();
    Codec codec = holder.codec();
    Mode mode = holder.mode();
    if (!plan.product() && !plan.embedding() && plan.window().isEmpty()) {
      said.add(
          plan.decoded()
              ? "decoded once when the model is loaded, no int8 kernel does what the code uses it"
                  + " for"
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
      kernels(plan, codec, said);
    }
    if (!codec.weight().name().equals(weight.name())) {
      said.add("one tensor with " + codec.weight().name());
    }
    return new Treatment(weight.name(), mode, String.join("; ", said));
  }

  private static void kernels(Plan plan, Codec codec, List<String> said) {
    String rounded = ", decoded and rounded to int8 for each row when the model is loaded";
    if (plan.product()) {
      said.add("int8 products" + (codec.isKernel(plan.transposed()) ? "" : rounded));
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
      said.add("other uses get the weight decoded once when the model is loaded");
    }
  }
}
