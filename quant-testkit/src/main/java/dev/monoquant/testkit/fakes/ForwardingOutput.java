package dev.monoquant.testkit.fakes;

import static java.util.Objects.requireNonNull;

import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputRequest;
import dev.monoquant.spi.OutputWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

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

  @Override
  public String id() {
    return inside.id();
  }

  @Override
  public boolean suits(Path target) {
    return inside.suits(target);
  }

  @Override
  public boolean isRunnable() {
    return inside.isRunnable();
  }

  @Override
  public Optional<String> refusal(EncodedWeight weight) {
    return inside.refusal(weight);
  }

  @Override
  public Optional<String> refusal(EncodedWeight weight, ModelSource source) {
    return inside.refusal(weight, source);
  }

  @Override
  public List<OptionSpec<?>> options() {
    return inside.options();
  }

  @Override
  public Map<String, String> remarks(OutputRequest request) {
    return inside.remarks(request);
  }

  @Override
  public long predictBytes(OutputRequest request) {
    return inside.predictBytes(request);
  }

  @Override
  public OutputWriter open(OutputRequest request) throws IOException {
    return inside.open(request);
  }
}
