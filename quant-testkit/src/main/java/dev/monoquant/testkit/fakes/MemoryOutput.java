package dev.monoquant.testkit.fakes;

import dev.monoquant.OutputException;
import dev.monoquant.QuantException;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputRequest;
import dev.monoquant.spi.OutputWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * An output that keeps everything in memory and insists on the protocol of {@link OutputWriter}:
 * every byte exactly once, all of them before the commit, nothing after it, and a close in the end.
 *
 * <p>Who breaks the protocol gets an {@link IllegalStateException}, and the breach is remembered in
 * {@link #breaches()} in case that exception is swallowed. Thread-safe, and so are its sinks.
 */
public final class MemoryOutput implements OutputFormat {

  private final Map<Path, MemorySink> committed = new ConcurrentHashMap<>();
  private final List<MemorySink> sinks = new CopyOnWriteArrayList<>();
  private final List<String> breaches = new CopyOnWriteArrayList<>();

  /** Makes an output without results. */
  public MemoryOutput() {}

  @Override
  public String id() {
    return "testkit/memory";
  }

  @Override
  public boolean suits(Path target) {
    return target.toString().endsWith(".memory");
  }

  @Override
  public Optional<String> refusal(EncodedWeight weight) {
    return Optional.empty();
  }

  @Override
  public long predictBytes(OutputRequest request) {
    long sum = 0;
    for (EncodedWeight weight : request.weights()) {
      sum += weight.encoding().packedBytes(weight.rows().rows(), weight.rows().cols());
    }
    return sum + request.kept().stream().mapToLong(t -> t.bytes()).sum();
  }

  @Override
  public OutputWriter open(OutputRequest request) {
    if (committed.containsKey(request.target()) && !request.overwrite()) {
      throw new OutputException(
          QuantException.quote(request.target().toString()) + " is there; allow to overwrite it");
    }
    MemorySink sink = new MemorySink(this, request);
    sinks.add(sink);
    return sink;
  }

  /**
   * {@return what was committed under a target}
   *
   * @param target the target of a request
   * @throws IllegalStateException if nothing was
   */
  public MemorySink result(Path target) {
    MemorySink sink = committed.get(target);
    if (sink == null) {
      throw new IllegalStateException("nothing was committed as " + target);
    }
    return sink;
  }

  /** {@return every breach of the protocol so far, sinks that are still open included} */
  public List<String> breaches() {
    List<String> all = new ArrayList<>(breaches);
    for (MemorySink sink : sinks) {
      if (!sink.isClosed()) {
        all.add("the sink for " + sink.request().target() + " is not closed");
      }
    }
    return all;
  }

  IllegalStateException breach(String what) {
    breaches.add(what);
    return new IllegalStateException(what);
  }

  void commit(MemorySink sink) {
    committed.put(sink.request().target(), sink);
  }
}
