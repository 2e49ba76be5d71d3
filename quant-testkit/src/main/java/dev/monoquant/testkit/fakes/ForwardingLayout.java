package dev.monoquant.testkit.fakes;

import static java.util.Objects.requireNonNull;

import dev.monoquant.spi.BesideFile;
import dev.monoquant.spi.OutputLayout;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.WriteOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Delegates every call to another layout: a base class for decorators. It also delegates default
 * methods, so that no behaviour of the wrapped layout is lost.
 */
public class ForwardingLayout implements OutputLayout {

  private final OutputLayout inside;

  /**
   * Wraps a layout.
   *
   * @param inside the wrapped layout
   */
  public ForwardingLayout(OutputLayout inside) {
    this.inside = requireNonNull(inside, "inside");
  }

  @Override
  public long bytes() {
    return inside.bytes();
  }

  @Override
  public List<Place> places(String name) {
    return inside.places(name);
  }

  @Override
  public List<BesideFile> beside(Path target) {
    return inside.beside(target);
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
  public List<String> warnings() {
    return inside.warnings();
  }

  @Override
  public OutputWriter open(WriteOptions options) throws IOException {
    return inside.open(options);
  }
}
