package dev.monoquant.schemes;

import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.Fit;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.testkit.contracts.SchemeContract;
import dev.monoquant.tile.Granularity;
import java.util.ArrayList;
import java.util.List;

/** The laws for a profile or a search, in every granularity that it has, in 8 or 4 bits. */
abstract class ProfileContract implements SchemeContract {

  private final int bits;
  private final String profile;
  private final String search;

  ProfileContract(int bits, String profile, String search) {
    this.bits = bits;
    this.profile = profile;
    this.search = search;
  }

  @Override
  public final Scheme subject() {
    return Run.scheme(bits);
  }

  @Override
  public final int colMultiple() {
    return 128;
  }

  @Override
  public final int maxRows() {
    return 8;
  }

  @Override
  public final boolean usesArrays() {
    return false;
  }

  @Override
  public List<OptionValues> options(WeightMatrix rows) {
    List<OptionValues> all = new ArrayList<>();
    for (boolean symmetric : new boolean[] {true, false}) {
      for (Granularity granularity :
          List.of(
              Granularity.TENSOR,
              Granularity.CHANNEL,
              Granularity.group(24),
              Granularity.group(128),
              Granularity.block(3, 40))) {
        all.add(
            OptionValues.of(bits, symmetric, granularity)
                .with(CommonOptions.PROFILE, profile)
                .with(CommonOptions.SEARCH, search)
                .with(CommonOptions.RAGGED, granularity.equals(Granularity.group(24)))
                .withoutImplied(subject().options()));
      }
    }
    return all.stream().filter(o -> subject().fit(rows, o) instanceof Fit.Fits).toList();
  }
}
