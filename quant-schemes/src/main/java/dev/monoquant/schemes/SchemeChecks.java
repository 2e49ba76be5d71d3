package dev.monoquant.schemes;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantException;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Options;
import dev.monoquant.spi.SchemeId;

/** What every scheme here asks of a weight and of its options. */
final class SchemeChecks {

  private SchemeChecks() {}

  /** Refuses other types, empty weights, other widths and unknown profiles. */
  static void require(SchemeId scheme, int bits, WeightMatrix rows, Options options) {
    String name = QuantException.quote(rows.tensor().name());
    if (!rows.tensor().type().isQuantizable()) {
      throw new ConfigurationException(
          String.format(
              "tensor %s is %s; scheme %s takes F16, BF16, F32 and F64. Keep it as it is",
              name, rows.tensor().type().wire(), scheme.name()));
    }
    if (rows.rows() < 1 || rows.cols() < 1) {
      throw new ConfigurationException(
          String.format(
              "tensor %s of shape %s is empty. Keep it as it is", name, rows.tensor().shape()));
    }
    if (options.bits() != bits) {
      throw new ConfigurationException(
          String.format(
              "tensor %s: scheme %s has %d bits, not %d. Leave bits open, or name another scheme",
              name, scheme.name(), bits, options.bits()));
    }
    if (!options.profile().equals(Options.COMPRESSED_TENSORS)) {
      throw new ConfigurationException(
          String.format(
              "tensor %s: scheme %s has no profile %s; it has %s",
              name,
              scheme.name(),
              QuantException.quote(options.profile()),
              Options.COMPRESSED_TENSORS));
    }
  }
}
