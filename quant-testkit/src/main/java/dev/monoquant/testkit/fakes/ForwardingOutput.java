package dev.monoquant.testkit.fakes;

import static java.util.Objects.requireNonNull;

import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputLayout;
import dev.monoquant.spi.OutputSession;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.WriteOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Hands every call to another output format: a base for decorators, which override what they
 * change. It forwards the methods with a default too, so that nothing of what is behind it is lost.
 */
public class ForwardingOutput implements OutputFormat {

  private final OutputFormat inside;

  /**
   * Forwards to an output format.
   *
   * @param inside the format behind this one
   */
  public ForwardingOutput(OutputFormat inside) {
    this.inside = requireNonNull(inside, "inside");
  }

  /**
   * {@return what is handed out for a session that was opened; unless overridden, one whose writers
   * are those of {@link #opened(OutputWriter, OutputContents, WriteOptions)}}
   *
   * @param session an open session of the format behind this one
   */
  protected OutputSession opened(OutputSession session) {
    return new ForwardingSession(session) {
      @Override
      public OutputLayout layout(OutputContents contents) throws IOException {
        return new ForwardingLayout(super.layout(contents)) {
          @Override
          public OutputWriter open(WriteOptions options) throws IOException {
            return opened(super.open(options), contents, options);
          }
        };
      }
    };
  }

  /**
   * {@return what is handed out for a writer that was opened; the writer itself unless overridden}
   *
   * @param writer an open writer of the format behind this one
   * @param contents what it will be given
   * @param options where it writes to
   * @throws IOException if writing fails
   */
  protected OutputWriter opened(OutputWriter writer, OutputContents contents, WriteOptions options)
      throws IOException {
    return writer;
  }

  @Override
  public String id() {
    return inside.id();
  }

  @Override
  public List<OptionSpec<?>> options() {
    return inside.options();
  }

  @Override
  public boolean accepts(Path target) {
    return inside.accepts(target);
  }

  @Override
  public boolean isRunnable() {
    return inside.isRunnable();
  }

  @Override
  public ModelSource view(ModelSource source) throws IOException {
    return inside.view(source);
  }

  @Override
  public OutputSession open(ModelSource source) throws IOException {
    return opened(inside.open(source));
  }
}
