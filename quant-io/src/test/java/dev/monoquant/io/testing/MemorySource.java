package dev.monoquant.io.testing;

import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.SideFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** A model of byte arrays. */
public record MemorySource(
    Map<TensorInfo, byte[]> data,
    Map<String, String> metadata,
    List<Path> files,
    List<SideFile> sideFiles)
    implements ModelSource {

  public MemorySource(Map<TensorInfo, byte[]> data, Map<String, String> metadata) {
    this(data, metadata, List.of(), List.of());
  }

  @Override
  public String name() {
    return "memory";
  }

  @Override
  public List<TensorInfo> tensors() {
    return List.copyOf(data.keySet());
  }

  @Override
  public ByteBuffer read(TensorInfo tensor, long offset, int length) {
    return ByteBuffer.wrap(data.get(tensor), (int) offset, length)
        .slice()
        .asReadOnlyBuffer()
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public void close() {}
}
