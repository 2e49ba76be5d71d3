package dev.monoquant.testkit.fakes;

import dev.monoquant.ConfigurationException;
import dev.monoquant.OutputException;
import dev.monoquant.QuantException;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputLayout;
import dev.monoquant.spi.OutputSession;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.WriteOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * An output in memory that enforces the protocol of {@link OutputWriter}: every byte exactly once,
 * all before the commit, nothing after it, and a close at the end.
 *
 * <p>A breach of the protocol throws an {@link IllegalStateException} and is recorded in {@link
 * #breaches()}, in case the exception is caught. Thread-safe, and so are its writers.
 */
public final class MemoryOutput implements OutputFormat {

  private final Map<Path, MemoryWriter> committed = new ConcurrentHashMap<>();
  private final List<MemoryWriter> sinks = new CopyOnWriteArrayList<>();
  private final List<String> breaches = new CopyOnWriteArrayList<>();

  /** Makes an output without results. */
  public MemoryOutput() {}

  @Override
  public String id() {
    return "testkit/memory";
  }

  @Override
  public boolean accepts(Path target) {
    return target.toString().endsWith(".memory");
  }

  @Override
  public OutputSession open(ModelSource source) {
    return new OutputSession() {
      @Override
      public Optional<String> unsupported(EncodedWeight weight) {
        return Optional.empty();
      }

      @Override
      public OutputLayout layout(OutputContents contents) {
        return new Layout(contents);
      }

      @Override
      public void close() {}
    };
  }

  private final class Layout implements OutputLayout {
    private final OutputContents contents;

    Layout(OutputContents contents) {
      this.contents = contents;
    }

    @Override
    public long bytes() {
      long sum = 0;
      for (EncodedWeight weight : contents.weights()) {
        sum +=
            weight
                .encoding()
                .packedBytes(weight.matrix().rowCount(), weight.matrix().columnCount());
      }
      return sum + contents.kept().stream().mapToLong(t -> t.bytes()).sum();
    }

    @Override
    public OutputWriter open(WriteOptions options) {
      return write(contents, options);
    }
  }

  private MemoryWriter write(OutputContents contents, WriteOptions options) {
    if (committed.containsKey(options.target()) && !options.overwrite()) {
      throw new OutputException(
          QuantException.quote(options.target().toString()) + " is there; allow to overwrite it");
    }
    if (options.resume()) {
      throw new ConfigurationException(
          options.target() + ": what is in memory only cannot be resumed; leave resume out");
    }
    MemoryWriter sink =
        new MemoryWriter(
            contents,
            options.target(),
            this::breach,
            written -> committed.put(options.target(), written));
    sinks.add(sink);
    return sink;
  }

  /**
   * {@return the committed output of a target}
   *
   * @param target the target of a run
   * @throws IllegalStateException if nothing was committed
   */
  public MemoryWriter result(Path target) {
    MemoryWriter sink = committed.get(target);
    if (sink == null) {
      throw new IllegalStateException("nothing was committed as " + target);
    }
    return sink;
  }

  /** {@return every breach of the protocol so far, including writers that are still open} */
  public List<String> breaches() {
    List<String> all = new ArrayList<>(breaches);
    for (MemoryWriter sink : sinks) {
      if (!sink.isClosed()) {
        all.add("the sink for " + sink.target() + " is not closed");
      }
    }
    return all;
  }

  private IllegalStateException breach(String what) {
    breaches.add(what);
    return new IllegalStateException(what);
  }
}
