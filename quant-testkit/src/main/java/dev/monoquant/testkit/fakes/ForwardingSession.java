package dev.monoquant.testkit.fakes;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputLayout;
import dev.monoquant.spi.OutputSession;
import dev.monoquant.spi.SchemeMix;
import java.io.IOException;
import java.util.Optional;

/**
 * Delegates every call to another session: a base class for decorators. It also delegates default
 * methods, so that no behaviour of the wrapped session is lost. Closing it closes the wrapped
 * session.
 */
public class ForwardingSession implements OutputSession {

  private final OutputSession inside;

  /**
   * Wraps a session.
   *
   * @param inside the wrapped session
   */
  public ForwardingSession(OutputSession inside) {
    this.inside = requireNonNull(inside, "inside");
  }

  @Override
  public Optional<String> unsupported(EncodedWeight weight) {
    return inside.unsupported(weight);
  }

  @Override
  public Optional<String> unsupportedLayer(WeightMatrix weight) {
    return inside.unsupportedLayer(weight);
  }

  @Override
  public Optional<String> keptByDefault(WeightMatrix weight) {
    return inside.keptByDefault(weight);
  }

  @Override
  public Optional<SchemeMix> mix(String name, boolean calibrated) {
    return inside.mix(name, calibrated);
  }

  @Override
  public OutputLayout layout(OutputContents contents) throws IOException {
    return inside.layout(contents);
  }

  @Override
  public void close() throws IOException {
    inside.close();
  }
}
