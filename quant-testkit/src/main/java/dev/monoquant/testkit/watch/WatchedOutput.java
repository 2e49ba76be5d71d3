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

/** An output format, watched. */
final class WatchedOutput extends ForwardingOutput {

  private final Watch watch;

  WatchedOutput(OutputFormat inside, Watch watch) {
    super(inside);
    this.watch = watch;
  }

  @Override
  protected OutputSession opened(OutputSession session) {
    return new Session(session, "output " + id(), watch);
  }

  private static final class Session extends ForwardingSession {

    private final String subject;
    private final Watch watch;
    private final AtomicInteger closes = new AtomicInteger();

    Session(OutputSession inside, String subject, Watch watch) {
      super(inside);
      this.subject = subject;
      this.watch = watch;
      watch.atEnd(
          () -> {
            if (closes.get() == 0) {
              watch.note(subject, "a session is never closed");
            }
          });
    }

    private void open(String what) {
      if (closes.get() > 0) {
        watch.note(subject, "its session is closed and asked for " + what);
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
                why -> watch.note(subject, weight.name() + " is to be written, though " + why));
      }
      return new ForwardingLayout(super.layout(contents)) {
        @Override
        public OutputWriter open(WriteOptions options) throws IOException {
          Session.this.open("a writer");
          return new WatchedSink(super.open(options), contents, subject, watch);
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
