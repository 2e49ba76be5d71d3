package com.example.flat;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.QuantException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.ReadLimits;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Reads the header and checks all of it: a file is believed nothing. Each number is compared with
 * what the file can hold before anything is allocated for it.
 */
final class FlatHeader {

  private final Path path;
  private final FileChannel channel;
  private final long size;
  private final boolean columnsFirst;
  private long at;

  private FlatHeader(Path path, FileChannel channel, boolean columnsFirst) throws IOException {
    this.path = path;
    this.channel = channel;
    this.size = channel.size();
    this.columnsFirst = columnsFirst;
  }

  /** {@return where the data of each matrix starts, in order} */
  static Map<TensorInfo, Long> read(Path path, ReadLimits limits, boolean columnsFirst)
      throws IOException {
    try (FileChannel channel = FileChannel.open(path)) {
      return new FlatHeader(path, channel, columnsFirst).read(limits);
    }
  }

  private Map<TensorInfo, Long> read(ReadLimits limits) throws IOException {
    if (!ByteBuffer.wrap(FlatFormat.MAGIC).equals(take(FlatFormat.MAGIC.length))) {
      throw fault(Reason.NOT_THIS_FORMAT, "", "it does not start with FLATMATS");
    }
    int count = take(Integer.BYTES).getInt();
    if (count < 1 || count > limits.maxTensors()) {
      throw fault(
          Reason.LIMIT, "", count + " matrices; 1 to " + limits.maxTensors() + " are allowed");
    }
    Map<String, TensorInfo> tensors = new LinkedHashMap<>();
    for (int i = 0; i < count; i++) {
      TensorInfo tensor = tensor();
      if (tensors.put(tensor.name(), tensor) != null) {
        throw fault(Reason.DUPLICATE_KEY, tensor.name(), "it is there twice");
      }
    }
    Map<TensorInfo, Long> starts = new LinkedHashMap<>();
    for (TensorInfo tensor : tensors.values()) {
      starts.put(tensor, at);
      skip(tensor.bytes());
    }
    if (at != size) {
      throw fault(Reason.TRAILING_DATA, "", (size - at) + " bytes follow the last matrix");
    }
    return starts;
  }

  private TensorInfo tensor() throws IOException {
    String name = name(take(Integer.BYTES).getInt());
    int first = take(Integer.BYTES).getInt();
    int second = take(Integer.BYTES).getInt();
    int rows = columnsFirst ? second : first;
    int cols = columnsFirst ? first : second;
    if (rows < 0 || cols < 0) {
      throw fault(Reason.SHAPE, name, rows + " rows of " + cols + " columns");
    }
    return new TensorInfo(name, ElementType.FLOAT32, TensorShape.of(rows, cols));
  }

  private String name(int length) throws IOException {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(take(length)).toString();
    } catch (CharacterCodingException e) {
      throw new ModelFormatException(
          Reason.HEADER_ENCODING, path.toString(), "", "a name is no UTF-8", e);
    }
  }

  /** The next bytes, little-endian. */
  private ByteBuffer take(int length) throws IOException {
    long from = at;
    skip(length);
    ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.hasRemaining()) {
      if (channel.read(bytes, from + bytes.position()) < 0) {
        throw new EOFException("the file became shorter while it was read");
      }
    }
    return bytes.flip();
  }

  private void skip(long length) {
    if (length < 0 || length > size - at) {
      throw fault(
          Reason.TRUNCATED, "", length + " bytes are declared at " + at + " of " + size);
    }
    at += length;
  }

  private ModelFormatException fault(Reason reason, String tensor, String what) {
    return new ModelFormatException(
        reason, path.toString(), tensor.isEmpty() ? "" : QuantException.quote(tensor), what);
  }
}
