package dev.monoquant.core;

import dev.monoquant.ConfigurationException;
import dev.monoquant.PluginException;
import dev.monoquant.Problem;
import dev.monoquant.QuantException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.RaggedGroupPolicy;
import dev.monoquant.WeightSettings;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.Options;
import dev.monoquant.spi.Scheme;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Granularity;
import java.util.Map;
import java.util.Optional;

/** Fills in the options of a weight's scheme, and asks for the encoding. */
final class WeightEncoder {

  /** Numbers in the smallest possible tile; more would not fit the memory a run promises. */
  private static final long MAX_TILE_ELEMENTS = 1L << 26;

  /**
   * Either a weight, or the reason why it is kept; a problem may come with either.
   *
   * @param nearest the weight; or, if groups do not divide it, what it would be per channel: enough
   *     to ask an output format whether it takes such a layer at all
   */
  record Outcome(
      Optional<EncodedWeight> weight,
      Optional<EncodedWeight> nearest,
      String reason,
      Optional<Problem> problem) {

    private Outcome withStorage(Map<String, String> storage) {
      return new Outcome(
          weight.map(w -> w.withStorage(storage)),
          nearest.map(w -> w.withStorage(storage)),
          reason,
          problem);
    }
  }

  private final Settings settings;
  private final QuantizationConfig config;
  private final SchemeChoice choice;

  WeightEncoder(Settings settings, QuantizationConfig config, SchemeChoice choice) {
    this.settings = settings;
    this.config = config;
    this.choice = choice;
  }

  /**
   * Encodes a weight.
   *
   * @param wanted what the configuration says for it
   * @param candidate the weight
   * @param twin the same tensor under another name, if that is quantized: where the layer decides
   *     whether codes are symmetric, both are alike, so that they can be stored once
   */
  Outcome encode(
      WeightSettings wanted, LayerChoice.Candidate candidate, Optional<EncodedWeight> twin) {
    WeightMatrix rows = candidate.rows();
    SchemeChoice.Chosen chosen = choice.of(wanted);
    Scheme scheme = chosen.scheme();
    try {
      Options defaults = scheme.defaults(rows);
      Map<String, String> extra = chosen.own().complete(chosen.given(), defaults.extra());
      return encode(scheme, options(defaults, wanted, extra), wanted, candidate, twin)
          .withStorage(chosen.storage());
    } catch (ConfigurationException e) {
      return failed(Problem.error(rows.tensor().name(), message(e, rows.tensor().name()), ""));
    } catch (RuntimeException e) {
      throw new PluginException(
          "scheme " + scheme.id() + " failed to plan " + rows.tensor().name() + ": " + e, e);
    }
  }

  private Outcome encode(
      Scheme scheme,
      Options options,
      WeightSettings wanted,
      LayerChoice.Candidate candidate,
      Optional<EncodedWeight> twin) {
    WeightMatrix rows = candidate.rows();
    if (options.granularity() instanceof Granularity.PerGroup group
        && rows.cols() % group.size() != 0) {
      return ragged(scheme, options, wanted, candidate, twin, group.size());
    }
    boolean layerDecides = wanted.symmetric().isEmpty();
    boolean preferred =
        twin.map(w -> w.options().symmetric())
            .orElseGet(() -> candidate.quantizer().symmetricByDefault(rows));
    if (layerDecides && preferred != options.symmetric()) {
      try {
        return made(scheme, options.withSymmetric(preferred), rows);
      } catch (ConfigurationException e) {
        // A scheme that knows one kind only: its own default holds.
        return made(scheme, options, rows);
      }
    }
    return made(scheme, options, rows);
  }

  private Outcome made(Scheme scheme, Options options, WeightMatrix rows) {
    Encoding encoding = scheme.encoding(rows, options);
    long least = Math.multiplyExact((long) encoding.rowAlignment(), rows.cols());
    if (least > MAX_TILE_ELEMENTS) {
      return failed(
          Problem.error(
              rows.tensor().name(),
              "its smallest tile has "
                  + least
                  + " numbers ("
                  + encoding.rowAlignment()
                  + " rows of "
                  + rows.cols()
                  + "); at most "
                  + MAX_TILE_ELEMENTS
                  + " are allowed",
              "Exclude it"));
    }
    if (scheme.needs(options).contains(Need.COLUMN_STATISTICS)) {
      Optional<Problem> missing = settings.columns().problem(scheme.id(), rows);
      if (missing.isPresent()) {
        return failed(missing.get());
      }
    }
    Optional<String> script =
        encoding.formula() instanceof Formula.Opaque
            ? scheme.torchScript(rows, options)
            : Optional.empty();
    EncodedWeight weight =
        new EncodedWeight(rows, scheme.id(), options, encoding, Map.of(), script);
    return new Outcome(Optional.of(weight), Optional.of(weight), "", Optional.empty());
  }

  private Outcome ragged(
      Scheme scheme,
      Options options,
      WeightSettings wanted,
      LayerChoice.Candidate candidate,
      Optional<EncodedWeight> twin,
      int size) {
    String name = candidate.rows().tensor().name();
    String what =
        "its " + candidate.rows().cols() + " columns are no multiple of the group size " + size;
    Outcome perChannel =
        encode(scheme, options.withGranularity(Granularity.CHANNEL), wanted, candidate, twin);
    return switch (config.raggedGroups().orElse(RaggedGroupPolicy.FAIL)) {
      case FAIL -> {
        Problem problem =
            Problem.error(
                name,
                what,
                "Choose a size that divides them, exclude the layer, or use --ragged-groups"
                    + " channel or --ragged-groups keep");
        yield new Outcome(Optional.empty(), perChannel.nearest(), what, Optional.of(problem));
      }
      case KEEP -> new Outcome(Optional.empty(), perChannel.nearest(), what, Optional.empty());
      case CHANNEL ->
          new Outcome(
              perChannel.weight(),
              perChannel.nearest(),
              perChannel.reason(),
              perChannel
                  .problem()
                  .or(
                      () ->
                          Optional.of(Problem.warning(name, what + ": per channel instead", ""))));
    };
  }

  private static Outcome failed(Problem problem) {
    return new Outcome(Optional.empty(), Optional.empty(), problem.message(), Optional.of(problem));
  }

  private Options options(Options defaults, WeightSettings wanted, Map<String, String> extra) {
    return new Options(
        wanted.bits().orElse(defaults.bits()),
        wanted.symmetric().orElse(defaults.symmetric()),
        wanted.granularity().orElse(defaults.granularity()),
        wanted.profile().orElse(defaults.profile()),
        settings.compute(),
        extra);
  }

  /** What a scheme says, without the name of the tensor: the problem is about it anyway. */
  private static String message(ConfigurationException e, String tensor) {
    String message = String.valueOf(e.getMessage());
    String prefix = "tensor " + QuantException.quote(tensor) + ": ";
    return message.startsWith(prefix) ? message.substring(prefix.length()) : message;
  }
}
