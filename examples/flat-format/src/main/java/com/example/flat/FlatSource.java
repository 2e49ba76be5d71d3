package com.example.flat;

import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelSource;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** An open file. Several threads may read at once: every read says where it starts. */
final class FlatSource implements ModelSource {

  private final Path path;
  private final FileChannel channel;
  private final Map<TensorInfo, Long> starts;
  private final ModelInfo info;

  FlatSource(Path path, FileChannel channel, Map<TensorInfo, Long> starts) {
    this.path = path;
    this.channel = channel;
    this.starts = starts;
    this.info =
        ModelInfo.of(path.toString(), List.copyOf(starts.keySet())).withFiles(List.of(path));
  }

  @Override
  public ModelInfo info() {
    return info;
  }

  @Override
  public ByteBuffer read(TensorInfo tensor, long offset, int length) throws IOException {
    Long start = starts.get(tensor);
    if (start == null || offset < 0 || length < 0 || offset > tensor.bytes() - length) {
      throw new IndexOutOfBoundsException(
          length + " bytes from " + offset + " on of " + tensor + " in " + path);
    }
    ByteBuffer bytes = readFully(channel, start + offset, length);
    return bytes.asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  static ByteBuffer readFully(FileChannel channel, long from, int length) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.hasRemaining()) {
      if (channel.read(bytes, from + bytes.position()) < 0) {
        throw new EOFException("the file became shorter while it was read");
      }
    }
    return bytes.flip().order(ByteOrder.LITTLE_ENDIAN);
  }


  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new UncheckedIOException(path + " could not be closed", e);
    }
  }
}
