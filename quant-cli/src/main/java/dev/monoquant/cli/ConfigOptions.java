package dev.monoquant.cli;

import dev.monoquant.ConfigurationException;
import dev.monoquant.NonFinitePolicy;
import dev.monoquant.QuantException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.RaggedGroupPolicy;
import dev.monoquant.core.recipe.RunRecipe;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.NumberType;
import dev.monoquant.spi.Plugins;
import dev.monoquant.tile.Granularity;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options for what to quantize and how; they override the recipe file. */
final class ConfigOptions {

  @Option(
      names = "--scheme",
      paramLabel = "NAME",
      description =
          "A scheme by its id, such as int8 or fp8, or a preset, such as W4A16 or FP8_DYNAMIC; quant"
              + " plugins lists all. Default: int8.")
  private @Nullable String scheme;

  @Option(names = "--bits", paramLabel = "N", description = "Bits of one code, such as 8 or 4.")
  private @Nullable Integer bits;

  @Option(
      names = "--type",
      paramLabel = "TYPE",
      description = "int or float, if --scheme is not given.")
  private @Nullable String type;

  @Option(
      names = "--symmetric",
      description = "Zero is the middle of the codes. By default the layer decides.")
  private boolean symmetric;

  @Option(names = "--asymmetric", description = "Codes cover the range of the values.")
  private boolean asymmetric;

  @Option(
      names = "--granularity",
      paramLabel = "G",
      description =
          "How many values share a scale: tensor, channel, group:N or block:RxC. Default: channel"
              + " for int8, group:32 for int2, group:128 for other integers.")
  private @Nullable String granularity;

  @Option(
      names = "--profile",
      paramLabel = "ID",
      description = "The library whose formulas are used. Default: compressed-tensors.")
  private @Nullable String profile;

  @Option(
      names = "--format",
      paramLabel = "ID",
      description = "The output format. By default the name of OUTPUT decides.")
  private @Nullable String format;

  @Option(
      names = "--include",
      paramLabel = "PATTERN",
      description =
          "Quantize only these layers: a glob, re:REGEX, or a kind such as Linear. May be"
              + " repeated.")
  private List<String> include = new ArrayList<>();

  @Option(
      names = "--exclude",
      paramLabel = "PATTERN",
      description = "Leave these layers unquantized; overrides --include. May be repeated.")
  private List<String> exclude = new ArrayList<>();

  @Option(
      names = "--layer",
      paramLabel = "PATTERN=KIND",
      description =
          "Set the kind of layers of a state dict, such as 'fc*=Linear', or of single parameters,"
              + " such as w1=Linear. May be repeated.")
  private List<String> layers = new ArrayList<>();

  @Option(
      names = "--option",
      paramLabel = "NAME=VALUE",
      description =
          "An option of a plugin (the scheme, a layer quantizer, the input or the output format),"
              + " as listed by quant plugins. May be repeated.")
  private List<String> options = new ArrayList<>();

  @Option(
      names = "--min-elements",
      paramLabel = "N",
      description = "Leave weights with fewer elements unquantized.")
  private @Nullable Long minElements;

  @Option(
      names = "--non-finite",
      paramLabel = "POLICY",
      description =
          "How to handle NaN and infinities: fail, keep (leave such weights unquantized), or"
              + " clamp (NaN becomes 0, an infinity the largest finite magnitude of its row)."
              + " Default: fail.")
  private @Nullable String nonFinite;

  @Option(
      names = "--ragged-groups",
      paramLabel = "POLICY",
      description =
          "How to handle weights whose columns are not a multiple of the group size: fail, keep"
              + " (leave them unquantized), channel (quantize them per channel), smaller (take the"
              + " next smaller group that divides), or ragged (let the last group of a row be"
              + " shorter). Default: fail.")
  private @Nullable String raggedGroups;

  @Option(
      names = "--allow-partial-families",
      description =
          "Warn instead of refusing if only some of the layers that loaders merge (q/k/v,"
              + " gate/up, experts) are quantized.")
  private boolean allowPartialFamilies;

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = "A recipe in YAML or JSON; options of the command line override it.")
  private @Nullable Path recipe;

  @Option(
      names = "--side-files",
      paramLabel = "WHICH",
      description =
          "Files beside the tensors of a model directory to carry over: model (its own), all (other"
              + " programs' weights too) or none (but config.json). Default: model.")
  private @Nullable String sideFiles;

  /** The recipe file; without one, a recipe that says nothing. */
  RunRecipe recipe(Plugins plugins) {
    return recipe == null ? RunRecipe.EMPTY : RecipeFile.read(recipe, plugins);
  }

  /** The other options, which override the recipe. */
  QuantizationConfig arguments() {
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
