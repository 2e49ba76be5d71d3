package dev.monoquant.io.compressedtensors;

import dev.monoquant.Problem;
import dev.monoquant.ValidationException;
import dev.monoquant.files.manifest.Manifest;
import dev.monoquant.files.output.Disk;
import dev.monoquant.files.output.OutputFiles;
import dev.monoquant.files.output.OutputJob;
import dev.monoquant.files.output.Staging;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.SideFile;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/** A model directory in the making. */
final class CompressedTensorsWriter implements OutputWriter {

  private final OutputJob job;
  private final DirectoryPlan plan;
  private final Staging staging;
  private final OutputFiles files;
  private final Map<String, WeightLayout.Writer> writers = new ConcurrentHashMap<>();

  /** The files of the output, in the order of their making. */
  private final List<String> names = new ArrayList<>();

  private boolean finished;

  CompressedTensorsWriter(DirectoryPlan plan, OutputJob job, Disk disk) throws IOException {
    this.job = job;
    this.plan = plan;
    this.staging = Staging.openDirectory(job, plan.run(), plan.bytes(), disk);
    try {
      this.files = new OutputFiles(staging, plan.shards(), plan.origins());
    } catch (IOException | RuntimeException | Error e) {
      staging.close();
      throw e;
    }
  }

  private void write(String tensor, long offset, ByteBuffer data) throws IOException {
    files.write(plan.shardOf(tensor), tensor, offset, data);
  }

  @Override
  public Optional<String> finished(String name) {
    return files.finished(plan.shardOfInput(name)).map(remarks -> remarks.getOrDefault(name, ""));
  }

  @Override
  public void remark(String name, String text) {
    files.remark(plan.shardOfInput(name), name, text);
  }

  @Override
  public void writeTile(EncodedWeight weight, EncodedTile tile) throws IOException {
    writer(weight).writeTile(tile);
  }

  @Override
  public void writeWhole(EncodedWeight weight, Map<String, byte[]> parts) throws IOException {
    writer(weight).writeWhole(parts);
  }

  private WeightLayout.Writer writer(EncodedWeight weight) {
    return writers.computeIfAbsent(
        weight.name(),
        name ->
            plan.weight(weight)
                .layout()
                .writer((tensor, offset, data) -> write(tensor.name(), offset, data)));
  }

  @Override
  public void writeKept(TensorInfo tensor, long offset, ByteBuffer data) throws IOException {
    write(tensor.name(), offset, data);
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
      staging.write(DirectoryPlan.CONFIG, config.get());
      names.add(DirectoryPlan.CONFIG);
    }
    Manifest.Builder manifest = new Manifest.Builder(job.contents());
    names.addAll(files.finishAll(manifest));
    if (plan.isSharded()) {
      staging.write(DirectoryPlan.INDEX, plan.index());
      names.add(DirectoryPlan.INDEX);
    }
    staging.write(Manifest.FILE, manifest.build(staging.inputs(), staging.files()));
    names.add(Manifest.FILE);
    finished = true;
    return Optional.empty();
  }

  /** What would load wrongly gets no name. */
  private void requireLoadable(byte[] config) {
    List<Problem> faults =
        LoaderAudit.faults(
            ConfigWriter.parse(config, DirectoryPlan.CONFIG),
            job.contents().weights(),
            job.contents().kept(),
            DirectoryPlan.CONFIG);
    if (!faults.isEmpty()) {
      throw new ValidationException(
          faults.stream().map(Problem::toString).collect(Collectors.joining("; ")));
    }
  }

  @Override
  public List<Path> commit() throws IOException {
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
