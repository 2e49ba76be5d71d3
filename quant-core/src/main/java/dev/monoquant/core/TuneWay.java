package dev.monoquant.core;

import dev.monoquant.WeightSettings;
import dev.monoquant.tile.Granularity;
import java.util.List;

/** An option that layers are tried with when a model is tuned. */
record TuneWay(String name, WeightSettings settings) {

  /**
   * All options, from the smallest. With a zero point for each group, codes of few bits have less
   * error in the same bytes: of 4 bits in groups of 128, a ninth less of 1 - cosine of a BERT.
   */
  static final List<TuneWay> ALL =
      List.of(
          of("int3", "group:128"),
          of("int3", "group:64"),
          of("int4", "group:128"),
          of("int4", "group:64"),
          of("int4", "group:32"),
          of("int5", "group:128"),
          of("int6", "group:128"),
          of("int8", "channel"));

  /** The number of the option to leave layers in float, which is none of {@link #ALL}. */
  static final int FLOAT = ALL.size();

  private static TuneWay of(String scheme, String granularity) {
    WeightSettings settings =
        WeightSettings.OPEN.withScheme(scheme).withGranularity(Granularity.parse(granularity));
    return scheme.equals("int8")
        ? new TuneWay(scheme + " " + granularity, settings)
        : new TuneWay(
            scheme + " " + granularity + " asymmetric",
            settings.withSymmetric(false).withExtra("search", "grid"));
  }
}
