package dev.monoquant.testkit.fakes;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.ErrorBound;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Fit;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.spi.TileDecoder;
import dev.monoquant.spi.TileQuantizer;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Delegates every call to another scheme: a base class for decorators. It also delegates default
 * methods, so that no behaviour of the wrapped scheme is lost.
 */
public class ForwardingScheme implements Scheme {

  private final Scheme inside;

  /**
   * Wraps a scheme.
   *
   * @param inside the wrapped scheme
   */
  public ForwardingScheme(Scheme inside) {
    this.inside = requireNonNull(inside, "inside");
  }

  @Override
  public SchemeId id() {
    return inside.id();
  }

  @Override
  public OptionValues defaults(WeightMatrix rows) {
    return inside.defaults(rows);
  }

  @Override
  public Fit fit(WeightMatrix rows, OptionValues options) {
    return inside.fit(rows, options);
  }

  @Override
  public Set<Need> needs(OptionValues options) {
    return inside.needs(options);
  }

  @Override
  public Set<Need> uses(OptionValues options) {
    return inside.uses(options);
  }

  @Override
  public List<OptionSpec<?>> options() {
    return inside.options();
  }

  @Override
  public TileQuantizer begin(
      WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
    return inside.begin(rows, options, facts, compute);
  }

  @Override
  public Optional<TileDecoder> decoder(WeightMatrix rows, OptionValues options) {
    return inside.decoder(rows, options);
  }

  @Override
  public ErrorBound bound(WeightMatrix rows, OptionValues options) {
    return inside.bound(rows, options);
  }

  @Override
  public Optional<String> torchScript(WeightMatrix rows, OptionValues options) {
    return inside.torchScript(rows, options);
  }
}
