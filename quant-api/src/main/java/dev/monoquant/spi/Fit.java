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

/** Whether a scheme can take a weight under some options, see {@link Scheme#fit}. */
public sealed interface Fit {

  /**
   * It can.
   *
   * @param encoding the parts that it makes of the weight
   */
  record Fits(Encoding encoding) implements Fit {
    /** Checks that it is not null. */
    public Fits {
      requireNonNull(encoding, "encoding");
    }
  }

  /**
   * It cannot.
   *
   * @param reason why, about the weight, such as {@code its 288 columns are no multiple of the
   *     group size 64}; without the names of scheme and weight, which are said beside it
   * @param nearest options that fit this weight, the best first; empty if none do or none are known
   */
  record Unfit(String reason, List<OptionValues> nearest) implements Fit {
    /** Copies the list. */
    public Unfit {
      requireNonNull(reason, "reason");
      nearest = List.copyOf(nearest);
    }
  }

  /**
   * {@return the answer of a scheme that can take the weight}
   *
   * @param encoding the parts that it makes of it
   */
  static Fit of(Encoding encoding) {
    return new Fits(encoding);
  }

  /**
   * {@return the answer of a scheme that cannot take the weight whatever the options}
   *
   * @param reason why
   */
  static Fit not(String reason) {
    return new Unfit(reason, List.of());
  }

  /**
   * The refusal of a scheme whose groups must divide the columns: it is up to the scheme whether
   * they must. The nearest options are the greatest smaller and the least greater size that divide
   * them, but not all of them.
   *
   * @param weight the weight
   * @param options options of the scheme
   * @return the refusal; empty if the columns are whole groups, or the granularity is no {@code
   *     group:N}
   */
  static Optional<Fit> raggedGroups(WeightMatrix weight, OptionValues options) {
    if (!(options.granularity() instanceof Granularity.PerGroup group)
        || weight.columnCount() % group.size() == 0) {
      return Optional.empty();
    }
    long cols = weight.columnCount();
    List<OptionValues> nearest = new ArrayList<>();
    LongStream.of(dividing(cols, Math.min(group.size(), cols), -1), dividing(cols, group.size(), 1))
        .filter(size -> size > 1)
        .mapToObj(size -> Granularity.group(Math.toIntExact(size)))
        .forEach(size -> nearest.add(options.with(CommonOptions.GRANULARITY, size)));
    return Optional.of(
        new Unfit(
            "its " + cols + " columns are no multiple of the group size " + group.size(), nearest));
  }

  /** The first size from there that divides the columns; 0 if there is none close to it. */
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
   * @param weight the weight that the scheme was asked about, for the message
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
