package dev.monoquant.files.manifest;

import dev.monoquant.ModelFormatException;
import dev.monoquant.files.input.Locations;
import dev.monoquant.files.json.JsonText;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.Provenance;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Future;

/**
 * The hash of every input file, computed in the background while the model is read. A file that
 * changes meanwhile is detected by its size or modification time, and one that another file
 * replaces by its key in the file system, and refused.
 */
public final class InputHashes {

  private record Input(Path file, Stamp before, Future<String> hash) {}

  private final Optional<SortedMap<String, String>> known;
  private final Map<String, Input> inputs = new LinkedHashMap<>();

  /**
   * Starts to hash the files of a source, unless their hashes are known.
   *
   * @param contents the contents of the output
   * @param source its source; if it has {@link SharedHashes}, they are used, and if it has {@link
   *     OpenedFiles}, a file that changed since it was opened is refused
   * @param pool the threads that hash
   */
  public InputHashes(OutputContents contents, ModelSource source, HashPool pool)
      throws IOException {
    this.known = contents.provenance().flatMap(Provenance::inputs);
    if (known.isPresent()) {
      return;
    }
    HashKind kind = HashKind.ofInputs(contents);
    List<Path> files = source.info().files();
    Optional<SharedHashes> shared = source.find(SharedHashes.class);
    Optional<OpenedFiles> opened = source.find(OpenedFiles.class);
    List<String> names = names(files);
    for (int i = 0; i < files.size(); i++) {
      Path file = files.get(i);
      Optional<Stamp> asOpened = opened.flatMap(o -> o.stamp(file));
      Stamp before = asOpened.isPresent() ? asOpened.get() : Stamp.of(file);
      Future<String> hash =
          shared.isPresent()
              ? shared.get().hash(kind, file, before.size(), before.modified())
              : pool.submit(kind, file, before.size());
      inputs.put(names.get(i), new Input(file, before, hash));
    }
  }

  /**
   * Holds hashes that are known.
   *
   * @param hashes the hash of each input file by name
   */
  public InputHashes(SortedMap<String, String> hashes) {
    this.known = Optional.of(hashes);
  }

  /**
   * {@return the names of the files: the file name of a single file, else the paths relative to
   * their common folder, with forward slashes}
   */
  static List<String> names(List<Path> files) {
    Path common = null;
    for (Path file : files) {
      Path folder = Locations.folder(file.toAbsolutePath().normalize());
      common = common == null ? folder : common;
      while (!folder.startsWith(common)) {
        common = Locations.folder(common);
      }
    }
    List<String> names = new ArrayList<>();
    for (Path file : files) {
      if (common != null) {
        Path relative = common.relativize(file.toAbsolutePath().normalize());
        names.add(relative.toString().replace(relative.getFileSystem().getSeparator(), "/"));
      }
    }
    return names;
  }

  /**
   * Waits for all hashes.
   *
   * @return the hashes by name
   * @throws IOException if reading fails
   * @throws ModelFormatException if a file changed since this object was made
   */
  public SortedMap<String, String> await() throws IOException {
    return await(Set.of());
  }

  /**
   * Waits for the hashes of some files.
   *
   * @param shards names of tensor files in the model; waits for all hashes if there are no names,
   *     or a named file is not among the inputs
   */
  public SortedMap<String, String> await(Set<String> shards) throws IOException {
    if (known.isPresent()) {
      return known.get();
    }
    SortedMap<String, String> hashes = new TreeMap<>(JsonText.BY_CODE_POINT);
    boolean some = !shards.isEmpty() && inputs.keySet().containsAll(shards);
    for (Map.Entry<String, Input> entry : inputs.entrySet()) {
      if (some && !shards.contains(entry.getKey())) {
        continue;
      }
      Input input = entry.getValue();
      try {
        hashes.put(entry.getKey(), HashPool.await(input.hash()));
        input.before().requireSame(input.file());
      } catch (NoSuchFileException gone) {
        throw Stamp.changed(input.file());
      }
    }
    return hashes;
  }
}
