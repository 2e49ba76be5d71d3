package dev.monoquant.testkit.example;

import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.TensorSink;
import dev.monoquant.tile.QuantizedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Hands everything on, for tests that change one thing of it. */
public class PassingSink implements TensorSink {

  private final TensorSink sink;

  /** Passes to that sink. */
  public PassingSink(TensorSink sink) {
    this.sink = sink;
  }

  @Override
  public void writeTile(EncodedWeight weight, QuantizedTile tile) throws IOException {
    sink.writeTile(weight, tile);
  }

  @Override
  public void writeWhole(EncodedWeight weight, Map<String, byte[]> parts) throws IOException {
    sink.writeWhole(weight, parts);
  }

  @Override
  public void writeKept(TensorInfo tensor, long offset, ByteBuffer data) throws IOException {
    sink.writeKept(tensor, offset, data);
  }

  @Override
  public List<Path> commit() throws IOException {
    return sink.commit();
  }

  @Override
  public void close() throws IOException {
    sink.close();
  }
}
