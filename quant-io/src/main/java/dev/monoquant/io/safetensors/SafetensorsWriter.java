package dev.monoquant.io.safetensors;

import dev.monoquant.files.manifest.Manifest;
import dev.monoquant.files.manifest.Sha256;
import dev.monoquant.files.output.Disk;
import dev.monoquant.files.output.OutputFile;
import dev.monoquant.files.output.OutputJob;
import dev.monoquant.files.output.Staging;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** Writes one safetensors file. */
final class SafetensorsWriter implements OutputWriter {

  private final SafetensorsOutput.Layout layout;
  private final Manifest.Kinds kinds;
  private final Path target;
  private final Staging staging;
  private final OutputFile file;
  private final Map<String, WeightLayout.Writer> weights = new ConcurrentHashMap<>();

  private boolean finished;

  SafetensorsWriter(SafetensorsOutput.Layout layout, OutputJob job, Disk disk) throws IOException {
    this.layout = layout;
    this.kinds = Manifest.Kinds.of(job.contents());
    this.target = job.options().target();
    this.staging = Staging.openFile(job, layout.bytes(), disk);
    try {
      this.file = new OutputFile(staging, "", layout.open());
    } catch (IOException | RuntimeException | Error e) {
      staging.close();
      throw e;
    }
  }

  @Override
  public void writeTile(EncodedWeight weight, EncodedTile tile) throws IOException {
    writer(weight).writeTile(tile);
  }

  @Override
  public void writeWhole(EncodedWeight weight, Map<String, byte[]> whole) throws IOException {
    writer(weight).writeWhole(whole);
  }

  private WeightLayout.Writer writer(EncodedWeight weight) {
    return weights.computeIfAbsent(
        weight.name(),
        name ->
            SafetensorsOutput.parts(weight)
                .writer((tensor, offset, data) -> file.write(tensor.name(), offset, data)));
  }

  @Override
  public void writeKept(TensorInfo tensor, long offset, ByteBuffer data) throws IOException {
    file.write(tensor.name(), offset, data);
  }

  @Override
  public List<String> notes() {
    return staging.notes();
  }

  @Override
  public Optional<Path> finish() throws IOException {
    Manifest open = Manifest.of(kinds, staging.inputs(), file.hashes());
    String self = Sha256.of(layout.with(open).headerBytes());
    file.finish(layout.with(open.withSelf(self)));
    finished = true;
    return Optional.empty();
  }

  @Override
  public List<Path> commit() throws IOException {
    if (!finished) {
      finish();
    }
    staging.commit();
    return List.of(target);
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
