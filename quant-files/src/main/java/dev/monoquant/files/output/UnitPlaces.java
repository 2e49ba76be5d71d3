package dev.monoquant.files.output;

import java.nio.file.Path;

/**
 * Where units write, for programs that move what a unit wrote from one machine to another.
 *
 * @param folder the folder beside the target that the units share
 */
public record UnitPlaces(Path folder) {

  private static final String DATA = "data.tmp";

  /**
   * {@return the places of an output}
   *
   * @param target the output
   * @param plan the id of its plan
   */
  public static UnitPlaces of(Path target, String plan) {
    return new UnitPlaces(
        target.resolveSibling("." + target.getFileName() + ".quant-parts-" + plan));
  }

  /**
   * {@return a file that units write}
   *
   * @param name its name relative to the output; empty if the output is a file
   */
  public Path file(String name) {
    return name.isEmpty() ? data() : data().resolve(name);
  }

  /**
   * {@return the record of a unit; the unit is complete once it exists}
   *
   * @param unit the number of the unit
   */
  public Path record(int unit) {
    return folder.resolve("unit-" + unit + ".json");
  }

  /** {@return the file, or the directory of the files, that the units write} */
  Path data() {
    return folder.resolve(DATA);
  }
}
