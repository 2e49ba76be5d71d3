package dev.monoquant.io.torchscript;

import static dev.monoquant.QuantException.quote;
import static java.util.Objects.requireNonNull;

import dev.monoquant.ConfigurationException;
import dev.monoquant.files.input.Closing;
import dev.monoquant.files.manifest.Manifest;
import dev.monoquant.files.manifest.Sha256;
import dev.monoquant.files.model.SideFiles;
import dev.monoquant.files.output.Disk;
import dev.monoquant.files.output.OutputJob;
import dev.monoquant.files.output.Staging;
import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.torch.Storage;
import dev.monoquant.files.torch.TorchTensor;
import dev.monoquant.files.torch.TorchZip;
import dev.monoquant.files.zip.ArchiveWriter;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.script.HeldStorage;
import dev.monoquant.script.HolderRun;
import dev.monoquant.script.TimedProgram;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.SideFile;
import dev.monoquant.spi.TimedCopy;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Writes one archive. The storages of tensors left unquantized are copied unchanged, once each, by
 * the thread that first writes a piece of one of their tensors. The pieces themselves are only
 * counted.
 */
final class TorchScriptWriter implements OutputWriter {

  private static final int COPY_AT_ONCE = 16 << 20;

  private final ScriptPlan plan;
  private final OutputJob job;
  private final ScriptSource original;
  private final Staging staging;
  private final ArchiveWriter file;
  private final Map<String, AtomicLong> missing = new HashMap<>();
  private final Map<String, TorchTensor> views;
  private final Map<String, WeightLayout.Writer> writers = new ConcurrentHashMap<>();
  private final Set<String> copied = ConcurrentHashMap.newKeySet();
  private final String name;
  private final List<Path> written = new ArrayList<>();
  private boolean finished;

  /** The finished archive, opened when it is first decoded. */
  private @Nullable TorchZip made;

  /**
   * Starts writing.
   *
   * @param plan the plan of the output
   * @param job the source, the contents and the target
   * @param original the archive that is rewritten
   * @param disk the file system
   */
  TorchScriptWriter(ScriptPlan plan, OutputJob job, ScriptSource original, Disk disk)
      throws IOException {
    this.plan = plan;
    this.job = job;
    this.original = original;
    this.views = original.views();
    this.name = original.nameIn(job.options().target());
    this.staging = staging(job, name, plan.bytes(), disk);
    try {
      for (SideFile side : name.isEmpty() ? List.<SideFile>of() : job.source().info().sideFiles()) {
        staging.copy(side.name(), side.path());
        written.add(job.options().target().resolve(side.name()));
      }
      this.file = new ArchiveWriter(staging, name, plan.layout());
    } catch (IOException | RuntimeException | Error e) {
      staging.close();
      throw e;
    }
    job.contents().kept().forEach(t -> missing.put(t.name(), new AtomicLong(t.bytes())));
  }

  private static Staging staging(OutputJob job, String name, long bytes, Disk disk)
      throws IOException {
    if (name.isEmpty()) {
      return Staging.openFile(job, bytes, disk);
    }
    if (job.options().resume()) {
      throw new ConfigurationException(
          job.options().target()
              + ": an archive is written in one go and cannot be resumed. Leave --resume out");
    }
    return Staging.openDirectory(job, Map.of("format", "torchscript"), bytes, disk);
  }

  private WeightLayout.Writer writer(EncodedWeight weight) {
    Map<String, List<String>> parts = plan.records().parts().get(weight.name());
    if (parts == null) {
      throw new IllegalArgumentException(
          quote(weight.name()) + " is no weight that is to be written");
    }
    return writers.computeIfAbsent(
        weight.name(),
        name ->
            HeldStorage.layout(weight)
                .writer(
                    (part, offset, data) -> {
                      for (String record : parts.getOrDefault(part.name(), List.of())) {
                        file.write(plan.entry(record), offset, data.duplicate());
                      }
                    }));
  }

  @Override
  public void writeTile(EncodedWeight weight, EncodedTile tile) throws IOException {
    writer(weight).writeTile(tile);
  }

  @Override
  public void writeWhole(EncodedWeight weight, Map<String, byte[]> parts) throws IOException {
    writer(weight).writeWhole(parts);
  }

