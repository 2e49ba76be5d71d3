package dev.monoquant.files.output;

import static java.util.Objects.requireNonNull;

import dev.monoquant.ConfigurationException;
import dev.monoquant.files.input.MappedFile;
import dev.monoquant.files.manifest.HashPool;
import dev.monoquant.files.manifest.InputHashes;
import dev.monoquant.files.manifest.Manifest;
import dev.monoquant.files.manifest.Sha256;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/**
 * The output transaction: a file or directory that is made beside the target under a name that does
 * not look like a model, then renamed in one step.
 *
 * <p>What is promised: until {@link #commit} nothing has the target's name but what had it before;
 * then the output has it, complete, as {@link Placement} tells. While one run writes a target,
 * another is refused. What killed runs left beside the target is removed. Inputs are never written,
 * and one that changes while it is read is an error. Everything is read again and compared with
 * what was written. A directory has a {@link Journal}, so that an interrupted run can be resumed.
 *
 * <p>The writer of a format opens a staging, starts its files in it, and commits:
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
 * <p>Files of tensors are an {@link OutputFile}, or {@link OutputFiles} where there are several and
 * a run is to be resumed; a {@link RegionFile} where a file does not begin with a header. All of
 * them stream: numbers go to the disk as they come. What this does not do: it knows no format.
 */
public final class Staging implements Closeable {

  private static final int COPY_AT_ONCE = 16 << 20;

  private final Path target;
  private final Path temporary;
  private final boolean directory;
  private final boolean sync;
  private final Disk disk;
  private final TargetLock lock;
  private final OutputMode mode;
  private final HashPool pool = new HashPool();
  private final InputHashes inputs;
  private final SortedMap<String, String> files = Manifest.sorted();
  private final Map<String, Journal.Entry> finished = new HashMap<>();
  private final List<String> notes;
  private @Nullable Journal journal;
  private boolean done;

  private Staging(
      OutputJob job, Path target, boolean directory, Disk disk, TargetLock lock, List<String> notes)
      throws IOException {
    this.notes = new ArrayList<>(notes);
    this.target = target;
    this.lock = lock;
    this.temporary = Leftovers.freshName(target);
    this.directory = directory;
    this.sync = job.options().sync();
    this.disk = disk;
    try {
      this.mode = OutputMode.of(job, target, lock.file());
      this.inputs = new InputHashes(job.contents(), job.source().info().files(), pool);
    } catch (IOException | RuntimeException | Error e) {
      pool.close();
      Leftovers.forget(temporary);
      throw e;
    }
  }

  /**
   * Checks the target of a single file, keeps other runs away from it, and removes what killed runs
   * left beside it.
   *
   * @param job what is written
   * @param bytes bytes the output will have at least
   * @param disk the file system
   * @return the staging; the caller closes it
   * @throws IOException if the file system fails
   * @throws dev.monoquant.OutputException if the target may not be written, or another run writes
   *     it right now
   */
  public static Staging openFile(OutputJob job, long bytes, Disk disk) throws IOException {
    if (job.options().resume()) {
      throw new ConfigurationException(
          job.options().target()
              + ": a single file is written in one go and cannot be resumed. Leave --resume out, or"
              + " write a directory");
    }
    Path target = OutputTarget.check(job, false, bytes, disk);
    TargetLock lock = TargetLock.take(target);
    try {
      List<String> notes = Leftovers.sweep(target, Optional.empty(), disk);
      return new Staging(job, target, false, disk, lock, notes);
    } catch (IOException | RuntimeException | Error e) {
      lock.close();
      throw e;
    }
  }

