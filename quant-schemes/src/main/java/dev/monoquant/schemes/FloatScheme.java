package dev.monoquant.schemes;

import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.Fit;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Codes that are floats of 4 or 8 bits, symmetric, with scales. */
abstract class FloatScheme implements Scheme {

  /** The one search of these schemes. */
  static final String GRID = "grid";

  private final SchemeId id;
  private final FloatCode code;
  private final List<OptionSpec<?>> options;

  /**
   * @param searches the searches for scales beside none
   */
  FloatScheme(
      String name, FloatCode code, OptionSpec<Granularity> granularity, String... searches) {
    this.id = new SchemeId(name, 1);
    this.code = code;
    List<OptionSpec<?>> all = new ArrayList<>();
    all.add(CommonOptions.bits(code.type().bits()));
    all.add(CommonOptions.symmetric(true));
    all.add(granularity);
    all.add(CommonOptions.profile(CommonOptions.COMPRESSED_TENSORS));
    if (searches.length > 0) {
      all.add(CommonOptions.search(CommonOptions.NO_SEARCH, searches));
    }
    if (code == FloatCode.E2M1) {
      all.addAll(Calibrated.OPTIONS);
    }
    this.options = List.copyOf(all);
  }

  /** Whether the scale of a block is the best of several. */
  static boolean searches(OptionValues options) {
    return options.find(CommonOptions.SEARCH).filter(GRID::equals).isPresent();
  }

  @Override
  public final Set<Need> uses(OptionValues options) {
    return Calibrated.uses(searches(options));
  }

  @Override
  public final SchemeId id() {
    return id;
  }

  @Override
  public final List<OptionSpec<?>> options() {
    return options;
  }

  @Override
  public final Fit fit(WeightMatrix weight, OptionValues options) {
    return SchemeChecks.unfit(weight)
        .or(() -> ragged(weight, options.granularity()))
        .or(() -> unsearchable(options))
        .or(() -> Calibrated.unfit(options))
        .orElseGet(() -> Fit.of(encoding(spec(weight, options))));
  }

  /** Groups have one size only, so no other one can be offered. */
  private static Optional<Fit> ragged(WeightMatrix weight, Granularity granularity) {
    return granularity instanceof Granularity.PerGroup group
            && weight.columnCount() % group.size() != 0
        ? Optional.of(
            Fit.not(
                "its "
                    + weight.columnCount()
                    + " columns are no multiple of the group size "
                    + group.size()))
        : Optional.empty();
  }

  /** Tiles are quantized one by one, and a search looks at all values of a scale. */
  private static Optional<Fit> unsearchable(OptionValues options) {
    return searches(options) && options.granularity() instanceof Granularity.PerTensor
        ? Optional.of(
            new Fit.Unfit(
                "search=grid needs a scale for each row, group or block",
                List.of(options.with(CommonOptions.GRANULARITY, Granularity.CHANNEL))))
        : Optional.empty();
  }

  /** The format of the codes. */
  final FloatCode code() {
    return code;
  }

  /** What is done to a weight. */
  abstract FloatSpec spec(WeightMatrix weight, OptionValues options);

  /** The parts and the formula. */
  Encoding encoding(FloatSpec spec) {
    return Encoding.affine(spec.codes(), spec.scale());
  }
}
