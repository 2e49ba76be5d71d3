package dev.monoquant.core;

import dev.monoquant.files.manifest.OpenedFiles;
import dev.monoquant.files.manifest.SharedHashes;
import dev.monoquant.files.model.SourceView;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelSource;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * The model of the outputs: its files are hashed as they were opened, and once for several. It has
 * no tensors of its own.
 */
final class HashedSource extends SourceView {

  private final OpenedFiles files;
  private final Optional<SharedHashes> shared;

  HashedSource(ModelSource inside, OpenedFiles files, Optional<SharedHashes> shared) {
    super(inside);
    this.files = files;
    this.shared = shared;
  }

  @Override
  public ModelInfo info() {
    return inside().info();
  }

  @Override
  protected boolean isOwn(String tensor) {
    return false;
  }

  @Override
  protected ByteBuffer readOwn(TensorInfo tensor, long offset, int length) {
    throw new IllegalStateException(tensor.name());
  }

  @Override
  public <C> Optional<C> find(Class<C> capability) {
    if (capability == OpenedFiles.class) {
      return Optional.of(capability.cast(files));
    }
    return capability == SharedHashes.class ? shared.map(capability::cast) : super.find(capability);
  }
}