  /**
   * Checks the target of a directory, keeps other runs away from it, and removes what killed runs
   * left beside it, or goes on with it if the job says so.
   *
   * @param job what is written
   * @param run what tells this run from others, beside its inputs: versions, configuration, layout
   * @param bytes bytes the output will have at least
   * @param disk the file system
   * @return the staging; the caller closes it
   * @throws IOException if the file system fails
   * @throws ConfigurationException if a run is to be resumed whose source has no files
   * @throws dev.monoquant.OutputException if the target may not be written, another run writes it
   *     right now, or what is to be resumed was another run
   */
  public static Staging openDirectory(OutputJob job, Map<String, String> run, long bytes, Disk disk)
      throws IOException {
    Path target = OutputTarget.check(job, true, bytes, disk);
    TargetLock lock = TargetLock.take(target);
    try {
      Optional<Resumption> earlier = Resumption.find(job, target, run);
      List<String> notes = Leftovers.sweep(target, earlier.map(Resumption::left), disk);
      // Sweeping can put an old directory back, which is then as much in the way as any other.
      OutputTarget.check(job, true, bytes, disk);
      Staging staging = new Staging(job, target, true, disk, lock, notes);
      try {
        staging.begin(run, earlier);
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
    // Before anything is touched: what is refused here can still be resumed by the right run.
    earlier.get().requireSameInputs(target, inputs());
    finished.putAll(earlier.get().moveTo(temporary, disk, pool, notes));
    journal = Journal.resume(temporary, earlier.get().contents(), sync);
  }

  /** {@return the files of tensors that an interrupted run has finished, by name} */
  public Map<String, Journal.Entry> finished() {
    return finished;
  }

  /** {@return where finished files are noted} */
  public Journal journal() {
    return requireNonNull(journal, "only directories have a journal");
  }

  /** {@return where hashes are computed} */
  public HashPool pool() {
    return pool;
  }

  /**
   * Waits for the SHA-256 of every input file.
   *
   * @return the hashes by name, as the manifest has them
   * @throws IOException if reading fails
   * @throws dev.monoquant.ModelFormatException if an input changed since the output was begun
   */
  public SortedMap<String, String> inputs() throws IOException {
    return inputs.await();
  }

  /**
   * The same for the inputs that hold some shards of the model, or for all if they are not known.
   *
   * @param shards the names of the shards
   * @return the hashes by name
   * @throws IOException if reading fails
   */
  public SortedMap<String, String> inputs(Set<String> shards) throws IOException {
    return inputs.await(shards);
  }

  /** {@return the SHA-256 of the files that were written whole or copied, by name} */
  public SortedMap<String, String> files() {
    return files;
  }

  /** {@return what was found and done at the target, for the report; grows until the commit} */
  public List<String> notes() {
    return List.copyOf(notes);
  }

  /** {@return the target, absolute, links resolved} */
  public Path target() {
    return target;
  }

  /**
   * {@return where a file is made}
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
   * @param size bytes it will have
   */
  public StagedFile create(String name, long size) throws IOException {
    return create(name, size, mode);
  }

  private StagedFile create(String name, long size, OutputMode fileMode) throws IOException {
    Path path = temporary(name);
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
   * @param bytes what it holds
   * @throws IOException if writing fails
   */
  public void write(String name, byte[] bytes) throws IOException {
    files.put(name, Sha256.of(bytes));
    try (StagedFile file = create(name, bytes.length)) {
      file.write(0, ByteBuffer.wrap(bytes));
      file.seal();
      file.audit();
    }
  }

  /**
   * Copies a file byte for byte.
   *
   * @param name its name relative to the target
   * @param source the file
   * @throws IOException if reading or writing fails
   */
  public void copy(String name, Path source) throws IOException {
    try (MappedFile in = MappedFile.open(source);
        StagedFile file = create(name, in.size(), mode.and(source))) {
      for (long at = 0; at < in.size(); at += COPY_AT_ONCE) {
        file.write(at, in.slice(at, (int) Math.min(COPY_AT_ONCE, in.size() - at)));
      }
      files.put(name, HashPool.await(pool.submit(file::read, 0, in.size())));
      file.seal();
      file.audit();
    }
  }

  /**
   * Gives the output its name. Everything in it must be written, flushed and audited.
   *
   * @throws IOException if that fails; what had the name before has it still
   */
  public void commit() throws IOException {
    if (journal != null) {
      journal.remove(temporary);
    }
    Placement placement = new Placement(target, temporary, directory, sync, disk);
    Optional<Path> replaced = placement.rename();
    done = true;
    placement.settle(replaced).ifPresent(notes::add);
  }

  /** Removes what was not committed. */
  @Override
  public void close() throws IOException {
    pool.close();
    try (lock) {
      if (journal != null) {
        journal.close();
      }
      if (!done) {
        Leftovers.deleteTree(temporary);
      }
    } finally {
      Leftovers.forget(temporary);
    }
  }
}
