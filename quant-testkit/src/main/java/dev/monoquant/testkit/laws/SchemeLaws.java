package dev.monoquant.testkit.laws;

import static java.util.Objects.requireNonNull;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantException;
import dev.monoquant.ValidationException;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.Fit;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.testkit.SchemeCase;
import dev.monoquant.testkit.data.OptionSamples;
import dev.monoquant.tile.Encoding;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;

/**
 * Laws for the declarations of a {@link Scheme}: its id, defaults, encoding and needs. They read no
 * values.
 *
 * <p>{@link #all()} includes the laws for its workers, {@link TileQuantizerLaws} and {@link
 * TileDecoderLaws}.
 */
public final class SchemeLaws {

  private static final List<OptionSpec<?>> COMMON =
      List.of(
          CommonOptions.BITS,
          CommonOptions.SYMMETRIC,
          CommonOptions.GRANULARITY,
          CommonOptions.PROFILE);

  private SchemeLaws() {}

  /**
   * Every law that holds for all schemes, the simplest first. It excludes the laws that depend on a
   * capability: {@link TileQuantizerLaws#torchEqualsJvm}, {@link TileQuantizerLaws#leavesNoArrays},
   * {@link TileDecoderLaws#zeroRowsDecodeToZero}, {@link
   * TileDecoderLaws#requantizingChangesNothing}, {@link TileDecoderLaws#leavesNoArrays}.
   *
   * @return the laws; check them on accepted cases
   */
  public static List<Law<SchemeCase>> all() {
    List<Law<SchemeCase>> laws = new ArrayList<>();
    laws.add(new Law<>("idIsStable", c -> idIsStable(c.scheme())));
    laws.add(new Law<>("defaultsAreAccepted", c -> defaultsAreAccepted(c.scheme(), rows(c))));
    laws.add(new Law<>("optionsAreDescribed", c -> optionsAreDescribed(c.scheme(), rows(c))));
    laws.addAll(TileQuantizerLaws.all());
    laws.addAll(TileDecoderLaws.all());
    laws.add(new Law<>("encodingFollowsShapesAlone", SchemeLaws::encodingFollowsShapesAlone));
    laws.add(new Law<>("needsAreStable", SchemeLaws::needsAreStable));
    laws.add(new Law<>("inputsMayBeUnknown", SchemeLaws::inputsMayBeUnknown));
    laws.add(new Law<>("optionsOutsideAreRefused", c -> optionsOutsideAreRefused(c.scheme())));
    laws.add(new Law<>("nearestOptionsFit", c -> nearestOptionsFit(c.scheme(), rows(c))));
    return laws;
  }

  /**
   * The id is the same at each call, and its text parses to an equal id.
   *
   * @param scheme the subject
   */
  public static void idIsStable(Scheme scheme) {
    SchemeId id = scheme.id();
    String name = scheme.getClass().getName();
    if (!id.equals(scheme.id())) {
      throw new LawViolation(
          "idIsStable", name, "the first call returned " + id + ", the second " + scheme.id());
    }
    if (!SchemeId.parse(id.toString()).equals(id)) {
      throw new LawViolation(
          "idIsStable", name, "SchemeId.parse does not return " + id + " for its text");
    }
  }

  /**
   * The defaults are the same at each call, and the scheme accepts them. A scheme may refuse a
   * weight whose columns are not a multiple of the default group size, so do not use such a weight.
   *
   * @param scheme the subject
   * @param rows a weight that suits it
   */
  public static void defaultsAreAccepted(Scheme scheme, WeightMatrix rows) {
    String law = "defaultsAreAccepted";
    String subject = scheme.id() + " (" + scheme.getClass().getName() + ") on " + rows;
    OptionValues defaults = SchemeCase.defaults(scheme, rows);
    OptionValues again = SchemeCase.defaults(scheme, rows);
    if (!defaults.equals(again)) {
      throw new LawViolation(
          law, subject, "the first call returned " + defaults + ", the second " + again);
    }
    if (scheme.fit(rows, defaults) instanceof Fit.Unfit unfit) {
      throw new LawViolation(
          law, subject, "it refuses its own defaults " + defaults + ": " + unfit.reason());
    }
  }

  /**
   * The options of the scheme are the same at each call and have unique names. Its defaults for a
   * weight contain only declared options and allowed values. An option with a name of {@link
   * CommonOptions} has the type declared there.
   *
   * @param scheme the subject
   * @param rows a weight that suits it
   */
  public static void optionsAreDescribed(Scheme scheme, WeightMatrix rows) {
    String law = "optionsAreDescribed";
    String subject = scheme.id() + " (" + scheme.getClass().getName() + ") on " + rows;
    Map<String, OptionSpec<?>> known = Described.options(law, subject, scheme::options);
    String described = known.values().toString();
    for (OptionSpec<?> common : COMMON) {
      OptionSpec<?> own = known.get(common.name());
      if (own != null && !own.type().equals(common.type())) {
        throw new LawViolation(
            law, subject, common.name() + " is of type " + own.type() + "; use CommonOptions");
      }
    }
    scheme
        .defaults(rows)
        .texts()
        .forEach(
            (name, value) -> {
              OptionSpec<?> option = known.get(name);
              if (option == null) {
                throw new LawViolation(
                    law,
                    subject,
                    "its defaults set " + name + ", and its options are " + described);
              }
              try {
                option.parse(value);
              } catch (ConfigurationException e) {
                throw new LawViolation(
                    law, subject, "its defaults have a value that its options do not allow", e);
              }
            });
  }

