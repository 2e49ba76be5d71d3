package dev.monoquant.testkit.fakes;

import static java.util.Objects.requireNonNull;

import dev.monoquant.spi.OutputLayout;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.WriteOptions;
import java.io.IOException;
import java.util.List;
import java.util.Map;

/**
 * Hands every call to another layout: a base for decorators, which override what they change. It
 * forwards the methods with a default too, so that nothing of the layout behind it is lost.
 */
public class ForwardingLayout implements OutputLayout {

  private final OutputLayout inside;

  /**
   * Forwards to a layout.
   *
   * @param inside the layout behind this one
   */
  public ForwardingLayout(OutputLayout inside) {
    this.inside = requireNonNull(inside, "inside");
  }

  @Override
  public long bytes() {
    return inside.bytes();
  }

  @Override
  public Map<String, String> remarks() {
    return inside.remarks();
  }

  @Override
  public List<String> notes() {
    return inside.notes();
  }

  @Override
  public OutputWriter open(WriteOptions options) throws IOException {
    return inside.open(options);
  }
}
