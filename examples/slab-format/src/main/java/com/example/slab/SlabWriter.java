package com.example.slab;

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

/** A directory in the making. Numbers go to the disk as they come; nothing is collected. */
final class SlabWriter implements OutputWriter {

  private final SlabLayout layout;
  private final OutputJob job;
  private final Staging staging;
  private final OutputFiles files;
  private final Map<String, WeightLayout.Writer> writers = new ConcurrentHashMap<>();
  private final List<String> names = new ArrayList<>();

  SlabWriter(SlabLayout layout, OutputJob job, Disk disk) throws IOException {
    this.layout = layout;
    this.job = job;
    this.staging = Staging.openDirectory(job, layout.run(), layout.bytes(), disk);
    try {
      this.files = new OutputFiles(staging, layout.files(), Map.of());
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
  public void writeWhole(EncodedWeight weight, Map<String, byte[]> parts) throws IOException {
    writer(weight).writeWhole(parts);
  }

  private WeightLayout.Writer writer(EncodedWeight weight) {
    String file = layout.fileOf(weight.name());
    return writers.computeIfAbsent(
        weight.name(),
        name ->
            SlabFile.parts(weight)
                .writer((part, offset, data) -> files.write(file, part.name(), offset, data)));
  }

  @Override
  public void writeKept(TensorInfo tensor, long offset, ByteBuffer data) throws IOException {
    files.write(layout.fileOf(tensor.name()), tensor.name(), offset, data);
  }

  /** Files that an interrupted run finished are not written again. */
  @Override
  public Optional<String> finished(String name) {
    return files.finished(layout.fileOf(name)).map(remarks -> remarks.getOrDefault(name, ""));
  }

  @Override
  public void remark(String name, String text) {
    files.remark(layout.fileOf(name), name, text);
  }

  /** Does the long work. The manifest comes last: it completes the directory. */
  @Override
  public Optional<Path> finish() throws IOException {
    for (SideFile side : job.source().info().sideFiles()) {
      staging.copy(side.name(), side.path());
      names.add(side.name());
    }
    Manifest.Builder manifest = new Manifest.Builder(job.contents());
    names.addAll(files.finishAll(manifest));
    staging.write(Manifest.FILE, manifest.build(staging.inputs(), staging.files()));
    names.add(Manifest.FILE);
    return Optional.empty();
  }

  /** One step that cannot be interrupted. */
  @Override
  public List<Path> commit() throws IOException {
    if (names.isEmpty()) {
      finish();
    }
    staging.commit();
    return names.stream().map(name -> job.options().target().resolve(name)).toList();
  }

  @Override
  public void close() throws IOException {
    try (staging) {
      files.close();
    }
  }
}
