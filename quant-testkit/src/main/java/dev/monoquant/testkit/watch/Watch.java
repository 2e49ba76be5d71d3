package dev.monoquant.testkit.watch;

import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.Scheme;
import dev.monoquant.testkit.laws.LawViolation;
import java.util.List;

/**
 * Wraps plugins in real runs, and records every breach of the protocol by a plugin or its caller:
 * wrong order, missing or repeated rows, arrays that change after they were returned, use after
 * close, and resources that are never closed.
 *
 * <pre>{@code
 * Watch watch = new Watch();
 * Plugins plugins = Plugins.of(watch.scheme(new MyScheme()), watch.output(new MyOutput()), ...);
 * Quantizer.create().withPlugins(plugins).quantize(input, config, target, false);
 * watch.requireQuiet();
 * }</pre>
 *
 * <p>Wrapped plugins behave as without the wrapper: results are passed on unchanged. A watch does
 * not check values; the laws do. Thread-safe.
 */
public final class Watch {

  private final Breaches breaches = new Breaches();

  /** Makes a watch without records. */
  public Watch() {}

  /**
   * {@return the watched scheme: the encoding is accepted before work begins, every row is
   * quantized once, in whole alignments and within its tile, results do not change after they were
   * returned, and tiles are not read after the call}
   *
   * @param scheme any scheme
   */
  public Scheme scheme(Scheme scheme) {
    return new WatchedScheme(scheme, breaches);
  }

  /**
   * {@return the watched output format: every byte is written once, before the output is finished,
   * and none after; written buffers are consumed; and writers are closed}
   *
   * @param format any output format
   */
  public OutputFormat output(OutputFormat format) {
    return new WatchedOutput(format, breaches);
  }

  /**
   * {@return the watched input format: probing an input throws nothing, reads stay within tensors,
   * returned buffers are read-only and have the requested length, nothing is read after the close,
   * and sources are closed}
   *
   * @param format any input format
   */
  public InputFormatDetector input(InputFormatDetector format) {
    return new WatchedInput(format, breaches);
  }

  /** {@return the breaches recorded so far, one line each; call it after the runs} */
  public List<String> breaches() {
    return breaches.all();
  }

  /**
   * Checks that no breach was recorded; call it after the runs.
   *
   * @throws LawViolation with all breaches
   */
  public void requireQuiet() {
    List<String> all = breaches();
    if (!all.isEmpty()) {
      throw new LawViolation("protocol", "what was watched", String.join("; ", all));
    }
  }
}
