package dev.monoquant.schemes;

import dev.monoquant.QuantException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.ErrorBound;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Options;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;

/** Casts to a floating point type of 16 bits; the subclasses tell the rest. */
abstract class CastScheme implements Scheme {

  /** The only part. */
  static final String VALUES = "values";

  private final SchemeId id;
  private final ElementType target;

  CastScheme(String name, ElementType target) {
    this.id = new SchemeId(name, 1);
    this.target = target;
  }

  @Override
  public final SchemeId id() {
    return id;
  }

  @Override
  public final Options defaults(WeightMatrix rows) {
    return new Options(target.bits(), true, Granularity.TENSOR);
  }

  @Override
  public final Encoding encoding(WeightMatrix rows, Options options) {
    SchemeChecks.require(id, target.bits(), rows, options);
    return Encoding.cast(Part.perElement(VALUES, target));
  }

  @Override
  public final TileQuantizer begin(WeightMatrix rows, Options options, Facts facts) {
    encoding(rows, options);
    return new CastQuantizer(
        QuantException.quote(rows.tensor().name()),
        rows.tensor().type(),
        target,
        options.compute() == Compute.TORCH && target == ElementType.FLOAT16);
  }

  @Override
  public final ErrorBound bound(WeightMatrix rows, Options options) {
    encoding(rows, options);
    return new CastErrorBound(rows.tensor().type(), target, Math.toIntExact(rows.cols()));
  }
}
