package dev.monoquant.files.output;

import static dev.monoquant.QuantException.quote;
import static java.util.Objects.requireNonNull;

import dev.monoquant.ConfigurationException;
import dev.monoquant.ModelFormatException;
import dev.monoquant.OutputException;
import dev.monoquant.ValidationException;
import dev.monoquant.files.manifest.HashKind;
import dev.monoquant.files.manifest.HashPool;
import dev.monoquant.files.manifest.Manifest;
import dev.monoquant.files.manifest.PieceHashes;
import dev.monoquant.files.output.Journal.Hashed;
import dev.monoquant.spi.OutputShare;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;

/**
 * The folder that the units of an output share, beside the target:
 *
 * <pre>
 * .NAME.quant-parts-PLAN/
 *   data.tmp                    the file, or the directory with its tensor files, at full size
 *   unit-0.json, unit-1.json    a {@link UnitRecord} of each unit that is complete
 * </pre>
 *
 * <p>Units write at places of their own, so that no lock is needed; a unit that runs twice writes
 * the same bytes. A record gets its name by an atomic rename after the bytes are flushed, and the
 * join reads every byte again and compares it with the hash in the record. Times of files are never
 * compared with a clock. The folder is made when an output is planned and removed by the join: a
 * unit that comes later finds no folder and is refused.
 */
final class SharedOutput {

  private final Path target;
  private final UnitPlaces places;
  private final Path folder;
  private final OutputShare share;
  private final boolean sync;
  private final Disk disk;
  private final OutputMode mode;
  private final Map<String, Part> files = new LinkedHashMap<>();
  private final Map<String, PieceHashes> pieces = new LinkedHashMap<>();
  private final SortedMap<String, String> remarks = Manifest.sorted();

  /** The records of the units that are joined, or of the unit that is written again. */
  private final List<UnitRecord> records = new ArrayList<>();

  private final Map<String, String> finished = new ConcurrentHashMap<>();
  private boolean whole;

  private SharedOutput(Path target, OutputShare share, boolean sync, Disk disk, OutputMode mode) {
    this.target = target;
    this.share = share;
    this.sync = sync;
    this.disk = disk;
    this.mode = mode;
    this.places = UnitPlaces.of(target, share.plan());
    this.folder = places.folder();
  }

  /** {@return the folder that the units of an output share} */
  static Path folder(Path target, OutputShare share) {
    return UnitPlaces.of(target, share.plan()).folder();
  }

  /** Refuses a share of an output that is not begun, or that is joined already. */
  static void requireFolder(Path target, OutputShare share) {
    if (!Files.isDirectory(folder(target, share), LinkOption.NOFOLLOW_LINKS)) {
      throw gone(target, share);
    }
    requireNoLink(UnitPlaces.of(target, share.plan()).data());
  }

  /** Refuses data that is elsewhere, where units would write over what is there. */
  private static void requireNoLink(Path data) {
    if (Files.isSymbolicLink(data)) {
      throw new OutputException(
          data + ": is a link, and units write to no link. Remove its folder, and plan again");
    }
  }

  /**
   * Opens the folder.
   *
   * @param directory whether the output is a directory
   * @param mode the modes of new files
   * @throws OutputException if it is not there, or, for a join, units are missing
   */
  static SharedOutput open(
      OutputJob job, Path target, boolean directory, Disk disk, OutputMode mode, HashPool pool)
      throws IOException {
    OutputShare share = job.options().share().orElseThrow();
    if (HashKind.ofOutputs(job.contents()) == HashKind.NONE) {
      throw new ConfigurationException(
          job.options().target()
              + ": units without hashes cannot be joined. Leave out --hash none");
    }
    SharedOutput shared = new SharedOutput(target, share, job.options().sync(), disk, mode);
    if (share instanceof OutputShare.Begin) {
      shared.make(directory);
    } else if (share instanceof OutputShare.Unit unit) {
      shared.begin(unit, job, pool);
    } else if (share instanceof OutputShare.Join) {
      shared.collect();
    }
    return shared;
  }

  /** {@return the exception for a folder that is not there} */
  OutputException gone() {
    return gone(target, share);
  }

  private static OutputException gone(Path target, OutputShare share) {
    return new OutputException(
        target
            + ": there is no folder "
            + folder(target, share).getFileName()
            + " for the units of this plan. Either the units were joined already, or the folder was"
            + " removed: then plan again");
  }

  private void make(boolean directory) throws IOException {
    try {
      Files.createDirectory(folder, mode.ofDirectory());
    } catch (FileAlreadyExistsException planned) {
      // The same plan made it; what its units wrote stays.
    }
    requireNoLink(data());
    if (directory && !Files.isDirectory(data())) {
      Files.createDirectory(data(), mode.ofDirectory());
    }
  }

