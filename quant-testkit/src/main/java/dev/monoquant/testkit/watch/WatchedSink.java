package dev.monoquant.testkit.watch;

import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.testkit.fakes.ForwardingWriter;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** Records breaches of the protocol by an output writer. */
final class WatchedSink extends ForwardingWriter {

  /** The state of the output; each state follows those above it. */
  private enum State {
    WRITING,
    FINISHED,
    COMMITTED,
    CLOSED
  }

  private final String subject;
  private final Breaches breaches;
  private final Map<String, RowSet> rows = new HashMap<>();
  private final Map<String, AtomicLong> kept = new HashMap<>();
  private final Set<String> wholes = ConcurrentHashMap.newKeySet();
  private final AtomicInteger closes = new AtomicInteger();
  private volatile State state = State.WRITING;

  WatchedSink(OutputWriter inside, OutputContents contents, String subject, Breaches breaches) {
    super(inside);
    this.subject = subject;
    this.breaches = breaches;
    contents.weights().forEach(w -> rows.put(w.name(), new RowSet(w.matrix().rowCount())));
    contents.kept().forEach(t -> kept.put(t.name(), new AtomicLong(t.bytes())));
    breaches.atEnd(
        () -> {
          if (closes.get() == 0) {
            breaches.note(subject, "a sink is never closed");
          }
        });
  }

  private void writing(String what) {
    if (state != State.WRITING) {
      breaches.note(subject, what + " is written when the output is " + state);
    }
  }

  @Override
  public void writeTile(EncodedWeight weight, EncodedTile tile) throws IOException {
    writing(weight.name());
    RowSet seen = rows.get(weight.name());
    String wrong = seen == null ? "is not announced" : seen.add(tile.firstRow(), tile.height());
    if (!wrong.isEmpty()) {
      breaches.note(subject, weight.name() + ": " + wrong);
    }
    if (!wholes.contains(weight.name())) {
      breaches.note(subject, weight.name() + ": a tile comes before the parts of the whole tensor");
    }
    super.writeTile(weight, tile);
  }

  @Override
  public void writeWhole(EncodedWeight weight, Map<String, byte[]> parts) throws IOException {
    writing(weight.name());
    if (!wholes.add(weight.name())) {
      breaches.note(subject, weight.name() + ": the parts of the whole tensor come twice");
    }
    super.writeWhole(weight, parts);
  }

  @Override
  public void writeKept(TensorInfo tensor, long offset, ByteBuffer data) throws IOException {
    writing(tensor.name());
    int length = data.remaining();
    AtomicLong left = kept.get(tensor.name());
    if (left == null || left.addAndGet(-length) < 0 || offset < 0) {
      breaches.note(subject, tensor.name() + ": bytes that were not announced, or come twice");
    }
    super.writeKept(tensor, offset, data);
    if (data.hasRemaining()) {
      breaches.note(subject, tensor.name() + ": " + data.remaining() + " bytes are not consumed");
    }
  }

  @Override
  public Optional<String> finished(String name) {
    Optional<String> finished = super.finished(name);
    if (finished.isPresent()) {
      // The data of an interrupted run is not written again.
      rows.remove(name);
      kept.remove(name);
    }
    return finished;
  }

  @Override
  public void remark(String name, String text) {
    writing(name);
    super.remark(name, text);
  }

  @Override
  public Optional<Path> finish() throws IOException {
    complete();
    state = State.FINISHED;
    return super.finish();
  }

  @Override
  public List<Path> commit() throws IOException {
    if (state == State.WRITING) {
      complete();
    } else if (state != State.FINISHED) {
      breaches.note(subject, "it is committed when it is " + state);
    }
    List<Path> files = super.commit();
    state = State.COMMITTED;
    return files;
  }

  private void complete() {
    writing("the end");
    rows.forEach(
        (name, seen) -> {
          String missing = seen.missing();
          if (!missing.isEmpty()) {
            breaches.note(subject, name + ": " + missing);
          }
        });
    kept.forEach(
        (name, left) -> {
          if (left.get() != 0) {
            breaches.note(subject, name + ": " + left + " bytes never came");
          }
        });
  }

  @Override
  public void close() throws IOException {
    closes.incrementAndGet();
    state = State.CLOSED;
    super.close();
  }
}
