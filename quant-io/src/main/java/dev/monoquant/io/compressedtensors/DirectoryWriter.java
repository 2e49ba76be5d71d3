package dev.monoquant.io.compressedtensors;

import static java.util.Objects.requireNonNull;

import dev.monoquant.Problem;
import dev.monoquant.ValidationException;
import dev.monoquant.files.manifest.Manifest;
import dev.monoquant.files.model.ModelConfig;
import dev.monoquant.files.output.Disk;
import dev.monoquant.files.output.OutputFiles;
import dev.monoquant.files.output.OutputJob;
import dev.monoquant.files.output.Staging;
import dev.monoquant.files.safetensors.SafetensorsLayout;
import dev.monoquant.files.safetensors.StoredTensor;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.SideFile;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;

/** Writes one model directory. */
final class DirectoryWriter implements OutputWriter {

  private final OutputJob job;
  private final DirectoryPlan plan;
  private final Staging staging;
  private final OutputFiles files;
  private final Map<String, OpenWeight> writers = new ConcurrentHashMap<>();

  /** The files of the output, in the order they are written. */
  private final List<String> names = new ArrayList<>();

  private boolean finished;

  DirectoryWriter(DirectoryPlan plan, OutputJob job, Disk disk) throws IOException {
    this.job = job;
    this.plan = plan;
    this.staging = Staging.openDirectory(job, plan.run(), plan.bytes(), disk);
    try {
      this.files = new OutputFiles(staging, plan.shards(), plan.origins());
      for (Map.Entry<TensorInfo, byte[]> scale : plan.scales().entrySet()) {
        TensorInfo tensor = scale.getKey();
        if (!staging.isPart() && files.finished(plan.shardOf(tensor)).isEmpty()) {
          write(tensor, 0, ByteBuffer.wrap(scale.getValue()));
        }
      }
    } catch (IOException | RuntimeException | Error e) {
      staging.close();
      throw e;
    }
  }

  private void write(TensorInfo tensor, long offset, ByteBuffer data) throws IOException {
    files.write(plan.shardOf(tensor), tensor.name(), offset, data);
  }

  @Override
  public Optional<String> finished(String name) {
    return staging
        .stored(name)
        .or(
            () ->
                files
                    .finished(plan.shardOfInput(name))
                    .map(remarks -> remarks.getOrDefault(name, "")));
  }

  @Override
  public void remark(String name, String text) {
    staging.remark(name, text);
    files.remark(plan.shardOfInput(name), name, text);
  }

  @Override
  public void writeTile(EncodedWeight weight, EncodedTile tile) throws IOException {
    OpenWeight open = open(weight);
    open.writer().writeTile(tile);
    open.done(tile.height());
  }

  @Override
  public void writeWhole(EncodedWeight weight, Map<String, byte[]> parts) throws IOException {
    OpenWeight open = open(weight);
    open.writer().writeWhole(parts);
    open.done(1);
  }

  private OpenWeight open(EncodedWeight weight) {
    return writers.computeIfAbsent(
        weight.name(),
        name ->
            new OpenWeight(
                plan.layout(weight).writer(this::write),
                new AtomicLong(weight.matrix().rowCount() + 1),
                () -> writers.remove(name)));
  }

  /**
   * A weight that is written, forgotten when it is complete: there may be 100,000.
   *
   * @param left its rows that are not written, and one for its whole parts
   */
  private record OpenWeight(WeightLayout.Writer writer, AtomicLong left, Runnable forget) {

    void done(long rows) {
      if (left.addAndGet(-rows) == 0) {
        forget.run();
      }
    }
  }

  @Override
  public void writeKept(TensorInfo tensor, long offset, ByteBuffer data) throws IOException {
    write(tensor, offset, data);
  }

  @Override
  public List<String> notes() {
    return staging.notes();
  }

  @Override
  public Optional<Path> finish() throws IOException {
    for (SideFile side : plan.copies()) {
      staging.copy(side.name(), side.path());
      names.add(side.name());
    }
    Optional<byte[]> config = plan.config();
    if (config.isPresent()) {
      requireLoadable(config.get());
      staging.write(ModelConfig.FILE, config.get());
      names.add(ModelConfig.FILE);
    }
    Manifest.Builder manifest = new Manifest.Builder(job.contents());
    names.addAll(files.finishAll(manifest));
    requireRightValues();
    for (Map.Entry<String, byte[]> file : plan.files().entrySet()) {
      staging.write(file.getKey(), file.getValue());
      names.add(file.getKey());
    }
    if (plan.isSharded()) {
      staging.write(DirectoryPlan.INDEX, plan.index());
      names.add(DirectoryPlan.INDEX);
    }
    staging.write(Manifest.FILE, manifest.build(staging.inputs(), staging.files()));
    names.add(Manifest.FILE);
    finished = true;
    return Optional.empty();
  }

  /** Reads the scales from the files, since an earlier run may have written some of them. */
  private void requireRightValues() throws IOException {
    refuse(plan.format().faults(job.contents().weights(), this::readBack));
  }

  /** Does not map the file: some systems cannot rename a mapped file. */
  private ByteBuffer readBack(String tensor) throws IOException {
    String shard = plan.shardOf(tensor);
    SafetensorsLayout layout = requireNonNull(plan.shards().get(shard));
    StoredTensor stored = layout.tensor(tensor);
    ByteBuffer bytes = ByteBuffer.allocate(Math.toIntExact(stored.bytes()));
    try (SeekableByteChannel file = Files.newByteChannel(staging.temporary(shard))) {
      file.position(layout.headerLength() + stored.begin());
      int read = 0;
      while (read >= 0 && bytes.hasRemaining()) {
        read = file.read(bytes);
      }
    }
    return bytes.flip();
  }

  /** Refuses an output that would load wrongly, before it is renamed. */
  private void requireLoadable(byte[] config) {
    refuse(plan.format().faults(ConfigWriter.parse(config, ModelConfig.FILE), job.contents()));
  }

  private static void refuse(List<Problem> faults) {
    if (!faults.isEmpty()) {
      throw new ValidationException(
          faults.stream().map(Problem::toString).collect(Collectors.joining("; ")));
    }
  }

  @Override
  public List<Path> commit() throws IOException {
    if (staging.isPart()) {
      staging.commit();
      return List.of();
    }
    if (!finished) {
      finish();
    }
    staging.commit();
    return names.stream().map(n -> job.options().target().resolve(n)).toList();
  }

  @Override
  public void close() throws IOException {
    try (staging) {
      files.close();
    }
  }
}
