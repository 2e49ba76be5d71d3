package dev.monoquant.testkit.fakes;

import static java.util.Objects.requireNonNull;

import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.RunnableFile;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * Delegates every call to another detector: a base class for decorators. It also delegates default
 * methods, so that no behaviour of the wrapped detector is lost.
 */
public class ForwardingDetector implements InputFormatDetector {

  private final InputFormatDetector inside;

  /**
   * Wraps a detector.
   *
   * @param inside the wrapped detector
   */
  public ForwardingDetector(InputFormatDetector inside) {
    this.inside = requireNonNull(inside, "inside");
  }

  /**
   * {@return the source to return when one is opened; by default the source itself}
   *
   * @param source an open source of the wrapped detector
   */
  protected ModelSource opened(ModelSource source) {
    return source;
  }

  @Override
  public String id() {
    return inside.id();
  }

  @Override
  public Match probe(ModelInput input) {
    return inside.probe(input);
  }

  @Override
  public ModelSource open(ModelInput input, ReadLimits limits) throws IOException {
    return opened(inside.open(input, limits));
  }

  @Override
  public List<OptionSpec<?>> options() {
    return inside.options();
  }

  @Override
  public ModelSource open(ModelInput input, ReadLimits limits, OptionValues options)
      throws IOException {
    return opened(inside.open(input, limits, options));
  }

  @Override
  public Optional<RunnableFile> program(ModelInput input, ReadLimits limits) throws IOException {
    return inside.program(input, limits);
  }
}
