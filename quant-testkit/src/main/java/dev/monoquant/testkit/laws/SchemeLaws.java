package dev.monoquant.testkit.laws;

import dev.monoquant.ConfigurationException;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.Options;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.testkit.SchemeCase;
import dev.monoquant.tile.Encoding;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a {@link Scheme} must declare: its id, its defaults, its encoding and its needs. No number
 * is read for any of it.
 *
 * <p>{@link #all()} adds the laws about its workers, {@link TileQuantizerLaws} and {@link
 * TileDecoderLaws}.
 */
public final class SchemeLaws {

  private SchemeLaws() {}

  /**
   * Every law that holds for all schemes, the simplest first: those that depend on a capability
   * ({@link TileQuantizerLaws#torchEqualsJvm}, {@link TileQuantizerLaws#leavesNoArrays}, {@link
   * TileDecoderLaws#zeroRowsDecodeToZero}, {@link TileDecoderLaws#requantizingStays}, {@link
   * TileDecoderLaws#leavesNoArrays}) are not among them.
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
    laws.add(new Law<>("unknownProfileIsRefused", SchemeLaws::unknownProfileIsRefused));
    return laws;
  }

  /**
   * The id is the same at each call, and what is written into outputs reads back as itself.
   *
   * @param scheme the subject
   */
  public static void idIsStable(Scheme scheme) {
    SchemeId id = scheme.id();
    String name = scheme.getClass().getName();
    if (!id.equals(scheme.id())) {
      throw new LawViolation("idIsStable", name, id + " became " + scheme.id());
    }
    if (!SchemeId.parse(id.toString()).equals(id)) {
      throw new LawViolation("idIsStable", name, id + " does not read back as itself");
    }
  }

  /**
   * The defaults are the same at each call, and the scheme accepts them itself. Ask it for weights
   * that suit it: one whose columns a default group size does not divide may be refused.
   *
   * @param scheme the subject
   * @param rows a weight that suits it
   */
  public static void defaultsAreAccepted(Scheme scheme, WeightMatrix rows) {
    String law = "defaultsAreAccepted";
    String subject = scheme.id() + " (" + scheme.getClass().getName() + ") on " + rows;
    Options defaults = scheme.defaults(rows);
    if (!defaults.equals(scheme.defaults(rows))) {
      throw new LawViolation(law, subject, defaults + " became " + scheme.defaults(rows));
    }
    try {
      scheme.encoding(rows, defaults);
    } catch (ConfigurationException e) {
      throw new LawViolation(law, subject, "refuses its own " + defaults, e);
    }
  }

  /**
   * The options of the scheme's own are the same at each call, no two have one name, and its
   * defaults for a weight have no others and no values that the descriptions do not allow.
   *
   * @param scheme the subject
   * @param rows a weight that suits it
   */
  public static void optionsAreDescribed(Scheme scheme, WeightMatrix rows) {
    String law = "optionsAreDescribed";
    String subject = scheme.id() + " (" + scheme.getClass().getName() + ") on " + rows;
    Map<String, OptionSpec<?>> known = Described.options(law, subject, scheme::options);
    String described = known.values().toString();
    scheme
        .defaults(rows)
        .extra()
        .forEach(
            (name, value) -> {
              OptionSpec<?> option = known.get(name);
              if (option == null) {
                throw new LawViolation(
                    law, subject, "its defaults have " + name + ", and there is " + described);
              }
              try {
                option.parse(value);
              } catch (ConfigurationException e) {
                throw new LawViolation(law, subject, "its defaults have a wrong value", e);
              }
            });
  }

  /**
   * The encoding is the same at each call, whatever the layer and the tensor are named and whatever
   * was quantized in between.
   *
   * @param c an accepted case
   */
  public static void encodingFollowsShapesAlone(SchemeCase c) {
    String law = "encodingFollowsShapesAlone";
    Encoding first = c.encoding();
    c.quantize();
    Encoding again = c.encoding();
    if (!again.equals(first)) {
      throw new LawViolation(law, c, first + " became " + again);
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
    Encoding other = c.scheme().encoding(renamed, c.options());
    if (!other.equals(first)) {
      throw new LawViolation(law, c, first + " is " + other + " under another name");
    }
  }

  /**
   * What must be known before the first tile is the same at each call.
   *
   * @param c an accepted case
   */
  public static void needsAreStable(SchemeCase c) {
    Set<Need> needs = Set.copyOf(c.scheme().needs(c.options()));
    c.quantize();
    if (!needs.equals(c.scheme().needs(c.options()))) {
      throw new LawViolation(
          "needsAreStable", c, needs + " became " + c.scheme().needs(c.options()));
    }
  }

  /**
   * A profile that the scheme does not follow is refused by {@link Scheme#encoding}, with a {@link
   * ConfigurationException} whose message repeats the name: whoever asks for the numbers of a peer
   * must not silently get others.
   *
   * @param c an accepted case
   */
  public static void unknownProfileIsRefused(SchemeCase c) {
    String law = "unknownProfileIsRefused";
    String unknown = "no-such-profile";
    try {
      Encoding encoding = c.scheme().encoding(c.weight().rows(), c.options().withProfile(unknown));
      throw new LawViolation(law, c, "profile " + unknown + " gives " + encoding);
    } catch (ConfigurationException e) {
      if (e.getMessage() == null || !e.getMessage().contains(unknown)) {
        throw new LawViolation(law, c, "the message does not name the profile " + unknown, e);
      }
    }
  }

  private static WeightMatrix rows(SchemeCase c) {
    return c.weight().rows();
  }
}