  /**
   * The encoding is the same at each call. It does not depend on the names of the layer and the
   * tensor, or on earlier calls.
   *
   * @param c an accepted case
   */
  public static void encodingFollowsShapesAlone(SchemeCase c) {
    String law = "encodingFollowsShapesAlone";
    Encoding first = c.encoding();
    c.quantize();
    Encoding again = c.encoding();
    if (!again.equals(first)) {
      throw new LawViolation(law, c, "the first call returned " + first + ", the second " + again);
    }
    WeightMatrix rows = c.weight().rows();
    TensorInfo tensor = rows.tensor();
    WeightMatrix renamed =
        new WeightMatrix(
            "other.layer",
            rows.kind(),
            rows.param(),
            new TensorInfo("other.layer.weight", tensor.type(), tensor.shape(), "other.file"),
            rows.rowAxis());
    Encoding other = c.scheme().fit(renamed, c.options()).orThrow(renamed);
    if (!other.equals(first)) {
      throw new LawViolation(
          law, c, "the encoding is " + first + ", and under another name " + other);
    }
  }

  /**
   * The needed facts are the same at each call.
   *
   * @param c an accepted case
   */
  public static void needsAreStable(SchemeCase c) {
    Set<Need> needs = Set.copyOf(c.scheme().needs(c.options()));
    c.quantize();
    if (!needs.equals(c.scheme().needs(c.options()))) {
      throw new LawViolation(
          "needsAreStable",
          c,
          "the first call returned " + needs + ", the second " + c.scheme().needs(c.options()));
    }
  }

  /**
   * Only statistics of inputs are used and not needed, and a weight that the calibration of a run
   * lacks is quantized like others. Its numbers may be refused by a {@link ValidationException}:
   * another scale may be out of range.
   *
   * @param c an accepted case
   */
  public static void inputsMayBeUnknown(SchemeCase c) {
    String law = "inputsMayBeUnknown";
    Set<Need> uses = c.scheme().uses(c.options());
    if (!uses.stream().allMatch(Need::isOfInputs)) {
      throw new LawViolation(law, c, "it uses " + uses + ", not only statistics of inputs");
    }
    int rows = c.weight().height();
    try {
      c.quantize(c.beginWithoutInputs(), 0, rows);
    } catch (ValidationException e) {
      // Allowed, as for numbers that no scale of the type can hold.
    } catch (QuantException | NoSuchElementException e) {
      throw new LawViolation(law, c, "without statistics of inputs: " + e);
    }
  }

  /**
   * A scheme declares only what it supports: it must not allow every profile or every width, as
   * {@link CommonOptions#PROFILE} and {@link CommonOptions#BITS} do. A request for the results of
   * another library must not silently give different results.
   *
   * @param scheme the subject
   */
  public static void optionsOutsideAreRefused(Scheme scheme) {
    String law = "optionsOutsideAreRefused";
    Map<String, String> outside = Map.of("profile", "no-such-profile", "bits", "64");
    for (OptionSpec<?> option : scheme.options()) {
      String text = outside.get(option.name());
      if (text == null) {
        continue;
      }
      try {
        option.parse(text);
      } catch (ConfigurationException e) {
        continue;
      }
      throw new LawViolation(
          law,
          scheme.id() + " (" + scheme.getClass().getName() + ")",
          option.name()
              + " "
              + text
              + " is allowed; declare only the values that the scheme supports");
    }
  }

  /**
   * {@link Scheme#fit} returns the same result at each call, for every declared value. If options
   * do not fit a weight, the result states the reason, and the nearest options in it are different,
   * allowed, and fit.
   *
   * @param scheme the subject
   * @param rows any weight
   */
  public static void nearestOptionsFit(Scheme scheme, WeightMatrix rows) {
    String law = "nearestOptionsFit";
    OptionValues defaults = SchemeCase.defaults(scheme, rows);
    for (OptionValues options : OptionSamples.around(defaults, scheme.options())) {
      String subject =
          scheme.id() + " (" + scheme.getClass().getName() + ") on " + rows + " with " + options;
      Fit fit = scheme.fit(rows, options);
      if (!fit.equals(scheme.fit(rows, options))) {
        throw new LawViolation(
            law,
            subject,
            "the first call returned " + fit + ", the second " + scheme.fit(rows, options));
      }
      if (fit instanceof Fit.Unfit unfit) {
        if (unfit.reason().isBlank()) {
          throw new LawViolation(law, subject, "the reason of an unfit is blank");
        }
        unfit.nearest().forEach(near -> requireFits(law, subject, scheme, rows, options, near));
      }
    }
  }

  private static void requireFits(
      String law,
      String subject,
      Scheme scheme,
      WeightMatrix rows,
      OptionValues options,
      OptionValues near) {
    Map<String, OptionSpec<?>> known = Described.options(law, subject, scheme::options);
    try {
      near.texts().forEach((name, text) -> requireNonNull(known.get(name), name).parse(text));
    } catch (ConfigurationException | NullPointerException e) {
      throw new LawViolation(
          law, subject, "the nearest options have values that it does not allow: " + near, e);
    }
    if (near.equals(options)) {
      throw new LawViolation(
          law, subject, "the nearest options are those that do not fit: " + near);
    }
    if (scheme.fit(rows, near) instanceof Fit.Unfit again) {
      throw new LawViolation(
          law, subject, "the nearest options " + near + " do not fit either: " + again.reason());
    }
  }

  private static WeightMatrix rows(SchemeCase c) {
    return c.weight().rows();
  }
}
