package dev.monoquant.testkit.fakes;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.TimedCopy;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Delegates every call to another writer: a base class for decorators. It also delegates default
 * methods, so that no behaviour of the wrapped writer is lost. Closing it closes the wrapped
 * writer.
 */
public class ForwardingWriter implements OutputWriter {

  private final OutputWriter inside;

  /**
   * Wraps a writer.
   *
   * @param inside the wrapped writer
   */
  public ForwardingWriter(OutputWriter inside) {
    this.inside = requireNonNull(inside, "inside");
  }

  @Override
  public void writeTile(EncodedWeight weight, EncodedTile tile) throws IOException {
    inside.writeTile(weight, tile);
  }

  @Override
  public void writeWhole(EncodedWeight weight, Map<String, byte[]> parts) throws IOException {
    inside.writeWhole(weight, parts);
  }

  @Override
  public void writeKept(TensorInfo tensor, long offset, ByteBuffer data) throws IOException {
    inside.writeKept(tensor, offset, data);
  }

  @Override
  public Optional<String> finished(String name) {
    return inside.finished(name);
  }

  @Override
  public void remark(String name, String text) {
    inside.remark(name, text);
  }

  @Override
  public List<String> notes() {
    return inside.notes();
  }

  @Override
  public Optional<Path> finish() throws IOException {
    return inside.finish();
  }

  @Override
  public Optional<float[]> decoded(EncodedWeight weight) throws IOException {
    return inside.decoded(weight);
  }

  @Override
  public Optional<TimedCopy> timed(Path file) throws IOException {
    return inside.timed(file);
  }

  @Override
  public List<Path> commit() throws IOException {
    return inside.commit();
  }

  @Override
  public void close() throws IOException {
    inside.close();
  }
}
