package dev.monoquant.files.testing;

import dev.monoquant.files.output.OutputJob;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputLayout;
import dev.monoquant.spi.OutputSession;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.WriteOptions;
import dev.monoquant.testkit.fakes.ForwardingWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What a test writes: a session of a format for each answer. */
public record Request(ModelSource source, OutputContents contents, WriteOptions options) {

  private interface Use<T> {
    T of(OutputLayout layout) throws IOException;
  }

  public OutputJob job() {
    return new OutputJob(source, contents, options);
  }

  public Path target() {
    return options.target();
  }

  public long bytes(OutputFormat format) throws IOException {
    return with(format, OutputLayout::bytes);
  }

  public Map<String, String> remarks(OutputFormat format) throws IOException {
    return with(format, OutputLayout::remarks);
  }

  public List<String> notes(OutputFormat format) throws IOException {
    return with(format, OutputLayout::notes);
  }

  private <T> T with(OutputFormat format, Use<T> use) throws IOException {
    try (OutputSession session = format.open(source)) {
      return use.of(session.layout(contents));
    }
  }

  /** What a format says of a weight of an open model. */
  public static Optional<String> unsupported(
      OutputFormat format, ModelSource source, EncodedWeight weight) throws IOException {
    try (OutputSession session = format.open(source)) {
      return session.unsupported(weight);
    }
  }

  /** The writer; its session is closed with it. */
  public OutputWriter open(OutputFormat format) throws IOException {
    OutputSession session = format.open(source);
    try {
      return new ForwardingWriter(session.layout(contents).open(options)) {
        @Override
        public void close() throws IOException {
          try (session) {
            super.close();
          }
        }
      };
    } catch (IOException | RuntimeException | Error e) {
      session.close();
      throw e;
    }
  }
}
