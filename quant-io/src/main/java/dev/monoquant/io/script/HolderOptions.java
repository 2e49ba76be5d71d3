package dev.monoquant.io.script;

import dev.monoquant.spi.OptionSpec;
import java.util.List;

/** The options of a weight that is held quantized in TorchScript. */
public final class HolderOptions {

  /** How the weight is executed, one of {@link Mode#wires()}. */
  public static final OptionSpec<String> MODE =
      OptionSpec.choice(
          "mode",
          Mode.DYNAMIC_ROW.wire(),
          Mode.wires(),
          "How a quantized weight is executed; dynamic is the fastest, weight-only the most exact");

  /** Below how many numbers a weight is left alone. */
  public static final OptionSpec<Integer> SMALL =
      OptionSpec.integer(
          "small",
          65_536,
          0,
          Integer.MAX_VALUE,
          "Weights with fewer numbers are kept as they are, since they would not gain");

  private HolderOptions() {}

  /** {@return all of them} */
  public static List<OptionSpec<?>> all() {
    return List.of(MODE, SMALL);
  }
}
