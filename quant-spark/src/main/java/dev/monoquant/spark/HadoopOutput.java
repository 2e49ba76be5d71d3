package dev.monoquant.spark;

import dev.monoquant.OutputException;
import dev.monoquant.core.split.SplitPlan;
import dev.monoquant.core.split.SplitPlanJson;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * An output on a file system of Hadoop, and beside it the folder for what units wrote:
 *
 * <pre>
 * .NAME.quant-parts-PLAN/
 *   unit-0, unit-1      a {@link UnitParcel} of each unit that is complete
 *   unit-0-ATTEMPT      one that is being written
 *   output-ATTEMPT      the output while it is written
 *   replaced-ATTEMPT    the output that was there before, until the new one has its name
 * </pre>
 *
 * <p>A parcel gets its name by a rename after all of its bytes; the first attempt wins, and others
 * have the same bytes. Names of attempts are never the same.
 */
final class HadoopOutput {

  private final FileSystem files;
  private final Path target;
  private final Path folder;

  private HadoopOutput(FileSystem files, Path target, Path folder) {
    this.files = files;
    this.target = target;
    this.folder = folder;
  }

  static HadoopOutput of(String address, SplitPlan plan, Configuration configuration)
      throws IOException {
    Path target = new Path(address);
    Path parent = target.getParent();
    if (parent == null) {
      throw new OutputException(
          address + ": is the root of a file system. Name a file or a directory in it");
    }
    String name = "." + plan.name() + ".quant-parts-" + SplitPlanJson.id(plan);
    return new HadoopOutput(target.getFileSystem(configuration), target, new Path(parent, name));
  }

  /** Refuses an output that exists, unless the plan says that it is replaced. */
  void requireFree(SplitPlan plan) throws IOException {
    if (!plan.output().overwrite() && files.exists(target)) {
      throw new OutputException(
          target + ": exists. Name another output, or plan again with --force (overwrite)");
    }
  }

  private Path parcel(int unit) {
    return new Path(folder, "unit-" + unit);
  }

  boolean has(int unit) throws IOException {
    return files.exists(parcel(unit));
  }

  /** Sends what a unit wrote on this machine. */
  void send(UnitParcel parcel) throws IOException {
    Path attempt = new Path(folder, "unit-" + parcel.unit() + "-" + UUID.randomUUID());
    files.mkdirs(folder);
    try {
      try (OutputStream out = files.create(attempt, false)) {
        parcel.write(out);
      }
      rename(attempt, parcel(parcel.unit()));
    } finally {
      files.delete(attempt, false);
    }
  }

  /** File systems say in two ways that a name is taken; then another attempt was first. */
  private void rename(Path attempt, Path name) throws IOException {
    boolean renamed;
    try {
      renamed = files.rename(attempt, name);
    } catch (IOException e) {
      renamed = false;
      if (!files.exists(name)) {
        throw e;
      }
    }
    if (!renamed && !files.exists(name)) {
      throw new IOException(attempt + " could not be renamed to " + name);
    }
  }

  /** Fetches what a unit wrote. What was damaged on its way, or there, is removed. */
  void fetch(UnitParcel parcel) throws IOException {
    Path name = parcel(parcel.unit());
    try (InputStream in = files.open(name)) {
      parcel.read(in, name.toString());
    } catch (FileNotFoundException e) {
      throw new OutputException(
          name + ": is gone since the unit was written. Run again, which writes it again", e);
    } catch (OutputException damaged) {
      files.delete(name, false);
      throw damaged;
    }
  }

  /** Puts a joined output in its place: tensors first, index, configuration and manifest last. */
  void place(SplitPlan plan) throws IOException {
    Path attempt = new Path(folder, "output-" + UUID.randomUUID());
    try {
      copy(plan, attempt);
      requireFree(plan);
      replace(attempt);
    } finally {
      files.delete(attempt, true);
    }
    files.delete(folder, true);
  }

  private void copy(SplitPlan plan, Path attempt) throws IOException {
    java.nio.file.Path local = plan.target();
    try (Stream<java.nio.file.Path> walk = Files.walk(local)) {
      List<java.nio.file.Path> all =
          walk.filter(Files::isRegularFile)
              .sorted(
                  Comparator.comparing((java.nio.file.Path p) -> !isTensors(plan, local, p))
                      .thenComparing(Comparator.naturalOrder()))
              .toList();
      for (java.nio.file.Path file : all) {
        Path to = file.equals(local) ? attempt : new Path(attempt, relative(local, file));
        try (OutputStream out = files.create(to, false)) {
          Files.copy(file, out);
        }
      }
    }
  }

  /** Puts what was there before aside, and back if the output cannot have its name. */
  private void replace(Path attempt) throws IOException {
    Path replaced = new Path(folder, "replaced-" + UUID.randomUUID());
    boolean aside = files.exists(target);
    if (aside && !files.rename(target, replaced)) {
      throw new IOException(target + " could not be renamed to " + replaced);
    }
    try {
      take(attempt);
    } catch (IOException | RuntimeException e) {
      if (aside && !restored(replaced, e)) {
        throw new IOException(e + "; the output that was there before is " + replaced, e);
      }
      throw e;
    }
  }

  /** Gives the output its name. A rename to a folder that is there moves into it. */
  private void take(Path attempt) throws IOException {
    if (!files.rename(attempt, target)) {
      throw new IOException(attempt + " could not be renamed to " + target);
    }
    Path within = new Path(target, attempt.getName());
    if (files.exists(within)) {
      files.delete(within, true);
      throw new IOException(target + " was made by another program meanwhile");
    }
  }

  private boolean restored(Path replaced, Exception failure) {
    try {
      return !files.exists(target) && files.rename(replaced, target);
    } catch (IOException e) {
      failure.addSuppressed(e);
      return false;
    }
  }

  private static boolean isTensors(
      SplitPlan plan, java.nio.file.Path local, java.nio.file.Path file) {
    return plan.files().containsKey(file.equals(local) ? "" : relative(local, file));
  }

  private static String relative(java.nio.file.Path local, java.nio.file.Path file) {
    return local.relativize(file).toString().replace('\\', '/');
  }
}
