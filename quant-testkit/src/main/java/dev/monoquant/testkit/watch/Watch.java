package dev.monoquant.testkit.watch;

import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.Scheme;
import dev.monoquant.testkit.laws.LawViolation;
import java.util.List;

/**
 * Wraps plugins in real runs, and records every call that breaks the protocol on either side: wrong
 * order, rows that are missing or arrive twice, arrays that change after they were returned, use
 * after close, and resources that are never closed.
 *
 * <pre>{@code
 * Watch watch = new Watch();
 * Plugins plugins = Plugins.of(watch.scheme(new MyScheme()), watch.output(new MyOutput()), ...);
 * Quantizer.create().withPlugins(plugins).quantize(input, config, target, false);
 * watch.requireQuiet();
 * }</pre>
 *
 * <p>Wrapped plugins behave as without the wrapper: results are passed on unchanged. What this does
 * not do: it does not check values; the laws do. Thread-safe.
 */
public final class Watch {

  private final Breaches breaches = new Breaches();

  /** Makes a watch without records. */
  public Watch() {}

  /**
   * {@return the scheme, watched: the encoding is accepted before work begins, every row is
   * quantized once, in whole alignments and within its tile, results do not change after they were
   * handed over, and tiles are not looked at any more}
   *
   * @param scheme any scheme
   */
  public Scheme scheme(Scheme scheme) {
    return new WatchedScheme(scheme, breaches);
  }

  /**
   * {@return the output format, watched: every byte is written once, before the output is finished,
   * nothing after; what is written is consumed; and sinks are closed}
   *
   * @param format any output format
   */
  public OutputFormat output(OutputFormat format) {
    return new WatchedOutput(format, breaches);
  }

  /**
   * {@return the input format, watched: looking at an input throws nothing, reads stay within
   * tensors, what is read is read-only and as long as asked for, nothing is read after the end, and
   * sources are closed}
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
