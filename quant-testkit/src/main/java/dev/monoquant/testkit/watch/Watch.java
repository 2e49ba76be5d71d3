package dev.monoquant.testkit.watch;

import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.Scheme;
import dev.monoquant.testkit.laws.LawViolation;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Stands between the framework and plugins in real runs, and notes every call that breaks the
 * protocol on either side: wrong order, rows that are missing or come twice, arrays that are
 * touched after they were handed over, what is used after it was closed, and what is never closed.
 *
 * <pre>{@code
 * Watch watch = new Watch();
 * Plugins plugins = Plugins.of(watch.scheme(new MyScheme()), watch.output(new MyOutput()), ...);
 * Quantizer.create().withPlugins(plugins).quantize(input, config, target, false);
 * watch.requireQuiet();
 * }</pre>
 *
 * <p>What is watched behaves as it does alone: results are passed on as they are. What this does
 * not do: it judges no numbers; that is for the laws. Thread-safe.
 */
public final class Watch {

  private final ConcurrentLinkedQueue<String> breaches = new ConcurrentLinkedQueue<>();
  private final ConcurrentLinkedQueue<Runnable> atEnd = new ConcurrentLinkedQueue<>();

  /** Makes a watch that has seen nothing. */
  public Watch() {}

  /**
   * {@return the scheme, watched: the encoding is accepted before work begins, every row is
   * quantized once, in whole alignments and within its tile, results do not change after they were
   * handed over, and tiles are not looked at any more}
   *
   * @param scheme any scheme
   */
  public Scheme scheme(Scheme scheme) {
    return new WatchedScheme(scheme, this);
  }

  /**
   * {@return the output format, watched: every byte is written once, before the output is finished,
   * nothing after; what is written is consumed; and sinks are closed}
   *
   * @param format any output format
   */
  public OutputFormat output(OutputFormat format) {
    return new WatchedOutput(format, this);
  }

  /**
   * {@return the input format, watched: looking at an input throws nothing, reads stay within
   * tensors, what is read is read-only and as long as asked for, nothing is read after the end, and
   * sources are closed}
   *
   * @param format any input format
   */
  public InputFormatDetector input(InputFormatDetector format) {
    return new WatchedInput(format, this);
  }

  /** {@return what was noted until now, each one line; call it when runs are over} */
  public List<String> breaches() {
    while (true) {
      Runnable last = atEnd.poll();
      if (last == null) {
        return new ArrayList<>(breaches);
      }
      last.run();
    }
  }

  /**
   * Checks that nothing was noted; call it when runs are over.
   *
   * @throws LawViolation with everything that was
   */
  public void requireQuiet() {
    List<String> all = breaches();
    if (!all.isEmpty()) {
      throw new LawViolation("protocol", "what was watched", String.join("; ", all));
    }
  }

  void note(String subject, String what) {
    breaches.add(subject + ": " + what);
  }

  /** Something that can only be told when runs are over. */
  void atEnd(Runnable check) {
    atEnd.add(check);
  }
}
