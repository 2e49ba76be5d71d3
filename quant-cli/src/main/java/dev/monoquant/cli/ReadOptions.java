package dev.monoquant.cli;

import dev.monoquant.core.Quantizer;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** Options of the input format's own, for the commands that have no other plugins to give any. */
final class ReadOptions {

  @Option(
      names = "--option",
      paramLabel = "NAME=VALUE",
      description = "An option of the input format's own, as listed by plugins. May be repeated.")
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
