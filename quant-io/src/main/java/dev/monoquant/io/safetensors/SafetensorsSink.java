package dev.monoquant.io.safetensors;

import dev.monoquant.files.output.Disk;
import dev.monoquant.files.output.Staging;
import dev.monoquant.files.output.TensorFileWriter;
import dev.monoquant.files.safetensors.SafetensorsLayout;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputRequest;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** One safetensors file in the making. */
final class SafetensorsSink implements OutputWriter {

  private final OutputRequest request;
  private final Staging staging;
  private final TensorFileWriter file;
  private final PartWriter parts;

  private boolean finished;

  SafetensorsSink(OutputRequest request, Disk disk) throws IOException {
    SafetensorsLayout layout = SafetensorsOutput.layout(request);
    this.request = request;
    this.staging = Staging.openFile(request, layout.fileBytes(), disk);
    try {
      this.file = new TensorFileWriter(staging, "", layout);
    } catch (IOException | RuntimeException | Error e) {
      staging.close();
      throw e;
    }
    this.parts = new PartWriter(file);
  }

  @Override
  public void writeTile(EncodedWeight weight, EncodedTile tile) throws IOException {
    parts.writeTile(weight, tile);
  }

  @Override
  public void writeWhole(EncodedWeight weight, Map<String, byte[]> whole) throws IOException {
    parts.writeWhole(weight, whole);
  }

  @Override
  public void writeKept(TensorInfo tensor, long offset, ByteBuffer data) throws IOException {
    file.write(tensor.name(), offset, data);
  }

  @Override
  public Optional<Path> finish() throws IOException {
    file.finish(manifest -> SafetensorsOutput.layout(request, manifest), staging.inputs());
    finished = true;
    return Optional.empty();
  }

  @Override
  public List<Path> commit() throws IOException {
    if (!finished) {
      finish();
    }
    staging.commit();
    return List.of(request.target());
  }

  @Override
  public void close() throws IOException {
    try {
      file.close();
    } finally {
      staging.close();
    }
  }
}
