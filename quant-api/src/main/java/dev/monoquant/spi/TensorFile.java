package dev.monoquant.spi;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.QuantException;
import dev.monoquant.model.TensorInfo;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The source of {@link ModelSource#ofFile}: every read is positional, so threads can share it. */
final class TensorFile implements ModelSource {

  private final ModelInfo info;
  private final Map<TensorInfo, Long> starts;
  private final FileChannel channel;

  private TensorFile(Path path, Map<TensorInfo, Long> starts, FileChannel channel) {
    this.starts = new LinkedHashMap<>(starts);
    this.info =
        ModelInfo.of(path.toString(), List.copyOf(starts.keySet())).withFiles(List.of(path));
    this.channel = channel;
  }

  static TensorFile open(Path path, Map<TensorInfo, Long> starts) throws IOException {
    FileChannel channel = FileChannel.open(path);
    try {
      long size = channel.size();
      for (Map.Entry<TensorInfo, Long> entry : starts.entrySet()) {
        TensorInfo tensor = entry.getKey();
        long start = entry.getValue();
        if (start < 0 || tensor.bytes() > size || start > size - tensor.bytes()) {
          throw new ModelFormatException(
              Reason.TENSOR_BOUNDS,
              path.toString(),
              "tensor " + QuantException.quote(tensor.name()),
              "its "
                  + tensor.bytes()
                  + " bytes from "
                  + start
                  + " on are not in the "
                  + size
                  + " bytes of the file");
        }
      }
      return new TensorFile(path, starts, channel);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  @Override
  public ModelInfo info() {
    return info;
  }

  @Override
  public ByteBuffer read(TensorInfo tensor, long offset, int length) throws IOException {
    Long start = starts.get(tensor);
    if (start == null || offset < 0 || length < 0 || offset > tensor.bytes() - length) {
      throw new IllegalArgumentException(
          length + " bytes from " + offset + " on of " + tensor + " in " + info.name());
    }
    ByteBuffer bytes = ByteBuffer.allocate(length);
    while (bytes.hasRemaining()) {
      if (channel.read(bytes, start + offset + bytes.position()) < 0) {
        throw new EOFException(info.name() + " became shorter while it was read");
      }
    }
    return bytes.flip().asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new UncheckedIOException(info.name() + " could not be closed", e);
    }
  }
}
