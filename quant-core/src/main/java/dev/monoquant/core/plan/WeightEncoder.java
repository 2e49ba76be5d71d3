package dev.monoquant.core.plan;

import dev.monoquant.ConfigurationException;
import dev.monoquant.PluginException;
import dev.monoquant.Problem;
import dev.monoquant.QuantException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.RaggedGroupPolicy;
import dev.monoquant.WeightSettings;
import dev.monoquant.core.settings.InputFacts;
import dev.monoquant.core.settings.OwnOptions;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.ActivationQuantization;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.Fit;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Granularity;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** Fills in the options of a weight's scheme and asks the scheme for the encoding. */
final class WeightEncoder {

  /**
   * The most numbers in the smallest possible tile; more would exceed the memory bound of a run.
   */
  private static final long MAX_TILE_ELEMENTS = 1L << 26;

  /**
   * Either a weight, or the reason why it is left unquantized; either may have a problem.
   *
   * @param nearest the weight; or, if the options do not fit it, the weight under the nearest
   *     options that do: enough to ask an output format whether it accepts such a layer at all
   */
  record Outcome(
      Optional<EncodedWeight> weight,
      Optional<EncodedWeight> nearest,
      String reason,
      Optional<Problem> problem) {

    private Outcome with(SchemeChoice.Chosen chosen, Optional<ActivationQuantization> activations) {
      return new Outcome(
          weight.map(w -> w.withStorage(chosen.storage()).withActivations(activations)),
          nearest.map(w -> w.withStorage(chosen.storage()).withActivations(activations)),
          reason,
          problem);
    }

    /** This outcome with a problem, unless it has one. */
    private Outcome warned(Problem other) {
      return new Outcome(weight, nearest, reason, problem.or(() -> Optional.of(other)));
    }
  }

  private final InputFacts inputs;
  private final QuantizationConfig config;
  private final SchemeChoice choice;

  /** Options by the scheme's own defaults: most weights have the same. */
  private final IdentityHashMap<SchemeChoice.Chosen, Map<OptionValues, OptionValues>> completed =
      new IdentityHashMap<>();

  /** Equal values, kept once: each of 100,000 weights would have a copy of 1 kB. */
  private final Map<OptionValues, OptionValues> options = new HashMap<>();

  private final Map<Encoding, Encoding> encodings = new HashMap<>();

  /** Settings with what their preset stands for: most weights have the same. */
  private final Map<WeightSettings, WeightSettings> resolved = new HashMap<>();

  WeightEncoder(Settings settings, QuantizationConfig config, SchemeChoice choice) {
    this.inputs = new InputFacts(settings);
    this.config = config;
    this.choice = choice;
  }

  /**
   * Encodes a weight.
   *
   * @param wanted the settings of the configuration for it
   * @param candidate the weight
   * @param twin the same tensor under another name, if that is quantized: where the layer decides
   *     whether codes are symmetric, both get the same choice, so that they can be stored once
   */
  Outcome encode(
      WeightSettings wanted, LayerChoice.Candidate candidate, Optional<EncodedWeight> twin) {
    WeightMatrix rows = candidate.rows();
    SchemeChoice.Chosen chosen = choice.of(wanted);
    try {
      Asking asking = new Asking(chosen, rows, symmetric(resolved(wanted), candidate, twin));
      return encode(asking, options(chosen, rows))
          .with(chosen, chosen.activations().map(a -> measured(a, rows)));
    } catch (ConfigurationException e) {
      return failed(Problem.error(rows.tensor().name(), message(e, rows.tensor().name()), ""));
    } catch (RuntimeException e) {
      throw new PluginException(
          "scheme " + chosen.scheme().id() + " failed to plan " + rows.tensor().name() + ": " + e,
          e);
    }
  }

  private WeightSettings resolved(WeightSettings wanted) {
    return resolved.computeIfAbsent(wanted, WeightSettings::resolved);
  }

  /** Every option of the scheme for a weight: as given, else the scheme's default for it. */
  private OptionValues options(SchemeChoice.Chosen chosen, WeightMatrix rows) {
    return completed
        .computeIfAbsent(chosen, c -> new HashMap<>())
        .computeIfAbsent(
            chosen.scheme().defaults(rows),
            defaults -> chosen.own().complete(chosen.given(), defaults));
  }

  /** The activations with the scale that the calibration says, if it is to be stored. */
  private ActivationQuantization measured(ActivationQuantization wanted, WeightMatrix rows) {
    return inputs
        .range(rows)
        .map(range -> InputScale.measured(wanted, range, rows.tensor().type()))
        .orElse(wanted);
  }

