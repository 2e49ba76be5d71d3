package dev.monoquant.io.compressedtensors;

import dev.monoquant.Problem;
import dev.monoquant.ValidationException;
import dev.monoquant.files.manifest.Manifest;
import dev.monoquant.files.output.Disk;
import dev.monoquant.files.output.OutputFiles;
import dev.monoquant.files.output.OutputJob;
import dev.monoquant.files.output.Staging;
import dev.monoquant.files.parts.BitPacking;
import dev.monoquant.files.parts.CellGrid;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.SideFile;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
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
  private final Map<String, ZeroPoints> zeroPoints = new ConcurrentHashMap<>();

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
    try {
      for (PackedWeight weight : plan.weights()) {
        if (finished(weight.weight().name()).isEmpty()) {
          writeShape(weight);
        }
      }
    } catch (IOException | RuntimeException | Error e) {
      close();
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

  private void writeShape(PackedWeight weight) throws IOException {
    WeightMatrix rows = weight.weight().rows();
    ByteBuffer shape = ByteBuffer.allocate(2 * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    shape.putLong(rows.rows()).putLong(rows.cols()).flip();
    write(weight.name(PackedWeight.SHAPE), 0, shape);
  }

  @Override
  public void writeTile(EncodedWeight weight, EncodedTile tile) throws IOException {
    PackedWeight packed = plan.weight(weight);
    WeightMatrix rows = weight.rows();
    CellGrid.checkRows(rows, weight.encoding(), tile.firstRow(), tile.height());
    byte[] codes = CellGrid.cells(packed.codes(), rows, tile);
    write(
        packed.name(PackedWeight.PACKED),
        tile.firstRow() * packed.rowBytes(),
        ByteBuffer.wrap(pack(packed, codes, tile.height())));
    Part scale = packed.scale();
    if (scale.tiled()) {
      write(
          packed.name(PackedWeight.SCALE),
          tile.firstRow() * CellGrid.tileRowBytes(scale, rows),
          ByteBuffer.wrap(CellGrid.cells(scale, rows, tile)));
    }
    if (packed.packsZeroPoints()) {
      byte[] cells = CellGrid.cells(packed.zeroPoint().orElseThrow(), rows, tile);
      collect(packed, tile, cells);
    }
  }

  private static byte[] pack(PackedWeight weight, byte[] codes, int height) {
    int cols = Math.toIntExact(weight.weight().rows().cols());
    int bits = weight.bits();
    byte[] out = new byte[Math.toIntExact(height * weight.rowBytes())];
    for (int row = 0; row < height; row++) {
      int to = Math.toIntExact(row * weight.rowBytes());
      // Adding 2^(bits-1) to a code is inverting its sign bit.
      BitPacking.pack(codes, row * cols, cols, bits, 1 << (bits - 1), out, to);
    }
    return out;
  }

  private void collect(PackedWeight weight, EncodedTile tile, byte[] cells) throws IOException {
    WeightMatrix rows = weight.weight().rows();
    ZeroPoints all =
        zeroPoints.computeIfAbsent(
            weight.module(),
            m -> new ZeroPoints(Math.toIntExact(rows.rows()), weight.groups(), weight.bits()));
    ByteBuffer words = all.add(tile.firstRow(), tile.height(), cells);
    if (words != null) {
      zeroPoints.remove(weight.module());
      write(weight.name(PackedWeight.ZERO_POINT), 0, words);
    }
  }

  @Override
  public void writeWhole(EncodedWeight weight, Map<String, byte[]> parts) throws IOException {
    PackedWeight packed = plan.weight(weight);
    if (packed.strategy() instanceof Strategy.Tensor) {
      writeWhole(packed, packed.scale(), PackedWeight.SCALE, parts);
      if (packed.zeroPoint().isPresent()) {
        writeWhole(packed, packed.zeroPoint().get(), PackedWeight.ZERO_POINT, parts);
      }
    }
  }

  private void writeWhole(PackedWeight packed, Part part, String param, Map<String, byte[]> parts)
      throws IOException {
    byte[] cells = CellGrid.whole(part, packed.weight().rows(), parts);
    write(packed.name(param), 0, ByteBuffer.wrap(cells));
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
    Optional<byte[]> config = ConfigWriter.write(job.source(), job.contents(), plan.weights());
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
