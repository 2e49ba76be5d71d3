package dev.monoquant.cli;

import dev.monoquant.ConfigurationException;
import dev.monoquant.NonFinitePolicy;
import dev.monoquant.NumberType;
import dev.monoquant.QuantException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.RaggedGroupPolicy;
import dev.monoquant.model.LayerKind;
import dev.monoquant.tile.Granularity;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that say what to quantize and how; they win over the recipe file. */
final class ConfigOptions {

  @Option(names = "--scheme", paramLabel = "ID", description = "The scheme. Default: int8.")
  private @Nullable String scheme;

  @Option(names = "--bits", paramLabel = "N", description = "Bits of one code, such as 8 or 4.")
  private @Nullable Integer bits;

  @Option(
      names = "--type",
      paramLabel = "TYPE",
      description = "int or float, where --scheme is not given.")
  private @Nullable String type;

  @Option(
      names = "--symmetric",
      description = "Zero is the middle of the codes. By default the layer decides.")
  private boolean symmetric;

  @Option(names = "--asymmetric", description = "Codes cover the range of the numbers.")
  private boolean asymmetric;

  @Option(
      names = "--granularity",
      paramLabel = "G",
      description =
          "How many numbers share a scale: tensor, channel, group:N or block:RxC. Default: channel"
              + " for int8, group:128 for int4 and int3.")
  private @Nullable String granularity;

  @Option(
      names = "--profile",
      paramLabel = "ID",
      description = "Whose formulas are followed. Default: compressed-tensors.")
  private @Nullable String profile;

  @Option(
      names = "--format",
      paramLabel = "ID",
      description = "The output format; by default it follows from OUTPUT's name.")
  private @Nullable String format;

  @Option(
      names = "--include",
      paramLabel = "PATTERN",
      description =
          "Quantize only such layers: a glob, re:REGEX, or a kind such as Linear. May be repeated.")
  private List<String> include = new ArrayList<>();

  @Option(
      names = "--exclude",
      paramLabel = "PATTERN",
      description = "Keep such layers as they are; wins over --include. May be repeated.")
  private List<String> exclude = new ArrayList<>();

  @Option(
      names = "--layer",
      paramLabel = "PATTERN=KIND",
      description =
          "Say what layers of a state dict are, such as 'fc*=Linear', or"
              + " single parameters, such as w1=Linear. May be repeated.")
  private List<String> layers = new ArrayList<>();

  @Option(
      names = "--option",
      paramLabel = "NAME=VALUE",
      description =
          "An option of a plugin's own (the scheme, a layer quantizer, the input or the output"
              + " format), as listed by plugins. May be repeated.")
  private List<String> options = new ArrayList<>();

  @Option(
      names = "--min-elements",
      paramLabel = "N",
      description = "Keep weights with fewer numbers.")
  private @Nullable Long minElements;

  @Option(
      names = "--non-finite",
      paramLabel = "POLICY",
      description =
          "What to do with NaN and infinities: fail, keep such weights, or clamp: NaN becomes 0, an"
              + " infinity the greatest finite magnitude of its row. Default: fail.")
  private @Nullable String nonFinite;

  @Option(
      names = "--ragged-groups",
      paramLabel = "POLICY",
      description =
          "What to do where a group does not divide the columns: fail, keep the"
              + " weight, or channel instead."
              + " Default: fail.")
  private @Nullable String raggedGroups;

  @Option(
      names = "--allow-partial-families",
      description =
          "Warn, and do not refuse, where only some of the layers that loaders fuse are quantized"
              + " (q/k/v, gate/up, experts).")
  private boolean allowPartialFamilies;

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = "A recipe in YAML or JSON; options given here win over it.")
  private @Nullable Path recipe;

  @Option(
      names = "--side-files",
      paramLabel = "WHICH",
      description =
          "Files beside the tensors of a model directory to carry over: model (its own), all (other"
              + " programs' weights too) or none (but config.json). Default: model.")
  private @Nullable String sideFiles;

  QuantizationConfig config() {
    QuantizationConfig base = recipe == null ? QuantizationConfig.DEFAULT : RecipeFile.read(recipe);
    return base.overrideWith(arguments());
  }

  private QuantizationConfig arguments() {
    QuantizationConfig.Builder builder = QuantizationConfig.builder();
    if (scheme != null) {
      builder.scheme(scheme);
    }
    if (bits != null) {
      builder.bits(bits);
    }
    if (type != null) {
      builder.type(NumberType.parse(type));
    }
    if (symmetric && asymmetric) {
      throw new ConfigurationException(
          "--symmetric and --asymmetric exclude each other; give one, or none and let each layer"
              + " decide");
    }
    if (symmetric || asymmetric) {
      builder.symmetric(symmetric);
    }
    if (granularity != null) {
      builder.granularity(Granularity.parse(granularity));
    }
    if (profile != null) {
      builder.profile(profile);
    }
    if (format != null) {
      builder.format(format);
    }
    include.forEach(builder::include);
    exclude.forEach(builder::exclude);
    for (String layer : layers) {
      String[] pair = pair("--layer", layer, "'fc*=Linear'");
      builder.layer(pair[0], new LayerKind(pair[1]));
    }
    for (String option : options) {
      String[] pair = pair("--option", option, "clip=0.99");
      builder.option(pair[0], pair[1]);
    }
    if (sideFiles != null) {
      builder.option("side-files", sideFiles);
    }
    if (minElements != null) {
      builder.minElements(minElements);
    }
    if (nonFinite != null) {
      builder.nonFinite(NonFinitePolicy.parse(nonFinite));
    }
    if (raggedGroups != null) {
      builder.raggedGroups(RaggedGroupPolicy.parse(raggedGroups));
    }
    if (allowPartialFamilies) {
      builder.allowPartialFamilies(true);
    }
    return builder.build();
  }

  static String[] pair(String option, String text, String example) {
    int at = text.lastIndexOf('=');
    if (at < 1 || at == text.length() - 1) {
      throw new ConfigurationException(
          option
              + " "
              + QuantException.quote(text)
              + " has no two sides. Example: "
              + option
              + " "
              + example);
    }
    return new String[] {text.substring(0, at), text.substring(at + 1)};
  }
}
