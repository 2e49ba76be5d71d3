package dev.monoquant.testkit.fakes;

import static java.util.Objects.requireNonNull;

import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.util.List;

/**
 * Hands every call to another detector: a base for decorators, which override what they change. It
 * forwards the methods with a default too, so that nothing of the detector behind it is lost.
 */
public class ForwardingDetector implements InputFormatDetector {

  private final InputFormatDetector inside;

  /**
   * Forwards to a detector.
   *
   * @param inside the detector behind this one
   */
  public ForwardingDetector(InputFormatDetector inside) {
    this.inside = requireNonNull(inside, "inside");
  }

  /**
   * {@return what is handed out for a source that was opened; the source itself unless overridden}
   *
   * @param source an open source of the detector behind this one
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
}
