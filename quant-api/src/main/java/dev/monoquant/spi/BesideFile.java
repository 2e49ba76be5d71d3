package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

/**
 * A file beside the tensor files of a model or an output, and whether the output has it.
 *
 * @param name its name relative to the directory, with forward slashes
 * @param bytes its size: in the output if the output has it, otherwise where it lies
 * @param fate whether the output has it
 * @param reason why it is left out; empty if it is not
 */
public record BesideFile(String name, long bytes, Fate fate, String reason) {

  /** What becomes of a file. */
  public enum Fate {
    /** Copied from the input byte for byte. */
    CARRIED("carried"),
    /** Written by the output format. */
    MADE("made"),
    /** Not in the output. */
    LEFT_OUT("left-out");

    private final String wire;

    Fate(String wire) {
      this.wire = wire;
    }

    /** {@return the name in reports} */
    public String wire() {
      return wire;
    }
  }

  /**
   * Checks that nothing is null, that the size is not negative, and that an omission has a reason.
   */
  public BesideFile {
    requireNonNull(name, "name");
    requireNonNull(fate, "fate");
    requireNonNull(reason, "reason");
    if (bytes < 0) {
      throw new IllegalArgumentException(name + ": " + bytes + " bytes");
    }
    if (reason.isEmpty() == (fate == Fate.LEFT_OUT)) {
      throw new IllegalArgumentException(name + ": a reason belongs to what is left out");
    }
  }

  /**
   * {@return a file that is copied}
   *
   * @param side the file
   */
  public static BesideFile carried(SideFile side) {
    return new BesideFile(side.name(), side.bytes(), Fate.CARRIED, "");
  }

  /**
   * {@return a file that the output format writes}
   *
   * @param name its name
   * @param bytes its size
   */
  public static BesideFile made(String name, long bytes) {
    return new BesideFile(name, bytes, Fate.MADE, "");
  }

  /**
   * {@return a file that the output does not get}
   *
   * @param side the file
   * @param reason why, such as {@code the output is a single file}
   */
  public static BesideFile leftOut(SideFile side, String reason) {
    return new BesideFile(side.name(), side.bytes(), Fate.LEFT_OUT, reason);
  }
}