  /** Whether codes are symmetric, if the layer decides; empty if the configuration decides. */
  private static Optional<Boolean> symmetric(
      WeightSettings wanted, LayerChoice.Candidate candidate, Optional<EncodedWeight> twin) {
    if (wanted.symmetric().isPresent()) {
      return Optional.empty();
    }
    return Optional.of(
        twin.flatMap(w -> w.options().find(CommonOptions.SYMMETRIC))
            .orElseGet(() -> candidate.quantizer().symmetricByDefault(candidate.rows())));
  }

  /** The answer of a scheme for a weight under some options. */
  private record Answer(OptionValues options, Fit fit) {}

  /**
   * A question to a scheme about a weight.
   *
   * @param symmetric the choice of the layer, if it decides
   */
  private record Asking(
      SchemeChoice.Chosen chosen, WeightMatrix rows, Optional<Boolean> symmetric) {

    Scheme scheme() {
      return chosen.scheme();
    }

    /** The answer with the layer's choice, unless only the scheme's own default fits. */
    Answer ask(OptionValues options) {
      if (symmetric.isPresent()
          && chosen.own().allows("symmetric", String.valueOf(symmetric.get()))) {
        OptionValues preferred = options.with(CommonOptions.SYMMETRIC, symmetric.get());
        Fit fit = scheme().fit(rows, preferred);
        if (fit instanceof Fit.Fits || preferred.equals(options)) {
          return new Answer(preferred, fit);
        }
      }
      return new Answer(options, scheme().fit(rows, options));
    }

    /** The answer under another granularity; empty if the scheme has none. */
    Optional<Answer> askPerChannel(OptionValues options) {
      return chosen.own().allows("granularity", Granularity.CHANNEL.wire())
          ? Optional.of(ask(options.with(CommonOptions.GRANULARITY, Granularity.CHANNEL)))
          : Optional.empty();
    }

    /** The answer with a shorter last group; empty if the scheme has none. */
    Optional<Answer> askRagged(OptionValues options) {
      return chosen.own().has(CommonOptions.RAGGED.name())
          ? Optional.of(ask(options.with(CommonOptions.RAGGED, true)))
          : Optional.empty();
    }

    /** The answer with the next smaller groups that fit; empty if there are none. */
    Optional<Answer> askSmaller(Fit.Unfit unfit, int size) {
      return unfit.nearest().stream()
          .filter(
              near ->
                  near.granularity() instanceof Granularity.PerGroup group && group.size() < size)
          .findFirst()
          .map(this::ask);
    }
  }

  private Outcome encode(Asking asking, OptionValues options) {
    Answer answer = asking.ask(options);
    if (answer.fit() instanceof Fit.Fits fits) {
      return made(asking, answer.options(), fits.encoding());
    }
    Fit.Unfit unfit = (Fit.Unfit) answer.fit();
    Optional<Granularity> granularity = options.find(CommonOptions.GRANULARITY);
    if (granularity.isPresent()
        && granularity.get() instanceof Granularity.PerGroup group
        && asking.rows().columnCount() % group.size() != 0) {
      return ragged(asking, answer.options(), unfit, group.size());
    }
    return unfit(
        asking, unfit.reason(), remedy(answer.options(), unfit, "Exclude it"), near(asking, unfit));
  }

  /** Applies the policy when the group size does not divide the columns and the scheme refuses. */
  private Outcome ragged(Asking asking, OptionValues options, Fit.Unfit unfit, int size) {
    RaggedGroupPolicy policy = config.raggedGroups().orElse(RaggedGroupPolicy.FAIL);
    Optional<Answer> instead =
        switch (policy) {
          case FAIL, KEEP, CHANNEL -> asking.askPerChannel(options);
          case SMALLER -> asking.askSmaller(unfit, size);
          case RAGGED -> asking.askRagged(options);
        };
    Optional<Outcome> other =
        instead
            .filter(answer -> answer.fit() instanceof Fit.Fits)
            .map(a -> made(asking, a.options(), ((Fit.Fits) a.fit()).encoding()));
    Optional<EncodedWeight> nearest =
        other.isPresent() ? other.get().nearest() : near(asking, unfit);
    String exclude = "exclude the layer, or use --ragged-groups keep";
    return switch (policy) {
      case FAIL ->
          unfit(
              asking,
              unfit.reason(),
              remedy(
                  options,
                  unfit,
                  other.isEmpty() ? exclude : exclude + " or --ragged-groups channel"),
              nearest);
      case KEEP -> new Outcome(Optional.empty(), nearest, unfit.reason(), Optional.empty());
      case CHANNEL, SMALLER, RAGGED ->
          other
              .map(
                  made ->
                      made.warned(
                          Problem.warning(
                              asking.rows().tensor().name(),
                              unfit.reason() + ": " + words(policy, instead, options) + " instead",
                              "")))
              .orElseGet(
                  () ->
                      unfit(
                          asking,
                          unfit.reason() + "; " + impossible(policy, instead, asking),
                          remedy(options, unfit, exclude),
                          nearest));
    };
  }

