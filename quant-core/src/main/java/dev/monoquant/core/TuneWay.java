package dev.monoquant.core;

import dev.monoquant.WeightSettings;
import dev.monoquant.tile.Granularity;
import java.util.List;

/** An option that layers are tried with when a model is tuned. */
record TuneWay(String name, WeightSettings settings) {

  /** All options, from the smallest. */
  static final List<TuneWay> ALL =
      List.of(
          of("int3", "group:64"),
          of("int3", "group:32"),
          of("int4", "group:128"),
          of("int4", "group:32"),
          of("int5", "group:128"),
          of("int6", "group:128"),
          of("int8", "channel"));

  /** The number of the option to leave layers in float, which is none of {@link #ALL}. */
  static final int FLOAT = ALL.size();

  private static TuneWay of(String scheme, String granularity) {
    WeightSettings settings =
        WeightSettings.OPEN.withScheme(scheme).withGranularity(Granularity.parse(granularity));
    return new TuneWay(
        scheme + " " + granularity,
        scheme.equals("int8") ? settings : settings.withExtra("search", "grid"));
  }
}