  private void begin(OutputShare.Unit unit, OutputJob job, HashPool pool) throws IOException {
    Optional<UnitRecord> earlier = read(unit.number());
    if (earlier.isPresent() && isWhole(earlier.get(), pool)) {
      records.add(earlier.get());
      whole = true;
      finished.putAll(earlier.get().remarks());
      return;
    }
    List<Path> paths = job.source().info().files();
    List<String> inputs = Manifest.inputNames(job.contents(), paths);
    for (int i = 0; i < paths.size(); i++) {
      OutputShare.Pieces run = unit.inputs().get(inputs.get(i));
      if (run != null) {
        HashKind kind = HashKind.ofInputs(job.contents());
        pieces.put(
            inputs.get(i), new PieceHashes(pool, kind, paths.get(i), run.first(), run.count()));
      }
    }
  }

  /** Whether every byte of a record is as the unit wrote it. */
  private boolean isWhole(UnitRecord record, HashPool pool) throws IOException {
    for (Map.Entry<String, SortedMap<String, Hashed>> file : record.files().entrySet()) {
      Path path = path(file.getKey());
      if (!Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)) {
        return false;
      }
      try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
        Map<Hashed, Future<String>> hashes = new LinkedHashMap<>();
        for (Hashed region : file.getValue().values()) {
          if (region.start() + region.bytes() > channel.size()) {
            return false;
          }
          hashes.put(
              region, pool.submit(HashKind.PIECES, channel::read, region.start(), region.bytes()));
        }
        boolean same = true;
        for (Map.Entry<Hashed, Future<String>> hash : hashes.entrySet()) {
          same &= HashPool.await(hash.getValue()).equals(hash.getKey().hash());
        }
        if (!same) {
          return false;
        }
      }
    }
    return true;
  }

  /** Reads the records of all units. */
  private void collect() throws IOException {
    List<String> missing = new ArrayList<>();
    for (int unit = 0; unit < share.units(); unit++) {
      Optional<UnitRecord> record = read(unit);
      record.ifPresent(records::add);
      if (record.isEmpty()) {
        missing.add(String.valueOf(unit));
      }
    }
    if (!missing.isEmpty()) {
      int more = missing.size() - 8;
      throw new OutputException(
          target
              + ": units that are not complete: "
              + String.join(", ", missing.subList(0, Math.min(8, missing.size())))
              + (more > 0 ? " and " + more + " more" : "")
              + " of "
              + share.units()
              + ". Run them, then join again");
    }
    for (UnitRecord record : records) {
      requireLong(record);
      finished.putAll(record.remarks());
    }
  }

  /** Refuses files that end before what a unit wrote, as those that were copied in part. */
  private void requireLong(UnitRecord record) throws IOException {
    for (Map.Entry<String, SortedMap<String, Hashed>> file : record.files().entrySet()) {
      Path path = path(file.getKey());
      boolean isFile = Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS);
      long size = isFile ? Files.size(path) : 0;
      for (Hashed region : file.getValue().values()) {
        long end = region.start() + region.bytes();
        if (!isFile || end > size) {
          throw new ValidationException(
              path
                  + (isFile ? ": has " + size + " bytes" : ": is missing")
                  + ", and unit "
                  + record.unit()
                  + " wrote "
                  + end
                  + ". Run that unit again, then join again");
        }
      }
    }
  }

  /** The record of a unit; empty if there is none that can be read. */
  private Optional<UnitRecord> read(int unit) throws IOException {
    Path file = record(unit);
    try {
      UnitRecord record = UnitRecord.parse(Files.readAllBytes(file), file.toString());
      return Optional.of(record)
          .filter(r -> r.plan().equals(share.plan()) && r.unit() == unit)
          .filter(r -> r.files().keySet().stream().allMatch(this::isWithin));
    } catch (NoSuchFileException notYet) {
      return Optional.empty();
    } catch (ModelFormatException damaged) {
      return Optional.empty();
    }
  }

  private boolean isWithin(String name) {
    Path path = path(name).normalize();
    return name.isEmpty() || (path.startsWith(data()) && !path.equals(data()));
  }

  private Path record(int unit) {
    return places.record(unit);
  }

  /** {@return the file, or the directory of the files, that the units write} */
  Path data() {
    return places.data();
  }

  private Path path(String name) {
    return places.file(name);
  }

  /** {@return whether only a part is written, which is no output yet} */
  boolean isPart() {
    return !(share instanceof OutputShare.Join);
  }

  /** {@return whether the output is begun} */
  boolean isBegun() {
    return !(share instanceof OutputShare.Begin);
  }

  /**
   * {@return the regions of a file that the units of a join wrote}
   *
   * @param name its name; empty if the output is a file
   */
  Map<String, Hashed> joined(String name) {
    Map<String, Hashed> all = new TreeMap<>();
    if (!isPart()) {
      records.forEach(record -> all.putAll(record.files().getOrDefault(name, Manifest.sorted())));
    }
    return all;
  }

  /** {@return the remark on a weight, if all units are joined or the unit was complete before} */
  Optional<String> finished(String weight) {
    return whole || !isPart() ? Optional.of(finished.getOrDefault(weight, "")) : Optional.empty();
  }

  synchronized void remark(String weight, String text) {
    remarks.put(weight, text);
  }

  /** A file of which a unit writes regions. */
  @FunctionalInterface
  interface Part {

    /**
     * Flushes what the unit wrote, and reads it again.
     *
     * @return the regions that it wrote, with their hashes
     */
    SortedMap<String, Hashed> store() throws IOException;
  }

  /**
   * Adds a file of the output.
   *
   * @param name its name; empty if the output is a file
   */
  synchronized void add(String name, Part file) {
    files.put(name, file);
  }

  /**
   * {@return the hashes of the inputs, from the pieces that the units hashed}
   *
   * @throws ValidationException if pieces are missing
   */
  SortedMap<String, String> inputs(OutputJob job) throws IOException {
    SortedMap<String, String> hashes = Manifest.sorted();
    List<Path> paths = job.source().info().files();
    List<String> inputs = Manifest.inputNames(job.contents(), paths);
    for (int i = 0; i < paths.size(); i++) {
      String name = inputs.get(i);
      SortedMap<Long, String> all = new TreeMap<>();
      for (UnitRecord record : records) {
        UnitRecord.Pieces run = record.inputs().get(name);
        for (int k = 0; run != null && k < run.hashes().size(); k++) {
          all.put(run.first() + k, run.hashes().get(k));
        }
      }
      long size = Files.size(paths.get(i));
      if (all.size() != PieceHashes.count(size)) {
        throw new ValidationException(
            paths.get(i)
                + ": has "
                + PieceHashes.count(size)
                + " pieces of 64 MiB, and the units hashed "
                + all.size()
                + ". It changed after it was planned; plan again");
      }
      HashKind kind = HashKind.ofInputs(job.contents());
      hashes.put(name, PieceHashes.join(kind, List.copyOf(all.values()), size));
    }
    return hashes;
  }

  /** Refuses a join in which a region has other bytes than its unit wrote. */
  void requireSame(String region, Hashed written, String hash) {
    if (!written.hash().equals(hash)) {
      String unit =
          records.stream()
              .filter(r -> r.files().values().stream().anyMatch(f -> f.containsKey(region)))
              .map(r -> String.valueOf(r.unit()))
              .findFirst()
              .orElse("");
      throw new ValidationException(
          target
              + ": "
              + quote(region)
              + " is not what unit "
              + unit
              + " wrote. Run that unit again, then join");
    }
  }

  /** Completes the unit: waits for all hashes, flushes, reads back, and stores the record. */
  void store() throws IOException {
    if (whole || !(share instanceof OutputShare.Unit unit)) {
      return;
    }
    SortedMap<String, SortedMap<String, Hashed>> written = Manifest.sorted();
    for (Map.Entry<String, Part> file : files.entrySet()) {
      SortedMap<String, Hashed> regions = file.getValue().store();
      if (!regions.isEmpty()) {
        written.put(file.getKey(), regions);
      }
    }
    SortedMap<String, UnitRecord.Pieces> inputs = Manifest.sorted();
    for (Map.Entry<String, PieceHashes> run : pieces.entrySet()) {
      long first = requireNonNull(unit.inputs().get(run.getKey())).first();
      inputs.put(run.getKey(), new UnitRecord.Pieces(first, run.getValue().await()));
    }
    UnitRecord record = new UnitRecord(share.plan(), unit.number(), written, inputs, remarks);
    Path temporary =
        folder.resolve(
            String.format(
                "unit-%d-%016x.tmp", unit.number(), ThreadLocalRandom.current().nextLong()));
    try {
      byte[] bytes = record.toBytes();
      try (StagedFile file = new StagedFile(temporary, target, bytes.length, sync, disk, mode)) {
        file.write(0, ByteBuffer.wrap(bytes));
        file.seal();
      }
      disk.rename(temporary, record(unit.number()));
    } catch (NoSuchFileException e) {
      throw gone();
    } finally {
      Files.deleteIfExists(temporary);
    }
    if (sync) {
      disk.syncDirectory(folder);
    }
  }

  /** Removes the folder after a join. */
  void remove() throws IOException {
    Leftovers.deleteTree(folder);
  }
}
