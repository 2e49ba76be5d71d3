package dev.monoquant.cli;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantException;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.control.ModelRuns;
import dev.monoquant.core.control.SampleInputs;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options for running models: their inputs and bounds. */
final class SampleOptions {

  private static final Map<String, Long> TIMES = Map.of("s", 1L, "m", 60L, "h", 3600L);
  private static final Map<String, Long> SIZES =
      Map.of("k", 1L << 10, "m", 1L << 20, "g", 1L << 30);

  @Option(
      names = "--sample",
      paramLabel = "FILE",
      description =
          "Inputs to run the models with: a .safetensors or .npz file, or a directory of such, with"
              + " an array for each parameter of forward: of an int, float, bool or text one number or text, of a"
              + " list its numbers (.npz), and METHOD:NAME for other methods. May be repeated."
              + " Without it, inputs are generated if the first layer determines their shape.")
  private List<Path> samples = new ArrayList<>();

  @Option(
      names = "--trust",
      description =
          "Run models whose code may do other things than compute, such as write files. Without it"
              + " they are refused.")
  private boolean trust;

  @Option(
      names = "--run-timeout",
      paramLabel = "TIME",
      description =
          "Stop the process that models run in after this time, such as 90s, 10m or 2h."
              + " Default: 10m.")
  private @Nullable String timeout;

  @Option(
      names = "--run-memory",
      paramLabel = "SIZE",
      description =
          "Stop the process that models run in when it takes more memory, such as 500m or 8g; on"
              + " Linux only. Default: 4g and four times the sizes of the models and samples.")
  private @Nullable String memory;

  Quantizer applyTo(Quantizer quantizer) {
    ModelRuns runs = ModelRuns.IN_CHILD;
    if (timeout != null) {
      runs = runs.withTimeout(Duration.ofSeconds(number("--run-timeout", timeout, TIMES, "10m")));
    }
    if (memory != null) {
      runs = runs.withMaxMemory(number("--run-memory", memory, SIZES, "8g"));
    }
    return quantizer
        .withSamples(samples.stream().map(SampleInputs::of).toList())
        .withTrust(trust)
        .withModelRuns(runs);
  }

  /** {@return a number of bytes, such as 8g} */
  static long size(String option, String text, String example) {
    return number(option, text, SIZES, example);
  }

  private static long number(String option, String text, Map<String, Long> units, String example) {
    int digits = 0;
    while (digits < text.length() && text.charAt(digits) >= '0' && text.charAt(digits) <= '9') {
      digits++;
    }
    Long unit = units.get(text.substring(digits).toLowerCase(Locale.ROOT));
    try {
      if (unit != null && digits > 0) {
        long number = Math.multiplyExact(Long.parseLong(text.substring(0, digits)), unit);
        if (number > 0) {
          return number;
        }
      }
    } catch (ArithmeticException | NumberFormatException e) {
      // As for any other text.
    }
    throw new ConfigurationException(
        option
            + " "
            + QuantException.quote(text)
            + " is not a number above 0 with one of the units "
            + String.join(", ", new TreeSet<>(units.keySet()))
            + ". Example: "
            + option
            + " "
            + example);
  }
}
