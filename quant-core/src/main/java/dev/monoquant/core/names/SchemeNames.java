package dev.monoquant.core.names;

import dev.monoquant.ConfigurationException;
import dev.monoquant.Nearest;
import dev.monoquant.Preset;
import dev.monoquant.QuantException;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.Scheme;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Finds a scheme by its id; an unknown name may be a mistyped preset or a name of another project.
 */
public final class SchemeNames {

  private static final List<String> PRESETS =
      Arrays.stream(Preset.values()).map(Preset::name).toList();
  private static final int MAX_NEAR = 3;

  private SchemeNames() {}

  /**
   * {@return the scheme of that id}
   *
   * @param plugins the schemes and output formats
   * @param id the id, as a user gives it
   * @throws ConfigurationException if there is none, naming the nearest schemes and presets
   */
  public static Scheme find(Plugins plugins, String id) {
    List<String> ids = plugins.schemes().stream().map(s -> s.id().name()).toList();
    boolean lower = id.equals(id.toLowerCase(Locale.ROOT));
    if (ids.contains(id)
        || id.contains("/")
        || (lower && Nearest.of(id, ids).isPresent())
        || !plugins.problems().isEmpty()) {
      // A broken plugin may be the one with this id; the message of the lookup names it.
      return plugins.scheme(id);
    }
    List<String> near = near(plugins, id, ids);
    String others =
        isMix(plugins, id)
            ? "; quant plugins lists all"
            : near.isEmpty()
                ? ". Available are presets such as W4A16, FP8_DYNAMIC and NVFP4A16, and the schemes "
                    + ids.stream().distinct().sorted().collect(Collectors.joining(", "))
                    + "; quant plugins lists all"
                : "; did you mean "
                    + String.join(" or ", near)
                    + "? quant plugins lists all schemes and presets";
    throw new ConfigurationException(
        QuantException.quote(id) + meaning(id).orElse(" is no scheme and no preset") + others);
  }

  private static List<String> near(Plugins plugins, String id, List<String> ids) {
    List<String> near = new ArrayList<>();
    Nearest.of(id, ids).ifPresent(near::add);
    List<String> names = new ArrayList<>(PRESETS);
    names.addAll(mixes(plugins));
    near.addAll(Nearest.several(id, names, MAX_NEAR));
    return near;
  }

  /**
   * Refuses a name that can be nothing: neither a scheme, nor a preset, nor a mix of an output
   * format. Which of them an output takes is only known when it is planned.
   *
   * @param plugins the schemes and output formats
   * @param name the name, as a user gives it
   * @throws ConfigurationException as {@link #find}
   */
  public static void requireKnown(Plugins plugins, String name) {
    if (Preset.find(name).isEmpty() && !isMix(plugins, name)) {
      find(plugins, name);
    }
  }

  private static boolean isMix(Plugins plugins, String name) {
    return mixes(plugins).stream().anyMatch(name::equalsIgnoreCase);
  }

  private static List<String> mixes(Plugins plugins) {
    return plugins.outputFormats().stream().flatMap(f -> f.mixes().stream()).toList();
  }

  /** What a name of another project means; empty if it is none. */
  private static Optional<String> meaning(String id) {
    if (id.matches("(?i)(I?Q[1-8]|TQ[12])_[0-9A-Z_]{1,8}|MXFP4_MOE")) {
      return Optional.of(
          " is a type of GGUF files or a mix of them. Mixes such as Q4_K_M and Q8_0 are for .gguf"
              + " outputs; single types are schemes, such as ggml/q4-k");
    }
    if (id.matches("(?i)MXFP6(A16|A8)?|MXFP4XFP8")) {
      return Optional.of(" is a preset of compressed-tensors for which there is no scheme here");
    }
    if (id.matches("(?i)GPTQ|AWQ|BNB.*|NF4|HQQ")) {
      return Optional.of(" is a method or a layout of other projects, and no number format here");
    }
    return Optional.empty();
  }
}
