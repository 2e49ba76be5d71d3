package dev.monoquant.testkit.fakes;

import ai.djl.ndarray.NDArray;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Tile;
import java.util.Arrays;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * A scheme with correct results that misuses its tiles: it fills them with other values, and writes
 * to them after the call. A pipeline passes if the caller's model does not change and the output
 * equals that of the wrapped scheme.
 */
public final class HostileScheme extends ForwardingScheme {

  /** The kinds of misuse. */
  public enum Malice {
    /** Fills {@link Tile#values()} with NaN after use. Needs no engine. */
    SCRIBBLES,
    /** Zeroes {@link Tile#array()} in place as well. */
    SCRIBBLES_ARRAYS,
    /**
     * Keeps every {@link Tile#values()} and fills it again at each later call. This breaks the
     * contract: the caller's model must not change, the output may.
     */
    KEEPS
  }

  private final Malice malice;

  /**
   * Wraps a scheme.
   *
   * @param inside the wrapped scheme, which does the work under its own id
   * @param malice the misuse
   */
  public HostileScheme(Scheme inside, Malice malice) {
    super(inside);
    this.malice = malice;
  }

  @Override
  public TileQuantizer begin(
      WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
    return new Worker(
        super.begin(rows, options, facts, compute), malice, new ConcurrentLinkedQueue<>());
  }

  private record Worker(TileQuantizer inside, Malice malice, Queue<float[]> kept)
      implements TileQuantizer {

    @Override
    public EncodedTile quantize(Tile tile) {
      EncodedTile result = inside.quantize(tile);
      Arrays.fill(tile.values(), Float.NaN);
      if (malice == Malice.SCRIBBLES_ARRAYS) {
        NDArray array = tile.array();
        array.muli(0);
        array.addi(Float.NaN);
      }
      if (malice == Malice.KEEPS) {
        kept.forEach(values -> Arrays.fill(values, -1e30f));
        kept.add(tile.values());
      }
      return result;
    }

    @Override
    public Map<String, byte[]> tensorParts() {
      return inside.tensorParts();
    }
  }
}
