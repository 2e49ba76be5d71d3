package dev.monoquant.io.remote;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ReadableByteChannel;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The body of an answer as a channel, which fails if no byte comes for some time: the client of the
 * JDK limits the time to the head of an answer only. One thread reads.
 */
final class HttpBody implements HttpResponse.BodySubscriber<HttpBody>, ReadableByteChannel {

  /** What came: bytes, the end, or a failure. */
  private record Event(List<ByteBuffer> bytes, @Nullable Throwable failure, boolean last) {}

  private final Duration timeout;
  private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
  private List<ByteBuffer> bytes = List.of();
  private int next;
  private long skip;
  private long left = Long.MAX_VALUE;
  private boolean ended;
  private volatile boolean closed;
  private volatile Flow.@Nullable Subscription subscription;

  HttpBody(Duration timeout) {
    this.timeout = timeout;
  }

  /** Gives only a part of the body: some bytes are skipped, and the rest is cut. */
  HttpBody part(long skipped, long length) {
    this.skip = skipped;
    this.left = length;
    return this;
  }

  @Override
  public CompletionStage<HttpBody> getBody() {
    return CompletableFuture.completedFuture(this);
  }

  @Override
  public void onSubscribe(Flow.Subscription own) {
    subscription = own;
    if (closed) {
      own.cancel();
    } else {
      own.request(1);
    }
  }

  @Override
  public void onNext(List<ByteBuffer> item) {
    events.add(new Event(item, null, false));
  }

  @Override
  public void onError(Throwable failure) {
    events.add(new Event(List.of(), failure, true));
  }

  @Override
  public void onComplete() {
    events.add(new Event(List.of(), null, true));
  }

  @Override
  public int read(ByteBuffer into) throws IOException {
    int read = 0;
    while (read == 0 && into.hasRemaining()) {
      if (left == 0 || !available()) {
        return -1;
      }
      ByteBuffer from = bytes.get(next);
      if (skip > 0) {
        int passed = (int) Math.min(skip, from.remaining());
        from.position(from.position() + passed);
        skip -= passed;
        continue;
      }
      int length = (int) Math.min(left, Math.min(into.remaining(), from.remaining()));
      into.put(from.slice().limit(length));
      from.position(from.position() + length);
      read = length;
      left -= length;
    }
    return read;
  }

  /** Waits for a byte; false at the end. */
  private boolean available() throws IOException {
    while (true) {
      if (closed) {
        throw new ClosedChannelException();
      }
      while (next < bytes.size() && !bytes.get(next).hasRemaining()) {
        next++;
      }
      if (next < bytes.size()) {
        return true;
      }
      if (ended) {
        return false;
      }
      Event event = await();
      ended = event.last();
      if (event.failure() != null) {
        throw new IOException("the answer broke off: " + event.failure(), event.failure());
      }
      bytes = event.bytes();
      next = 0;
      if (!ended) {
        requireNonNull(subscription).request(1);
      }
    }
  }

  private Event await() throws IOException {
    try {
      Event event = events.poll(timeout.toMillis(), TimeUnit.MILLISECONDS);
      if (event == null) {
        close();
        throw new HttpTimeoutException("no byte came for " + timeout.toSeconds() + " s");
      }
      return event;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted");
    }
  }

  @Override
  public boolean isOpen() {
    return !closed;
  }

  @Override
  public void close() {
    closed = true;
    Flow.Subscription own = subscription;
    if (own != null) {
      own.cancel();
    }
  }
}