  @Override
  public void writeKept(TensorInfo tensor, long offset, ByteBuffer data) throws IOException {
    AtomicLong rest = missing.get(tensor.name());
    if (rest == null || offset < 0 || offset > tensor.bytes() - data.remaining()) {
      throw new IllegalArgumentException(
          "bytes "
              + offset
              + " to "
              + (offset + data.remaining())
              + " of "
              + quote(tensor.name())
              + (rest == null ? ", which is not kept" : ", which has " + tensor.bytes()));
    }
    rest.addAndGet(-data.remaining());
    data.position(data.limit());
    ViewKey key = requireNonNull(plan.records().plain().get(tensor.name()));
    copy(key.record(), requireNonNull(views.get(tensor.name())).storage());
  }

  /** Copies a storage of the original, or the record's part of it, into a record. */
  private void copy(String record, Storage storage) throws IOException {
    if (!copied.add(record)) {
      return;
    }
    HeldRecords.Piece piece = plan.records().cut().get(record);
    long first = piece == null ? 0 : piece.first();
    long bytes = piece == null ? storage.size() : piece.bytes();
    for (long at = 0; at < bytes; at += COPY_AT_ONCE) {
      int length = (int) Math.min(COPY_AT_ONCE, bytes - at);
      file.write(plan.entry(record), at, storage.slice(first + at, length));
    }
  }

  @Override
  public List<String> notes() {
    List<String> notes = new ArrayList<>(staging.notes());
    List<SideFile> sides = job.source().info().sideFiles();
    if (!sides.isEmpty()) {
      notes.add(
          (name.isEmpty() ? "left out, since the output is a single file: " : "carried over: ")
              + SideFiles.described(sides));
    }
    return notes;
  }

  @Override
  public Optional<Path> finish() throws IOException {
    missing.forEach(
        (name, rest) -> {
          if (rest.get() != 0) {
            throw new IllegalStateException(
                job.options().target()
                    + ": tensor "
                    + quote(name)
                    + " was not written exactly once; every byte of every tensor must be");
          }
        });
    // Storages without a view that is left unquantized: constants, plain attributes, empty tensors.
    for (String record : plan.records().copied()) {
      copy(record, original.archive().zip().record(record));
    }
    for (Map.Entry<String, HeldRecords.Piece> cut : plan.records().cut().entrySet()) {
      copy(cut.getKey(), original.archive().zip().record(cut.getValue().record()));
    }
    file.flushSoon();
    SortedMap<String, String> storages = Manifest.sorted();
    for (String record : plan.records().bytes().keySet()) {
      storages.put(record, file.sums(plan.entry(record)).hash());
    }
    writeManifest(plan.manifest(staging.inputs(), storages));
    file.finish();
    finished = true;
    return Optional.of(file.path());
  }

  @Override
  public Optional<float[]> decoded(EncodedWeight weight) throws IOException {
    PickleObject holder = plan.rewritten().decoded().get(weight.name());
    if (holder == null || !finished) {
      return Optional.empty();
    }
    TorchZip archive = made();
    return Optional.of(
        HolderRun.decode(
            plan.rewritten().program(),
            holder,
            key -> {
              Storage storage = archive.record(Records.DATA + key);
              return storage.slice(0, Math.toIntExact(storage.size()));
            }));
  }

  private TorchZip made() throws IOException {
    if (made == null) {
      made = TorchZip.open(file.path(), job.options().target().toString(), ReadLimits.DEFAULT);
    }
    return made;
  }

  @Override
  public Optional<TimedCopy> timed(Path copy) throws IOException {
    if (!finished) {
      return Optional.empty();
    }
    TimedProgram program =
        TimedProgram.of(plan.rewritten().program(), plan.records().parts().keySet());
    TimedArchive.write(made(), program.code(), copy);
    return Optional.of(new TimedCopy(TimedProgram.WAYS, program.weights()));
  }

  /** Closes the file before it is renamed: some file systems cannot rename an open file. */
  private void closeMade() throws IOException {
    if (made != null) {
      made.close();
      made = null;
    }
  }

  private void writeManifest(Manifest open) throws IOException {
    String entry = plan.entry(Records.MANIFEST);
    byte[] frame = file.frame(Map.of(entry, 0L));
    String self = Sha256.of(ArchiveAudit.holder(frame, bytes(open)));
    file.write(entry, 0, ByteBuffer.wrap(bytes(open.withSelf(self))));
  }

  private static byte[] bytes(Manifest manifest) {
    return manifest.toText().getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public List<Path> commit() throws IOException {
    if (!finished) {
      finish();
    }
    closeMade();
    staging.commit();
    written.add(name.isEmpty() ? job.options().target() : job.options().target().resolve(name));
    return List.copyOf(written);
  }

  @Override
  public void close() throws IOException {
    Closing.all(List.of(this::closeMade, file, staging));
  }
}
