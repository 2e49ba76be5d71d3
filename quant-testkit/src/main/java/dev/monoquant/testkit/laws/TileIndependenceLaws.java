package dev.monoquant.testkit.laws;

import static java.util.Objects.requireNonNull;

import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.testkit.SchemeCase;
import dev.monoquant.testkit.SchemeCase.Span;
import dev.monoquant.testkit.fakes.MemoryTile;
import dev.monoquant.tile.EncodedTile;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * Laws for the independence of tiles: the codes of a row depend only on the values of that row's
 * block, the options and the facts. Therefore the pipeline can choose any tiles, process them in
 * parallel, and always write the same bytes.
 *
 * <p>Check them on cases that are {@link SchemeCase#accepted()}.
 */
public final class TileIndependenceLaws {

  private static final int THREADS = 4;
  private static final int ROUNDS = 8;

  /** The content of a tile after its memory is reused. */
  private static final float ELSEWHERE = 1e9f;

  private TileIndependenceLaws() {}

  /**
   * The same values give the same bytes, with the same worker and with a new one. Each call gets a
   * new tile, because a worker may overwrite its tile.
   *
   * @param c an accepted case
   */
  public static void repeats(SchemeCase c) {
    TileQuantizer worker = c.begin();
    int height = c.weight().height();
    EncodedTile first = Parts.copy(c.quantize(worker, 0, height));
    requireEqual(
        "repeats", c, first, c.quantize(worker, 0, height), "second call with the same tile");
    requireEqual(
        "repeats", c, first, c.quantize(c.begin(), 0, height), "another worker with the same tile");
  }

  /**
   * A result does not change when the tile's arrays change after the call, or when the worker
   * quantizes another tile: a worker keeps no reference to a tile and does not reuse a returned
   * buffer.
   *
   * @param c an accepted case
   */
  public static void retainsNothing(SchemeCase c) {
    TileQuantizer worker = c.begin();
    int height = c.weight().height();
    try (MemoryTile tile = c.tile(0, height);
        MemoryTile zeros = zeros(c)) {
      EncodedTile result = worker.quantize(tile);
      EncodedTile expected = Parts.copy(result);
      Arrays.fill(tile.values(), ELSEWHERE);
      requireEqual("retainsNothing", c, expected, result, "after the values of the tile changed");
      worker.quantize(zeros);
      requireEqual("retainsNothing", c, expected, result, "after a tile of zeros was quantized");
      requireUntouched(c, tile.values());
    }
  }

  private static void requireUntouched(SchemeCase c, float[] values) {
    for (int i = 0; i < values.length; i++) {
      if (values[i] != ELSEWHERE) {
        throw new LawViolation(
            "retainsNothing", c, "value %d of an earlier tile was changed".formatted(i));
      }
    }
  }

  private static MemoryTile zeros(SchemeCase c) {
    return MemoryTile.of(c.weight().rows(), 0, new float[c.weight().height() * c.weight().cols()]);
  }

  /**
   * Tiles that one worker quantizes in any order equal those of a new worker for each tile.
   *
   * @param c an accepted case; the law does not apply to a single tile
   */
  public static void orderDoesNotMatter(SchemeCase c) {
    requireTiles("orderDoesNotMatter", c);
    Map<Span, EncodedTile> alone = alone(c);
    List<Span> order = new ArrayList<>(alone.keySet());
    Collections.reverse(order);
    inOrder(c, order, alone);
    Collections.shuffle(order, new Random(1));
    inOrder(c, order, alone);
  }

  private static void inOrder(SchemeCase c, List<Span> order, Map<Span, EncodedTile> alone) {
    TileQuantizer worker = c.begin();
    for (Span span : order) {
      EncodedTile tile = c.quantize(worker, span.firstRow(), span.height());
      requireEqual("orderDoesNotMatter", c, alone.get(span), tile, span + " in order " + order);
    }
  }

  private static Map<Span, EncodedTile> alone(SchemeCase c) {
    Map<Span, EncodedTile> alone = new LinkedHashMap<>();
    for (Span span : c.spans(1)) {
      alone.put(span, Parts.copy(c.quantize(c.begin(), span.firstRow(), span.height())));
    }
    return alone;
  }

  /**
   * Tiles that one worker quantizes on several threads concurrently equal those of a new worker for
   * each tile. A data race may not appear in every run: run this often.
   *
   * @param c an accepted case
   */
  public static void threadsDoNotMatter(SchemeCase c) {
    Map<Span, EncodedTile> alone = alone(c);
    TileQuantizer worker = c.begin();
    CyclicBarrier together = new CyclicBarrier(THREADS);
    List<Callable<Void>> tasks = new ArrayList<>();
    for (int thread = 0; thread < THREADS; thread++) {
      List<Span> order = new ArrayList<>(alone.keySet());
      Collections.rotate(order, thread);
      tasks.add(
          () -> {
            together.await();
            for (int round = 0; round < ROUNDS; round++) {
              for (Span span : order) {
                EncodedTile tile = c.quantize(worker, span.firstRow(), span.height());
                requireEqual("threadsDoNotMatter", c, alone.get(span), tile, span.toString());
              }
            }
            return null;
          });
    }
    runAll("threadsDoNotMatter", c, tasks);
  }

  /**
   * Runs tasks concurrently, one thread each; a failure of one is thrown as a {@link LawViolation}.
   */
  static void runAll(String law, Object subject, List<Callable<Void>> tasks) {
    ExecutorService pool = Executors.newFixedThreadPool(tasks.size());
    try {
      for (Future<Void> done : pool.invokeAll(tasks)) {
        done.get();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof LawViolation violation) {
        throw violation;
      }
      throw new LawViolation(law, subject, String.valueOf(e.getCause()), e.getCause());
    } finally {
      pool.shutdownNow();
    }
  }

  /**
   * One tile of all rows has the same bytes as many tiles of few rows, concatenated.
   *
   * @param c an accepted case; the law does not apply to a single tile
   */
  public static void heightDoesNotMatter(SchemeCase c) {
    requireTiles("heightDoesNotMatter", c);
    EncodedTile expected = c.quantize();
    for (int height : new int[] {1, 2, 3, (c.weight().height() + 1) / 2}) {
      requireEqual(
          "heightDoesNotMatter",
          c,
          expected,
          c.quantizeInTiles(height),
          "in tiles of " + height + " rows");
    }
  }

  private static void requireTiles(String law, SchemeCase c) {
    if (c.spans(1).size() < 2) {
      throw new NotApplicable(law, "the weight is a single tile");
    }
  }

  private static void requireEqual(
      String law, SchemeCase c, @Nullable EncodedTile expected, EncodedTile actual, String when) {
    Parts.difference(requireNonNull(expected), actual)
        .ifPresent(
            d -> {
              throw new LawViolation(law, c, when + ": " + d);
            });
  }
}
