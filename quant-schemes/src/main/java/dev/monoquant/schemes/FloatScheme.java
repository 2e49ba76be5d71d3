package dev.monoquant.schemes;

import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.Fit;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import java.util.List;
import java.util.Optional;

/** Codes that are floats of 4 or 8 bits, symmetric, with scales. */
abstract class FloatScheme implements Scheme {

  private final SchemeId id;
  private final FloatCode code;
  private final List<OptionSpec<?>> options;

  FloatScheme(String name, FloatCode code, OptionSpec<Granularity> granularity) {
    this.id = new SchemeId(name, 1);
    this.code = code;
    this.options =
        List.of(
            CommonOptions.bits(code.type().bits()),
            CommonOptions.symmetric(true),
            granularity,
            CommonOptions.profile(CommonOptions.COMPRESSED_TENSORS));
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
