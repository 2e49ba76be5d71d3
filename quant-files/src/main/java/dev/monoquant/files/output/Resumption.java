package dev.monoquant.files.output;

import dev.monoquant.ConfigurationException;
import dev.monoquant.files.input.Locations;
import dev.monoquant.files.manifest.HashKind;
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
 * A killed run that another run resumes.
 *
 * @param left its temporary directory
 * @param contents the contents of its journal
 */
record Resumption(Path left, Journal.Contents contents) {

  /**
   * Finds the run that a job resumes.
   *
   * @param run the identity of this run, without its inputs
   * @return the run; empty if the job does not resume, or no run is found, or it had not begun
   * @throws ConfigurationException if the source has no files
   * @throws dev.monoquant.OutputException if the run found differs from this one
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
    if (HashKind.ofOutputs(job.contents()) == HashKind.NONE) {
      throw new ConfigurationException(
          job.options().target()
              + ": a run without hashes cannot be resumed, since finished files are recognised by"
              + " their hashes. Leave out --resume or --hash none");
    }
    Optional<Path> left = Leftovers.resumable(target);
    if (left.isEmpty()) {
      return Optional.empty();
    }
    Journal.Contents contents = Journal.read(left.get());
    if (contents.run().isEmpty()) {
      // Killed before its first line was written: no file is finished.
      return Optional.empty();
    }
    Journal.requireSame(target, contents.run(), run);
    return Optional.of(new Resumption(left.get(), contents));
  }

  /**
   * Compares the inputs of the finished files with the current inputs.
   *
   * @throws dev.monoquant.OutputException naming the first that differs
   */
  void requireSameInputs(Path target, SortedMap<String, String> now) {
    for (Journal.Entry entry : contents.entries()) {
      for (Map.Entry<String, String> source : entry.sources().entrySet()) {
        String current = now.getOrDefault(source.getKey(), "none");
        if (!current.equals(source.getValue())) {
          String what = "the hash of input " + source.getKey();
          throw Journal.refusal(target, what, source.getValue(), current);
        }
      }
    }
  }

  /** Whether a file exists, and no folder on its path is a link. */
  private static boolean liesIn(Path directory, Path file) throws IOException {
    return file.normalize().startsWith(directory)
        && Files.exists(file, LinkOption.NOFOLLOW_LINKS)
        && Locations.folder(file).toRealPath().startsWith(directory.toRealPath());
  }

  /**
   * Renames the directory, and removes all of its contents except the journal and the files that
   * match it.
   *
   * @param notes receives a note on each file that does not match
   * @return the matching files by name
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
