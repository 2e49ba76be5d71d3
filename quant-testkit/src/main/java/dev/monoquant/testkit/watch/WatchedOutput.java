package dev.monoquant.testkit.watch;

import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputLayout;
import dev.monoquant.spi.OutputSession;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.WriteOptions;
import dev.monoquant.testkit.fakes.ForwardingLayout;
import dev.monoquant.testkit.fakes.ForwardingOutput;
import dev.monoquant.testkit.fakes.ForwardingSession;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/** Records breaches of the protocol by an output format. */
final class WatchedOutput extends ForwardingOutput {

  private final Breaches breaches;

  WatchedOutput(OutputFormat inside, Breaches breaches) {
    super(inside);
    this.breaches = breaches;
  }

  @Override
  protected OutputSession opened(OutputSession session) {
    return new Session(session, "output " + id(), breaches);
  }

  private static final class Session extends ForwardingSession {

    private final String subject;
    private final Breaches breaches;
    private final AtomicInteger closes = new AtomicInteger();

    Session(OutputSession inside, String subject, Breaches breaches) {
      super(inside);
      this.subject = subject;
      this.breaches = breaches;
      breaches.atEnd(
          () -> {
            if (closes.get() == 0) {
              breaches.note(subject, "a session is never closed");
            }
          });
    }

    private void open(String what) {
      if (closes.get() > 0) {
        breaches.note(subject, "its session is closed and asked for " + what);
      }
    }

    @Override
    public Optional<String> unsupported(EncodedWeight weight) {
      open(weight.name());
      return super.unsupported(weight);
    }

    @Override
    public OutputLayout layout(OutputContents contents) throws IOException {
      open("a layout");
      for (EncodedWeight weight : contents.weights()) {
        super.unsupported(weight)
            .ifPresent(
                why -> breaches.note(subject, weight.name() + " is to be written, though " + why));
      }
      return new ForwardingLayout(super.layout(contents)) {
        @Override
        public OutputWriter open(WriteOptions options) throws IOException {
          Session.this.open("a writer");
          return new WatchedSink(super.open(options), contents, subject, breaches);
        }
      };
    }

    @Override
    public void close() throws IOException {
      closes.incrementAndGet();
      super.close();
    }
  }
}
