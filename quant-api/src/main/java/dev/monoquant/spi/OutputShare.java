package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a run does of an output that several runs write together, on one machine or several with a
 * common file system: it begins the output, writes a unit of it, or joins the units.
 *
 * <p>A unit writes whole tensors at their final places in files that all units share, then a record
 * with the hash of each. It may be run again at any time, also twice at the same time: the bytes
 * are the same. The output has its name only after the join.
 */
public sealed interface OutputShare {

  /** {@return the id of the plan, which names the folder that the units share} */
  String plan();

  /** {@return the number of units} */
  int units();

  /**
   * Checks the target and makes the folder that the units share.
   *
   * @param plan the id of the plan: lower-case letters, digits and hyphens
   * @param units the number of units
   */
  record Begin(String plan, int units) implements OutputShare {
    /** Checks the values. */
    public Begin {
      check(plan, units);
    }
  }

  /**
   * Writes a unit.
   *
   * @param plan the id of the plan
   * @param units the number of units
   * @param number the unit, from 0
   * @param inputs the pieces of the input files that this unit hashes, by the names that the
   *     manifest has for them
   */
  record Unit(String plan, int units, int number, SortedMap<String, Pieces> inputs)
      implements OutputShare {
    /** Checks the values and copies the map. */
    public Unit {
      check(plan, units);
      if (number < 0 || number >= units) {
        throw new IllegalArgumentException("unit " + number + " of " + units);
      }
      inputs = Collections.unmodifiableSortedMap(new TreeMap<>(inputs));
    }
  }

  /**
   * Checks all that the units wrote, completes it and puts it in place.
   *
   * @param plan the id of the plan
   * @param units the number of units
   */
  record Join(String plan, int units) implements OutputShare {
    /** Checks the values. */
    public Join {
      check(plan, units);
    }
  }

  /**
   * Consecutive pieces of 64 MiB of a file.
   *
   * @param first the first piece
   * @param count the number of pieces, at least 1
   */
  record Pieces(long first, long count) {
    /** Checks the values. */
    public Pieces {
      if (first < 0 || count < 1) {
        throw new IllegalArgumentException(count + " pieces from " + first);
      }
    }
  }

  private static void check(String plan, int units) {
    if (!requireNonNull(plan, "plan").matches("[a-z0-9-]{1,64}") || units < 1) {
      throw new IllegalArgumentException("plan \"" + plan + "\" of " + units + " units");
    }
  }
}
