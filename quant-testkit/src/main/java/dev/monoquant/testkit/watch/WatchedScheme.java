package dev.monoquant.testkit.watch;

import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Fit;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.testkit.fakes.ForwardingScheme;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Tile;
import java.util.Arrays;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/** Records breaches of the protocol by a scheme and its workers. */
final class WatchedScheme extends ForwardingScheme {

  private final Breaches breaches;
  private final Map<String, Encoding> accepted = new ConcurrentHashMap<>();

  WatchedScheme(Scheme inside, Breaches breaches) {
    super(inside);
    this.breaches = breaches;
  }

  @Override
  public Fit fit(WeightMatrix rows, OptionValues options) {
    Fit fit = super.fit(rows, options);
    if (fit instanceof Fit.Fits fits) {
      accepted.put(key(rows, options), fits.encoding());
    }
    return fit;
  }

  @Override
  public TileQuantizer begin(
      WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
    Encoding encoding = accepted.get(key(rows, options));
    if (encoding == null) {
      breaches.note(subject(rows), "work begins with options that were not asked to fit");
      encoding = super.fit(rows, options).orThrow(rows);
    }
    for (Need need : super.needs(options)) {
      if (!knows(facts, need)) {
        breaches.note(subject(rows), "work begins without " + need);
      }
    }
    return new Worker(super.begin(rows, options, facts, compute), rows, encoding.rowAlignment());
  }

  private static String key(WeightMatrix rows, OptionValues options) {
    return rows + " " + options;
  }

  private static boolean knows(Facts facts, Need need) {
    try {
      switch (need) {
        case TENSOR_RANGE -> facts.range();
        case FAMILY_RANGE -> facts.familyRange();
        case TENSOR_SAMPLE -> facts.sample();
        case INPUT_SQUARES, INPUT_GRAM -> {
          // A calibration may lack them.
        }
      }
      return true;
    } catch (NoSuchElementException e) {
      return false;
    }
  }

  private String subject(WeightMatrix rows) {
    return "scheme " + id() + " on " + rows.tensor().name();
  }

  private final class Worker implements TileQuantizer {

    private final TileQuantizer worker;
    private final WeightMatrix rows;
    private final int alignment;
    private final RowSet seen;

    Worker(TileQuantizer worker, WeightMatrix rows, int alignment) {
      this.worker = worker;
      this.rows = rows;
      this.alignment = alignment;
      this.seen = new RowSet(rows.rowCount());
    }

    @Override
    public EncodedTile quantize(Tile tile) {
      String subject = subject(rows);
      if (!tile.rows().equals(rows)) {
        breaches.note(subject, "it is given a tile of " + tile.rows().tensor().name());
      }
      String wrong = seen.add(tile.firstRow(), tile.height());
      boolean whole =
          tile.firstRow() % alignment == 0
              && (tile.height() % alignment == 0
                  || tile.firstRow() + tile.height() == rows.rowCount());
      if (!wrong.isEmpty() || !whole) {
        breaches.note(
            subject, wrong.isEmpty() ? "a tile cuts an alignment of " + alignment : wrong);
      }
      EncodedTile result = worker.quantize(tile);
      if (result.firstRow() != tile.firstRow() || result.height() != tile.height()) {
        breaches.note(subject, "the result is of other rows than the tile");
      }
      int before = hash(result);
      // A scheme that reads the tile later fails because it is closed; the hash detects a change
      // of a retained result.
      Arrays.fill(tile.values(), Float.NaN);
      breaches.atEnd(
          () -> {
            if (hash(result) != before) {
              breaches.note(subject, "a result changed after it was handed over");
            }
          });
      return result;
    }

    @Override
    public Map<String, byte[]> tensorParts() {
      Map<String, byte[]> parts = worker.tensorParts();
      int before = hash(parts);
      breaches.atEnd(
          () -> {
            if (hash(parts) != before || hash(worker.tensorParts()) != before) {
              breaches.note(subject(rows), "the parts of the tensor changed while it was in work");
            }
            String missing = seen.missing();
            if (!missing.isEmpty()) {
              breaches.note(subject(rows), missing);
            }
          });
      return parts;
    }

    private static int hash(EncodedTile tile) {
      int hash = 0;
      for (String name : tile.names()) {
        hash += name.hashCode() ^ Arrays.hashCode(tile.part(name));
      }
      return hash;
    }

    private static int hash(Map<String, byte[]> parts) {
      Map<String, Integer> hashes = new TreeMap<>();
      parts.forEach((name, bytes) -> hashes.put(name, Arrays.hashCode(bytes)));
      return hashes.hashCode();
    }
  }
}
