package dev.monoquant.files.output;

import dev.monoquant.ConfigurationException;
import dev.monoquant.files.input.Locations;
import dev.monoquant.files.manifest.HashPool;
import dev.monoquant.spi.Provenance;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;

/**
 * A run that was killed, and that another one goes on with.
 *
 * @param left the temporary directory that it left
 * @param contents what its journal says
 */
record Resumption(Path left, Journal.Contents contents) {

  /**
   * Looks for the run that a job wants to go on with.
   *
   * @param run what tells this run from others, beside its inputs
   * @return the run; empty if none is wanted, there is none, or it had not begun
   * @throws ConfigurationException if the source has no files
   * @throws dev.monoquant.OutputException if there is one, but it was another
   */
  static Optional<Resumption> find(OutputJob job, Path target, Map<String, String> run)
      throws IOException {
    if (!job.options().resume()) {
      return Optional.empty();
    }
    if (job.source().info().files().isEmpty()
        && job.contents().provenance().flatMap(Provenance::inputs).isEmpty()) {
      throw new ConfigurationException(
          job.options().target()
              + ": a live model has no files to tell it from another, so its run cannot be resumed."
              + " Leave resume out, or quantize a file");
    }
    Optional<Path> left = Leftovers.resumable(target);
    if (left.isEmpty()) {
      return Optional.empty();
    }
    Journal.Contents contents = Journal.read(left.get());
    if (contents.run().isEmpty()) {
      // Killed before its first line was written: it has finished nothing.
      return Optional.empty();
    }
    Journal.requireSame(target, contents.run(), run);
    return Optional.of(new Resumption(left.get(), contents));
  }

  /**
   * Compares the inputs of the finished files with those of now.
   *
   * @throws dev.monoquant.OutputException naming the first that differs
   */
  void requireSameInputs(Path target, SortedMap<String, String> now) {
    for (Journal.Entry entry : contents.entries()) {
      for (Map.Entry<String, String> source : entry.sources().entrySet()) {
        String current = now.getOrDefault(source.getKey(), "none");
        if (!current.equals(source.getValue())) {
          String what = "the SHA-256 of input " + source.getKey();
          throw Journal.refusal(target, what, source.getValue(), current);
        }
      }
    }
  }

  /** Whether a file is there, and not by way of a folder that is a link. */
  private static boolean liesIn(Path directory, Path file) throws IOException {
    return file.normalize().startsWith(directory)
        && Files.exists(file, LinkOption.NOFOLLOW_LINKS)
        && Locations.folder(file).toRealPath().startsWith(directory.toRealPath());
  }

  /**
   * Takes the directory over under another name, with nothing in it but the journal and the files
   * that are whole.
   *
   * @param notes where to say what is not
   * @return these files by name
   */
  Map<String, Journal.Entry> moveTo(Path temporary, Disk disk, HashPool pool, List<String> notes)
      throws IOException {
    disk.rename(left, temporary);
    Map<String, Journal.Entry> finished = new HashMap<>();
    Set<Path> keep = new HashSet<>(Set.of(temporary.resolve(Journal.FILE)));
    for (Journal.Entry entry : contents.entries()) {
      Path file = temporary.resolve(entry.shard());
      if (liesIn(temporary, file) && entry.isWhole(file, pool)) {
        finished.put(entry.shard(), entry);
        keep.add(file);
      } else {
        notes.add(
            "made anew: " + entry.shard() + ", which is not as the interrupted run finished it");
      }
    }
    Leftovers.deleteAllBut(temporary, keep);
    return finished;
  }
}
