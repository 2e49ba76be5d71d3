package dev.monoquant.core.plan;

import dev.monoquant.ConfigurationException;
import dev.monoquant.Nearest;
import dev.monoquant.Preset;
import dev.monoquant.QuantException;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.Scheme;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Finds a scheme by its id; an unknown name may be a mistyped preset or a name of another project.
 */
final class SchemeNames {

  private static final List<String> PRESETS =
      Arrays.stream(Preset.values()).map(Preset::name).toList();
  private static final int MAX_NEAR = 3;

  private SchemeNames() {}

  /**
   * {@return the scheme of that id}
   *
   * @throws ConfigurationException if there is none, naming the nearest schemes and presets
   */
  static Scheme find(Plugins plugins, String id) {
    List<String> ids = plugins.schemes().stream().map(s -> s.id().name()).toList();
    boolean lower = id.equals(id.toLowerCase(Locale.ROOT));
    if (ids.contains(id) || id.contains("/") || (lower && Nearest.of(id, ids).isPresent())) {
      return plugins.scheme(id);
    }
    try {
      return plugins.scheme(id);
    } catch (ConfigurationException e) {
      throw new ConfigurationException(
          QuantException.quote(id)
              + meaning(id)
              + "; there is "
              + e.getMessage()
              + "; quant plugins lists all schemes and presets",
          e);
    }
  }

  /** What a name of another project means, or the nearest preset. */
  private static String meaning(String id) {
    if (id.matches("(?i)(I?Q[1-8]|TQ[12])_[0-9A-Z_]{1,8}")) {
      return " is a type of GGUF files, which are neither read nor written here";
    }
    if (id.matches("(?i)MXFP6(A16|A8)?|MXFP4XFP8")) {
      return " is a preset of compressed-tensors for which there is no scheme here";
    }
    if (id.matches("(?i)GPTQ|AWQ|BNB.*|NF4|HQQ")) {
      return " is a method or a layout of other projects, and no number format here";
    }
    List<String> near = Nearest.several(id, PRESETS, MAX_NEAR);
    return " is no preset"
        + (near.isEmpty()
            ? " such as W4A16, FP8_DYNAMIC or NVFP4A16"
            : "; did you mean " + String.join(" or ", near) + "?");
  }
}
