package com.example.descent;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Fit;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.util.List;
import java.util.Set;

/**
 * INT4 whose codes are chosen so that the outputs of the layer change least. For the error e of a
 * row, the mean square error of its output is e G eᵀ, where G is the Gram matrix of the inputs.
 * Codes begin at the nearest ones; a sweep goes through the columns and moves each code to where
 * that error is least while the others stay: coordinate descent, which never makes it greater.
 *
 * <p>Scales are the largest magnitude of a row, or of a group of columns in it, divided by 7. A
 * weight whose inputs are not known is rounded to nearest.
 */
public final class CoordinateDescent implements Scheme {

  static final OptionSpec<Integer> SWEEPS =
      OptionSpec.integer("sweeps", 4, 0, 100, "How often each code is looked at again; 0: never");

  static final int MOST = 7;

  /** The Gram matrix of more columns takes more than 256 MiB of memory. */
  private static final int MAX_COLUMNS = 8192;

  private static final Part CODES = Part.perElement(Part.CODES, ElementType.INT4);

  @Override
  public SchemeId id() {
    return new SchemeId("example/descent", 1);
  }

  @Override
  public List<OptionSpec<?>> options() {
    return List.of(
        CommonOptions.bits(4),
        CommonOptions.symmetric(true),
        CommonOptions.granularity("channel", "group:N"),
        CommonOptions.profile("example"),
        SWEEPS);
  }

  @Override
  public Fit fit(WeightMatrix weight, OptionValues options) {
    if (options.get(SWEEPS) > 0 && weight.columnCount() > MAX_COLUMNS) {
      return new Fit.Unfit(
          weight.columnCount() + " columns; at most " + MAX_COLUMNS + " are descended along",
          List.of(options.with(SWEEPS, 0)));
    }
    return Fit.of(Encoding.affine(CODES, scales(options)));
  }

  static Part scales(OptionValues options) {
    return options.granularity() instanceof Granularity.PerGroup group
        ? Part.perGroup(Part.SCALE, ElementType.FLOAT32, group.size())
        : Part.perRow(Part.SCALE, ElementType.FLOAT32);
  }

  /** Without a calibration a run with sweeps is refused; a layer that it lacks is not. */
  @Override
  public Set<Need> needs(OptionValues options) {
    return options.get(SWEEPS) > 0 ? Set.of(Need.INPUT_GRAM) : Set.of();
  }

  @Override
  public TileQuantizer begin(
      WeightMatrix weight, OptionValues options, Facts facts, Compute compute) {
    int group = Math.toIntExact(options.granularity().columns(weight.columnCount()));
    return new Descent(
        scales(options), group, options.get(SWEEPS), facts.inputGram().map(Inputs::read));
  }
}
