package dev.monoquant.core.split;

import static java.util.Objects.requireNonNull;

import dev.monoquant.ConfigurationException;
import dev.monoquant.files.json.JsonText;
import dev.monoquant.spi.Hashing;
import dev.monoquant.spi.OutputShare;
import dev.monoquant.spi.ReadChoices;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * How the units of an output are written, on one machine or several: a value that is written to a
 * file, copied to each machine and read there. Made from the headers of the input; each unit makes
 * the same plan anew and refuses to run if anything differs.
 *
 * <p>Units divide whole tensors. Layers whose weights share a range, such as q, k and v in NVFP4,
 * are in one unit, so that no unit needs numbers that another one computes.
 *
 * @param input what is read
 * @param output what is written
 * @param identity texts that a unit computes anew and compares: versions, plugins, configuration,
 *     the places of all tensors in the output
 * @param files the tensor files of the output with their sizes; the name of a single file is empty
 * @param units the units, the number of each is its place
 */
public record SplitPlan(
    Input input,
    Target output,
    SortedMap<String, String> identity,
    SortedMap<String, Long> files,
    List<Unit> units) {

  /**
   * The input, and how it is read.
   *
   * @param path the file or directory, as the user named it
   * @param choices what to take from it
   * @param format the id of its format; empty if it is detected
   * @param options options for input formats
   * @param requantize whether it is quantized already, and decoded first
   * @param files its files by name, with size and time, such as {@code 4096 bytes,
   *     2026-11-30T02:00:00Z}
   */
  public record Input(
      String path,
      ReadChoices choices,
      Optional<String> format,
      SortedMap<String, String> options,
      boolean requantize,
      SortedMap<String, String> files) {
    /** Copies the maps. */
    public Input {
      requireNonNull(path, "path");
      requireNonNull(choices, "choices");
      requireNonNull(format, "format");
      options = copy(options);
      files = copy(files);
    }
  }

  /**
   * The output.
   *
   * @param path the file or directory, as the user named it
   * @param overwrite whether an existing output is replaced by the join
   * @param hashing what the manifest records
   * @param recipe the configuration, a recipe in JSON
   */
  public record Target(String path, boolean overwrite, Hashing hashing, String recipe) {
    /** Checks that nothing is null. */
    public Target {
      requireNonNull(path, "path");
      requireNonNull(hashing, "hashing");
      requireNonNull(recipe, "recipe");
    }
  }

  /**
   * Consecutive bytes of a file.
   *
   * @param offset the first byte
   * @param length the number of bytes
   */
  public record Range(long offset, long length) {}

  /**
   * A part of the work.
   *
   * @param tensors the names of its weights and unquantized tensors
   * @param read the bytes of them in the input
   * @param written the bytes of them in the output
   * @param ranges where it writes, by file of the output
   * @param hashes the pieces of 64 MiB that it hashes, by file of the input
   */
  public record Unit(
      List<String> tensors,
      long read,
      long written,
      SortedMap<String, List<Range>> ranges,
      SortedMap<String, OutputShare.Pieces> hashes) {
    /** Copies the collections. */
    public Unit {
      tensors = List.copyOf(tensors);
      ranges = copy(ranges);
      hashes = copy(hashes);
    }
  }

  /** Copies the collections. */
  public SplitPlan {
    requireNonNull(input, "input");
    requireNonNull(output, "output");
    identity = copy(identity);
    files = copy(files);
    units = List.copyOf(units);
    if (units.isEmpty()) {
      throw new IllegalArgumentException("a plan has units");
    }
  }

  private static <V> SortedMap<String, V> copy(Map<String, V> map) {
    SortedMap<String, V> sorted = new TreeMap<>(JsonText.BY_CODE_POINT);
    sorted.putAll(map);
    return Collections.unmodifiableSortedMap(sorted);
  }

  /**
   * {@return the same plan for an output in another folder, such as on a disk of its own for each
   * machine}
   *
   * @param target the output; its name has to be that of the plan
   */
  public SplitPlan withTarget(Path target) {
    if (!String.valueOf(target.getFileName()).equals(name())) {
      throw new IllegalArgumentException(target + " has another name than " + name());
    }
    Target moved =
        new Target(target.toString(), output.overwrite(), output.hashing(), output.recipe());
    return new SplitPlan(input, moved, identity, files, units);
  }

  /** {@return the name of the output, without its folder} */
  public String name() {
    return String.valueOf(target().getFileName());
  }

  /** {@return the path of the output} */
  public Path target() {
    return Path.of(output.path());
  }

  /** {@return the bytes of all tensor files of the output} */
  public long bytes() {
    return files.values().stream().mapToLong(Long::longValue).sum();
  }

  /**
   * {@return a unit}
   *
   * @param number its number, from 0
   * @throws ConfigurationException if there is no such unit
   */
  public Unit unit(int number) {
    if (number < 0 || number >= units.size()) {
      throw new ConfigurationException(
          "unit "
              + number
              + ": the plan has units 0 to "
              + (units.size() - 1)
              + ". Give one of them: --unit 0");
    }
    return units.get(number);
  }
}