  private static String words(
      RaggedGroupPolicy policy, Optional<Answer> instead, OptionValues options) {
    return switch (policy) {
      case RAGGED -> options.granularity().wire() + " with a shorter last group";
      case SMALLER -> instead.orElseThrow().options().granularity().wire();
      default -> "per channel";
    };
  }

  private static String impossible(
      RaggedGroupPolicy policy, Optional<Answer> instead, Asking asking) {
    if (policy == RaggedGroupPolicy.SMALLER) {
      return "no smaller group divides them";
    }
    String what = policy == RaggedGroupPolicy.RAGGED ? "with a shorter last group" : "per channel";
    return instead
        .map(answer -> what + ", " + ((Fit.Unfit) answer.fit()).reason())
        .orElseGet(
            () ->
                what
                    + " is not possible either: "
                    + asking.scheme().id().name()
                    + " has "
                    + asking
                        .chosen()
                        .own()
                        .allowed(
                            policy == RaggedGroupPolicy.RAGGED
                                ? CommonOptions.RAGGED.name()
                                : "granularity"));
  }

  private static Outcome unfit(
      Asking asking, String reason, String remedy, Optional<EncodedWeight> nearest) {
    Problem problem = Problem.error(asking.rows().tensor().name(), reason, remedy);
    return new Outcome(Optional.empty(), nearest, reason, Optional.of(problem));
  }

  /** The weight under the nearest options that fit. */
  private Optional<EncodedWeight> near(Asking asking, Fit.Unfit unfit) {
    for (OptionValues options : unfit.nearest()) {
      if (asking.scheme().fit(asking.rows(), options) instanceof Fit.Fits fits) {
        return made(asking, options, fits.encoding()).nearest();
      }
    }
    return Optional.empty();
  }

  /** The arguments that would make it fit, if the scheme has any, and other remedies. */
  private static String remedy(OptionValues options, Fit.Unfit unfit, String otherwise) {
    String arguments =
        unfit.nearest().stream()
            .map(near -> OwnOptions.arguments(options, near))
            .filter(text -> !text.isEmpty())
            .collect(Collectors.joining(" or "));
    return arguments.isEmpty()
        ? otherwise.substring(0, 1).toUpperCase(Locale.ROOT) + otherwise.substring(1)
        : "Use " + arguments + ", " + otherwise;
  }

  private Outcome made(Asking asking, OptionValues options, Encoding encoding) {
    Scheme scheme = asking.scheme();
    WeightMatrix rows = asking.rows();
    long least = Math.multiplyExact((long) encoding.rowAlignment(), rows.columnCount());
    if (least > MAX_TILE_ELEMENTS) {
      return failed(
          Problem.error(
              rows.tensor().name(),
              "its smallest tile has "
                  + least
                  + " numbers ("
                  + encoding.rowAlignment()
                  + " rows of "
                  + rows.columnCount()
                  + "); at most "
                  + MAX_TILE_ELEMENTS
                  + " are allowed",
              "Exclude it"));
    }
    Optional<Problem> lacking = inputs.problem(scheme, options, rows);
    if (lacking.filter(p -> p.severity() == Problem.Severity.ERROR).isPresent()) {
      return failed(lacking.get());
    }
    Optional<String> script =
        encoding.formula() instanceof Formula.Opaque
            ? scheme.torchScript(rows, options)
            : Optional.empty();
    EncodedWeight weight =
        new EncodedWeight(
            rows,
            scheme.id(),
            this.options.computeIfAbsent(options, o -> o),
            encodings.computeIfAbsent(encoding, e -> e),
            OptionValues.DEFAULTS,
            script);
    return new Outcome(Optional.of(weight), Optional.of(weight), "", lacking);
  }

  private static Outcome failed(Problem problem) {
    return new Outcome(Optional.empty(), Optional.empty(), problem.message(), Optional.of(problem));
  }

  /** The message of a scheme without the name of the tensor, which the problem already names. */
  private static String message(ConfigurationException e, String tensor) {
    String message = String.valueOf(e.getMessage());
    String prefix = "tensor " + QuantException.quote(tensor) + ": ";
    return message.startsWith(prefix) ? message.substring(prefix.length()) : message;
  }
}
