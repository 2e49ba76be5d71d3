package dev.monoquant.testkit.fakes;

import static java.util.Objects.requireNonNull;

import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.Facts;
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
 * Delegates every call to another output format: a base class for decorators. It also delegates
 * default methods, so that no behaviour of the wrapped object is lost.
 */
public class ForwardingOutput implements OutputFormat {

  private final OutputFormat inside;

  /**
   * Wraps an output format.
   *
   * @param inside the wrapped format
   */
  public ForwardingOutput(OutputFormat inside) {
    this.inside = requireNonNull(inside, "inside");
  }

  /**
   * {@return the session to return when one is opened; by default one whose writers pass through
   * {@link #opened(OutputWriter, OutputContents, WriteOptions)}}
   *
   * @param session an open session of the wrapped format
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
   * {@return the writer to return when one is opened; by default the writer itself}
   *
   * @param writer an open writer of the wrapped format
   * @param contents the contents that it will write
   * @param options the target
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
  public List<String> mixes() {
    return inside.mixes();
  }

  @Override
  public boolean accepts(Path target) {
    return inside.accepts(target);
  }

  @Override
  public boolean continues(ModelSource source, Path target) {
    return inside.continues(source, target);
  }

  @Override
  public boolean holdsActivations() {
    return inside.holdsActivations();
  }

  @Override
  public boolean needsRange(EncodedWeight weight) {
    return inside.needsRange(weight);
  }

  @Override
  public EncodedWeight withRange(EncodedWeight weight, Facts.Range range) {
    return inside.withRange(weight, range);
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
  public ModelSource floatView(ModelSource source) throws IOException {
    return inside.floatView(source);
  }

  @Override
  public ModelSource storedView(ModelSource source) throws IOException {
    return inside.storedView(source);
  }

  @Override
  public OutputSession open(ModelSource source) throws IOException {
    return opened(inside.open(source));
  }
}
