package dev.monoquant.files.output;

import static java.util.Objects.requireNonNull;

import dev.monoquant.ConfigurationException;
import dev.monoquant.files.input.MappedFile;
import dev.monoquant.files.json.TextPieces;
import dev.monoquant.files.manifest.HashKind;
import dev.monoquant.files.manifest.HashPool;
import dev.monoquant.files.manifest.InputHashes;
import dev.monoquant.files.manifest.Manifest;
import dev.monoquant.spi.OutputShare;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The output transaction: a file or directory is written beside the target under a name that does
 * not look like a model, then renamed.
 *
 * <p>Guarantees: until {@link #commit} the target keeps its previous contents; then it holds the
 * complete output, see {@link Placement}. While one run writes a target, any other run is refused.
 * Leftovers of killed runs beside the target are removed. Inputs are never written, and an input
 * that changes while it is read is an error. All output is read again and compared with what was
 * written. A directory has a {@link Journal}, so that an interrupted run can be resumed.
 *
 * <p>The writer of a format opens a staging, writes its files in it, and commits:
 *
 * <pre>{@code
 * MyWriter(MyLayout layout, OutputJob job) throws IOException {
 *   staging = Staging.openDirectory(job, layout.run(), layout.bytes(), Disk.REAL);
 *   files = new OutputFiles(staging, layout.files(), Map.of());
 * }
 *
 * public void writeKept(TensorInfo tensor, long offset, ByteBuffer data) throws IOException {
 *   files.write(layout.fileOf(tensor.name()), tensor.name(), offset, data);
 * }
 *
 * public List<Path> commit() throws IOException {
 *   Manifest.Builder manifest = new Manifest.Builder(job.contents());
 *   List<String> names = files.finishAll(manifest);
 *   staging.write(Manifest.FILE, manifest.build(staging.inputs(), staging.files()));
 *   staging.commit();
 *   ...
 * }
 * }</pre>
 *
 * <p>For tensor files use {@link OutputFile}, or {@link OutputFiles} for several files and
 * resumable runs; use {@link RegionFile} for a file that does not begin with a header. All of them
 * write data to the disk as it arrives. This class is independent of the format.
 */
public final class Staging implements Closeable {

  private static final int COPY_AT_ONCE = 16 << 20;

  private final Path target;
  private final Path temporary;
  private final boolean directory;
  private final boolean sync;
  private final Disk disk;
  private final Optional<TargetLock> lock;
  private final OutputMode mode;
  private final HashPool pool = new HashPool();
  private final HashKind kind;
  private final InputHashes inputs;
  private final SortedMap<String, String> files = Manifest.sorted();
  private final Map<String, Journal.Entry> finished = new HashMap<>();
  private final List<String> notes;
  private final Optional<SharedOutput> shared;
  private @Nullable Journal journal;
  private boolean done;

  private Staging(
      OutputJob job,
      Path target,
      boolean directory,
      Disk disk,
      Optional<TargetLock> lock,
      List<String> notes)
      throws IOException {
    this.notes = new ArrayList<>(notes);
    this.target = target;
    this.lock = lock;
    this.directory = directory;
    this.sync = job.options().sync();
    this.kind = HashKind.ofOutputs(job.contents());
    this.disk = disk;
    Optional<OutputShare> share = job.options().share();
    Path fresh = share.isPresent() ? target : Leftovers.freshName(target);
    try {
      Path beside =
          lock.isPresent() ? lock.get().file() : SharedOutput.folder(target, share.orElseThrow());
      this.mode = OutputMode.of(job, target, beside);
      this.shared =
          share.isPresent()
              ? Optional.of(SharedOutput.open(job, target, directory, disk, mode, pool))
              : Optional.empty();
      this.temporary = shared.map(SharedOutput::data).orElse(fresh);
      this.inputs =
          shared.isEmpty()
              ? new InputHashes(job.contents(), job.source(), pool)
              : new InputHashes(
                  shared.get().isPart() ? Manifest.sorted() : shared.get().inputs(job));
    } catch (IOException | RuntimeException | Error e) {
      pool.close();
      Leftovers.forget(fresh);
      throw e;
    }
  }

  /**
   * Opens the share of an output that several runs write. Units need no lock: they write the same
   * bytes at the same places, in any process.
   */
  private static Staging openShare(OutputJob job, boolean directory, long bytes, Disk disk)
      throws IOException {
    OutputShare share = job.options().share().orElseThrow();
    boolean begins = share instanceof OutputShare.Begin;
    Path target = OutputTarget.check(job, directory, begins ? bytes : 0, disk);
    if (!begins) {
      SharedOutput.requireFolder(target, share);
    }
    if (share instanceof OutputShare.Unit) {
      return new Staging(job, target, directory, disk, Optional.empty(), List.of());
    }
    TargetLock lock = TargetLock.take(target);
    try {
      List<String> notes = List.of();
      if (!begins) {
        // A join that was killed may have moved the previous directory away.
        notes = Leftovers.sweep(target, Optional.empty(), disk);
        OutputTarget.check(job, directory, 0, disk);
      }
      return new Staging(job, target, directory, disk, Optional.of(lock), notes);
    } catch (IOException | RuntimeException | Error e) {
      lock.close();
      throw e;
    }
  }

  /**
   * Checks and locks the target of a single file, and removes leftovers of killed runs beside it.
   *
   * @param job the job
   * @param bytes the minimum size of the output in bytes
   * @param disk the file system
   * @return the staging; the caller closes it
   * @throws IOException if the file system fails
   * @throws dev.monoquant.OutputException if the target may not be written, or another run is
   *     writing it
   */
  public static Staging openFile(OutputJob job, long bytes, Disk disk) throws IOException {
    if (job.options().resume()) {
      throw new ConfigurationException(
          job.options().target()
              + ": a single file is written in one go and cannot be resumed. Leave --resume out, or"
              + " write a directory");
    }
    if (job.options().share().isPresent()) {
      return openShare(job, false, bytes, disk);
    }
    Path target = OutputTarget.check(job, false, bytes, disk);
    TargetLock lock = TargetLock.take(target);
    try {
      List<String> notes = Leftovers.sweep(target, Optional.empty(), disk);
      return new Staging(job, target, false, disk, Optional.of(lock), notes);
    } catch (IOException | RuntimeException | Error e) {
      lock.close();
      throw e;
    }
  }

  /**
   * Checks and locks the target of a directory, and removes leftovers of killed runs beside it, or
   * resumes one if the job asks for it.
   *
   * @param job the job
   * @param run the identity of this run, without its inputs: versions, configuration, layout
   * @param bytes the minimum size of the output in bytes
   * @param disk the file system
   * @return the staging; the caller closes it
   * @throws IOException if the file system fails
   * @throws ConfigurationException if the job resumes a run and its source has no files
   * @throws dev.monoquant.OutputException if the target may not be written, another run is writing
   *     it, or the run to resume differs from this one
   */
  public static Staging openDirectory(OutputJob job, Map<String, String> run, long bytes, Disk disk)
      throws IOException {
    if (job.options().share().isPresent()) {
      return openShare(job, true, bytes, disk);
    }
    Path target = OutputTarget.check(job, true, bytes, disk);
    TargetLock lock = TargetLock.take(target);
    Map<String, String> identity = new TreeMap<>(run);
    Manifest.Kinds kinds = Manifest.Kinds.of(job.contents());
    identity.put("the hashes", kinds.inputs().wire() + " and " + kinds.outputs().wire());
    try {
      Optional<Resumption> earlier = Resumption.find(job, target, identity);
      List<String> notes = Leftovers.sweep(target, earlier.map(Resumption::left), disk);
      // Sweeping may restore an old directory, so the target is checked again.
      OutputTarget.check(job, true, bytes, disk);
      Staging staging = new Staging(job, target, true, disk, Optional.of(lock), notes);
      try {
        staging.begin(identity, earlier);
        return staging;
      } catch (IOException | RuntimeException | Error e) {
        staging.close();
        throw e;
      }
    } catch (IOException | RuntimeException | Error e) {
      lock.close();
      throw e;
    }
  }

  private void begin(Map<String, String> run, Optional<Resumption> earlier) throws IOException {
    if (earlier.isEmpty()) {
      Files.createDirectory(temporary, mode.ofDirectory());
      journal = Journal.create(temporary, run, sync, disk, mode);
      return;
    }
    // Before any change: a run that is refused here can still be resumed with the right settings.
    earlier.get().requireSameInputs(target, inputs());
    finished.putAll(earlier.get().moveTo(temporary, disk, pool, notes));
    journal = Journal.resume(temporary, earlier.get().contents(), sync);
  }

  /** {@return what the units of the output share; empty if one run writes all of it} */
  Optional<SharedOutput> shared() {
    return shared;
  }

  /** {@return whether this run writes a part of an output, which {@link #commit} stores} */
  public boolean isPart() {
    return shared.map(SharedOutput::isPart).orElse(false);
  }

  /**
   * {@return the text of {@link #remark} for a weight, if units that wrote it are joined, or the
   * unit was complete before; an empty text if there is none}
   *
   * @param weight the name of a weight or tensor
   */
  public Optional<String> stored(String weight) {
    return shared.flatMap(s -> s.finished(weight));
  }

  /**
   * Keeps a text for the run that joins the units; does nothing if there are no units.
   *
   * @param weight the name of a weight
   * @param text any text
   */
  public void remark(String weight, String text) {
    shared.ifPresent(s -> s.remark(weight, text));
  }

  /** {@return the tensor files that an interrupted run finished, by name} */
  public Map<String, Journal.Entry> finished() {
    return finished;
  }

  /** {@return the journal of finished files} */
  public Journal journal() {
    return requireNonNull(journal, "only directories have a journal");
  }

  /** {@return the kind of the hashes of what is written} */
  public HashKind hashKind() {
    return kind;
  }

  /** {@return the pool that computes hashes} */
  public HashPool pool() {
    return pool;
  }

  /**
   * Waits for the hash of every input file.
   *
   * @return the hashes by name, as the manifest has them
   * @throws IOException if reading fails
   * @throws dev.monoquant.ModelFormatException if an input changed since the start of the output
   */
  public SortedMap<String, String> inputs() throws IOException {
    return inputs.await();
  }

  /**
   * Waits for the inputs that hold the given shards of the model, or for all inputs if these are
   * unknown.
   *
   * @param shards the names of the shards
   * @return the hashes by name
   * @throws IOException if reading fails
   */
  public SortedMap<String, String> inputs(Set<String> shards) throws IOException {
    return inputs.await(shards);
  }

  /** {@return the hashes of the files written by {@link #write} or copied, by name} */
  public SortedMap<String, String> files() {
    return files;
  }

  /** {@return notes on the target for the report; grows until the commit} */
  public List<String> notes() {
    return List.copyOf(notes);
  }

  /** {@return the target, absolute, links resolved} */
  public Path target() {
    return target;
  }

  /**
   * {@return the temporary path of a file}
   *
   * @param name its name relative to the target with forward slashes; empty if the output is a file
   */
  public Path temporary(String name) {
    return name.isEmpty() ? temporary : temporary.resolve(name);
  }

  /**
   * Starts a file.
   *
   * @param name its name relative to the target with forward slashes; empty if the output is a file
   * @param size its size in bytes
   */
  public StagedFile create(String name, long size) throws IOException {
    return create(name, size, mode);
  }

  /**
   * Opens a file for regions: a new one, or that which the units share.
   *
   * @param name its name relative to the target with forward slashes; empty if the output is a file
   * @param size its size in bytes
   */
  StagedFile open(String name, long size) throws IOException {
    if (shared.isEmpty()) {
      return create(name, size);
    }
    Path path = temporary(name);
    if (!shared.get().isBegun() && !Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
      return create(name, size);
    }
    try {
      Path named = name.isEmpty() ? target : target.resolve(name);
      return StagedFile.shared(path, named, size, sync, disk);
    } catch (NoSuchFileException removed) {
      throw shared.get().gone();
    }
  }

  private StagedFile create(String name, long size, OutputMode fileMode) throws IOException {
    Path path = temporary(name);
    if (shared.isPresent()) {
      // A join that was killed may have written it.
      Files.deleteIfExists(path);
    }
    if (!name.isEmpty()) {
      Files.createDirectories(path.getParent(), mode.ofDirectory());
    }
    Path named = name.isEmpty() ? target : target.resolve(name);
    return new StagedFile(path, named, size, sync, disk, fileMode);
  }

  /**
   * Writes a small file as a whole.
   *
   * @param name its name relative to the target
   * @param bytes its contents
   * @throws IOException if writing fails
   */
  public void write(String name, byte[] bytes) throws IOException {
    files.put(name, kind.of(bytes));
    try (StagedFile file = create(name, bytes.length)) {
      file.write(0, ByteBuffer.wrap(bytes));
      file.seal();
      file.audit();
    }
  }

  /**
   * Writes a text in UTF-8, of which a piece at a time is in memory.
   *
   * @param name its name relative to the target
   * @param text its contents
   * @throws IOException if writing fails
   */
  public void write(String name, TextPieces text) throws IOException {
    try (StagedFile file = create(name, text.utf8Length())) {
      long[] position = {0};
      text.forEachUtf8(
          bytes -> {
            try {
              file.write(position[0], ByteBuffer.wrap(bytes));
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
            position[0] += bytes.length;
          });
      files.put(name, HashPool.await(pool.submit(kind, file::read, 0, position[0])));
      file.seal();
      file.audit();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  /**
   * Copies a file byte for byte.
   *
   * @param name its name relative to the target
   * @param source the file
   * @throws dev.monoquant.ModelFormatException if it cannot be opened
   * @throws IOException if writing fails
   */
  public void copy(String name, Path source) throws IOException {
    try (MappedFile in = CopiedFile.open(source);
        StagedFile file = create(name, in.size(), mode.and(source))) {
      for (long at = 0; at < in.size(); at += COPY_AT_ONCE) {
        file.write(at, in.slice(at, (int) Math.min(COPY_AT_ONCE, in.size() - at)));
      }
      files.put(name, HashPool.await(pool.submit(kind, file::read, 0, in.size())));
      file.seal();
      file.audit();
    }
  }

  /**
   * Renames the output to the target. All of its files must be written, flushed and audited. A part
   * of an output is stored instead, for the run that joins the parts.
   *
   * @throws IOException if the rename fails; the previous output then keeps its name
   */
  public void commit() throws IOException {
    if (isPart()) {
      shared.orElseThrow().store();
      done = true;
      return;
    }
    if (journal != null) {
      journal.remove(temporary);
    }
    // What units wrote lies in a folder of their own; a directory that it replaces does not go
    // there, since users are told to remove that folder after a failure.
    Path own = shared.isPresent() ? Leftovers.freshName(target) : temporary;
    try {
      Placement placement =
          new Placement(target, temporary, Leftovers.oldName(own), directory, sync, disk);
      Optional<Path> replaced = placement.rename();
      done = true;
      placement.settle(replaced).ifPresent(notes::add);
    } finally {
      Leftovers.forget(own);
    }
    if (shared.isPresent()) {
      shared.get().remove();
    }
  }

  /** Removes an output that was not committed. */
  @Override
  public void close() throws IOException {
    pool.close();
    try {
      if (journal != null) {
        journal.close();
      }
      if (!done && shared.isEmpty()) {
        Leftovers.deleteTree(temporary);
      }
    } finally {
      Leftovers.forget(temporary);
      if (lock.isPresent()) {
        lock.get().close();
      }
    }
  }
}
