package dev.monoquant.cli;

import dev.monoquant.core.Quantizer;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** Options of the input format, for commands without options of other plugins. */
final class ReadOptions {

  @Option(
      names = "--option",
      paramLabel = "NAME=VALUE",
      description = "An option of the input format, as listed by quant plugins. May be repeated.")
  private List<String> options = new ArrayList<>();

  Quantizer applyTo(Quantizer quantizer) {
    Quantizer changed = quantizer;
    for (String option : options) {
      String[] pair = ConfigOptions.pair("--option", option, "header-rows=1");
      changed = changed.withInputOption(pair[0], pair[1]);
    }
    return changed;
  }
}
