package dev.monoquant.testkit.fakes;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.Layer;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.Audit;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.RunnableFile;
import dev.monoquant.spi.SideFile;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Hands every call to another source: a base for decorators, which override what they change. It
 * forwards the methods with a default too, so that nothing of the source behind it is lost. Closing
 * it closes that one.
 */
public class ForwardingSource implements ModelSource {

  private final ModelSource inside;

  /**
   * Forwards to a source.
   *
   * @param inside the source behind this one
   */
  public ForwardingSource(ModelSource inside) {
    this.inside = requireNonNull(inside, "inside");
  }

  @Override
  public String name() {
    return inside.name();
  }

  @Override
  public List<TensorInfo> tensors() {
    return inside.tensors();
  }

  @Override
  public ByteBuffer read(TensorInfo tensor, long offset, int length) throws IOException {
    return inside.read(tensor, offset, length);
  }

  @Override
  public Map<String, String> metadata() {
    return inside.metadata();
  }

  @Override
  public List<Layer> layers() {
    return inside.layers();
  }

  @Override
  public Map<String, String> tied() {
    return inside.tied();
  }

  @Override
  public List<EncodedWeight> quantized() {
    return inside.quantized();
  }

  @Override
  public EncodedTile readTile(EncodedWeight weight, long firstRow, int height) throws IOException {
    return inside.readTile(weight, firstRow, height);
  }

  @Override
  public List<String> notes() {
    return inside.notes();
  }

  @Override
  public Optional<RunnableFile> runnable() {
    return inside.runnable();
  }

  @Override
  public List<SideFile> sideFiles() {
    return inside.sideFiles();
  }

  @Override
  public List<Path> files() {
    return inside.files();
  }

  @Override
  public Optional<Audit> audit() throws IOException {
    return inside.audit();
  }

  @Override
  public void close() {
    inside.close();
  }
}
