package dev.monoquant.core.plan;

import dev.monoquant.ConfigurationException;
import dev.monoquant.Preset;
import dev.monoquant.WeightSettings;
import dev.monoquant.core.names.SchemeNames;
import dev.monoquant.core.open.OptionOwners;
import dev.monoquant.core.settings.OwnOptions;
import dev.monoquant.model.NumberType;
import dev.monoquant.spi.ActivationQuantization;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.Scheme;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Chooses the scheme of a weight and refuses options that no plugin for it declares. Each plan has
 * its own instance. Not thread-safe.
 */
public final class SchemeChoice {

  /**
   * A scheme for a weight.
   *
   * @param scheme the scheme
   * @param own its options
   * @param given the values that the configuration gives them, checked
   * @param storage every option of the output format, for this weight
   * @param activations the requested quantization of the inputs of its layer
   */
  public record Chosen(
      Scheme scheme,
      OwnOptions own,
      Map<String, String> given,
      OptionValues storage,
      Optional<ActivationQuantization> activations) {}

  /**
   * A scheme and the plugins whose options may be set for its weights.
   *
   * @param own the options of the scheme
   * @param byLayer options of all plugins of the run except the input format, which reads the whole
   *     model
   * @param all options of all plugins of the run
   */
  private record Parties(
      Scheme scheme, OwnOptions own, List<OwnOptions> byLayer, OptionOwners all) {}

  private final Plugins plugins;
  private final Map<String, String> forAll;
  private final Optional<OwnOptions> ofFormat;
  private final OwnOptions ofInput;
  private final List<OwnOptions> ofLayers;
  private final List<OwnOptions> ofEdits;
  private final boolean calibrated;

  /**
   * Cached by id: a model has many weights and few schemes, and each call to a plugin builds its
   * option descriptions again.
   */
  private final Map<String, Parties> schemes = new HashMap<>();

  /** Cached by settings, which many weights share: each is checked once. */
  private final Map<WeightSettings, Chosen> choices = new HashMap<>();

  /**
   * @param plugins the plugins that contain the schemes
   * @param forAll options that are set for all weights
   * @param format the output format, if there is one
   * @param ofInput the options of the format that the model is read with
   * @param ofLayers those of the layer quantizers
   * @param ofEdits those of edits of the model, if they may be set
   * @param calibrated whether scales of activations are measured
   */
  public SchemeChoice(
      Plugins plugins,
      Map<String, String> forAll,
      Optional<OutputFormat> format,
      OwnOptions ofInput,
      List<OwnOptions> ofLayers,
      List<OwnOptions> ofEdits,
      boolean calibrated) {
    this.plugins = plugins;
    this.calibrated = calibrated;
    this.forAll = forAll;
    this.ofFormat = format.map(OwnOptions::of);
    this.ofInput = ofInput;
    this.ofLayers = ofLayers;
    this.ofEdits = ofEdits;
  }

  /**
   * {@return the scheme of a weight with its options}
   *
   * @param wanted the settings of the configuration for the weight
   * @throws ConfigurationException if there is no such scheme, or an option is not known or wrong
   */
  public Chosen of(WeightSettings wanted) {
    return choices.computeIfAbsent(wanted, this::choose);
  }

  private Chosen choose(WeightSettings given) {
    return choose(given.resolved(), given.scheme().flatMap(Preset::find));
  }

  private Chosen choose(WeightSettings wanted, Optional<Preset> preset) {
    if (!calibrated) {
      wanted.activations().ifPresent(a -> ActivationRules.requireUnmeasured(a, preset));
    }
    String id = schemeId(wanted);
    if (wanted.scheme().isEmpty()) {
      requireOffered(id, wanted);
    }
    Parties parties = schemes.computeIfAbsent(id, this::parties);
    requireKnown(wanted.extra(), parties);
    Map<String, String> given = new TreeMap<>(parties.own().checked(wanted.extra()));
    given.putAll(parties.own().checkedCommon(common(wanted)));
    OptionValues storage =
        ofFormat.map(f -> f.values(wanted.extra())).orElse(OptionValues.DEFAULTS);
    return new Chosen(parties.scheme(), parties.own(), given, storage, wanted.activations());
  }

  /** The id of the scheme requested by id, by preset, or by bits and type. */
  public static String schemeId(WeightSettings given) {
    WeightSettings wanted = given.resolved();
    if (wanted.scheme().isPresent()) {
      return wanted.scheme().get();
    }
    NumberType type = type(wanted);
    int bits = bits(wanted);
    return type == NumberType.FLOAT && bits == 8 ? "fp8" : type.wire() + bits;
  }

  private static NumberType type(WeightSettings wanted) {
    return wanted.type().orElse(NumberType.INT);
  }

  private static int bits(WeightSettings wanted) {
    return wanted.bits().orElse(type(wanted) == NumberType.INT ? 8 : 16);
  }

  /** Refuses bits that no scheme has; the message repeats them as they were given. */
  private void requireOffered(String id, WeightSettings wanted) {
    List<String> ids = plugins.schemes().stream().map(s -> s.id().name()).sorted().toList();
    if (ids.contains(id)) {
      return;
    }
    NumberType type = type(wanted);
    Pattern known =
        Pattern.compile(type == NumberType.INT ? "int[0-9]+" : "([a-z]*fp|b?float)[0-9].*");
    throw new ConfigurationException(
        "no scheme has codes of type "
            + type.wire()
            + " with "
            + bits(wanted)
            + " bits; there are "
            + ids.stream().filter(known.asMatchPredicate()).collect(Collectors.joining(", "))
            + ". Choose one of them with --scheme");
  }

  private static Map<String, String> common(WeightSettings wanted) {
    Map<String, String> texts = new TreeMap<>();
    wanted.bits().ifPresent(v -> texts.put("bits", String.valueOf(v)));
    wanted.symmetric().ifPresent(v -> texts.put("symmetric", String.valueOf(v)));
    wanted.granularity().ifPresent(v -> texts.put("granularity", v.wire()));
    wanted.profile().ifPresent(v -> texts.put("profile", v));
    return texts;
  }

  private Parties parties(String id) {
    Scheme scheme = SchemeNames.find(plugins, id);
    OwnOptions own = OwnOptions.of(scheme);
    List<OwnOptions> byLayer = new ArrayList<>(List.of(own));
    ofFormat.ifPresent(byLayer::add);
    byLayer.addAll(ofLayers);
    List<OwnOptions> all = new ArrayList<>(byLayer);
    all.add(ofInput);
    all.addAll(ofEdits);
    return new Parties(scheme, own, byLayer, new OptionOwners(plugins, all));
  }

  /**
   * Refuses options that no plugin has, and input options for single layers: a model is read in one
   * way.
   */
  private void requireKnown(Map<String, String> wanted, Parties parties) {
    parties.all().requireKnown(wanted.keySet());
    requireWhole(wanted, parties, ofInput, ", which reads the model as a whole");
    for (OwnOptions edits : ofEdits) {
      edits.checked(wanted);
      requireWhole(wanted, parties, edits, " and holds for the whole model");
    }
  }

  private void requireWhole(
      Map<String, String> wanted, Parties parties, OwnOptions owner, String why) {
    for (String name : owner.names()) {
      String value = wanted.get(name);
      if (value != null
          && !value.equals(forAll.get(name))
          && parties.byLayer().stream().noneMatch(o -> o.has(name))) {
        throw new ConfigurationException(
            "option "
                + name
                + " belongs to "
                + owner
                + why
                + ", and a rule sets it for some layers. Set it"
                + " for all weights, for example --option "
                + name
                + "="
                + value);
      }
    }
  }
}
