package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantException;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;

/** Whether a scheme can quantize a weight with given options, see {@link Scheme#fit}. */
public sealed interface Fit {

  /**
   * The scheme can quantize the weight.
   *
   * @param encoding the parts of the quantized weight
   */
  record Fits(Encoding encoding) implements Fit {
    /** Checks that the encoding is not null. */
    public Fits {
      requireNonNull(encoding, "encoding");
    }
  }

  /**
   * The scheme cannot quantize the weight.
   *
   * @param reason the reason, about the weight, such as {@code its 288 columns are no multiple of
   *     the group size 64}; without the names of scheme and weight, which the message adds
   * @param nearest options that fit this weight, the best first; empty if there are none or none
   *     are known
   */
  record Unfit(String reason, List<OptionValues> nearest) implements Fit {
    /** Copies the list. */
    public Unfit {
      requireNonNull(reason, "reason");
      nearest = List.copyOf(nearest);
    }
  }

  /**
   * {@return the result if the scheme can quantize the weight}
   *
   * @param encoding the parts of the quantized weight
   */
  static Fit of(Encoding encoding) {
    return new Fits(encoding);
  }

  /**
   * {@return the result if the scheme cannot quantize the weight with any options}
   *
   * @param reason the reason
   */
  static Fit not(String reason) {
    return new Unfit(reason, List.of());
  }

  /**
   * The result for a scheme that requires the group size to divide the number of columns. The
   * nearest options are the next smaller and the next larger group size that divide it, except a
   * single group of all columns.
   *
   * @param weight the weight
   * @param options options of the scheme
   * @return the refusal; empty if the group size divides the columns, the granularity is not {@code
   *     group:N}, or {@link CommonOptions#RAGGED} is set
   */
  static Optional<Fit> raggedGroups(WeightMatrix weight, OptionValues options) {
    if (!(options.granularity() instanceof Granularity.PerGroup group)
        || weight.columnCount() % group.size() == 0
        || options.get(CommonOptions.RAGGED)) {
      return Optional.empty();
    }
    long cols = weight.columnCount();
    List<OptionValues> nearest = new ArrayList<>();
    LongStream.of(
            dividing(cols, Math.min(group.size(), cols - 1), -1), dividing(cols, group.size(), 1))
        .filter(size -> size > 1)
        .mapToObj(size -> Granularity.group(Math.toIntExact(size)))
        .forEach(size -> nearest.add(options.with(CommonOptions.GRANULARITY, size)));
    return Optional.of(
        new Unfit(
            "its " + cols + " columns are no multiple of the group size " + group.size(), nearest));
  }

  /** The first size from {@code from} on that divides the columns; 0 if there is none nearby. */
  private static long dividing(long cols, long from, int step) {
    for (long size = from, n = 0; size > 1 && size < cols && n < 4096; size += step, n++) {
      if (cols % size == 0) {
        return size;
      }
    }
    return 0;
  }

  /**
   * {@return the parts}
   *
   * @param weight the weight, for the message
   * @throws ConfigurationException if it does not fit
   */
  default Encoding orThrow(WeightMatrix weight) {
    if (this instanceof Fits fits) {
      return fits.encoding();
    }
    throw new ConfigurationException(
        "tensor " + QuantException.quote(weight.tensor().name()) + ": " + ((Unfit) this).reason());
  }
}
