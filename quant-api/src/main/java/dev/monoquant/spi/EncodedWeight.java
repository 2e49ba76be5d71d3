package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.Rows;
import dev.monoquant.tile.Encoding;

/**
 * A weight together with how it is, or will be, quantized.
 *
 * @param rows the weight, with the name, type and shape it has as a float tensor
 * @param scheme the scheme that made the codes
 * @param options the resolved options
 * @param encoding the parts
 */
public record EncodedWeight(Rows rows, SchemeId scheme, Options options, Encoding encoding) {

  /** Checks that nothing is null. */
  public EncodedWeight {
    requireNonNull(rows, "rows");
    requireNonNull(scheme, "scheme");
    requireNonNull(options, "options");
    requireNonNull(encoding, "encoding");
  }

  /** {@return the full name of the weight} */
  public String name() {
    return rows.tensor().name();
  }
}
