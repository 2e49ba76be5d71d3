package dev.monoquant.tile;

import java.util.HashSet;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Set;

/**
 * The parts that a scheme makes of a weight, known from shapes and options alone, so that the size
 * of an output is known before any number is read.
 *
 * <p>What this type does not do: it says nothing about files. How a part is packed and named in a
 * file is the business of an {@link dev.monoquant.spi.OutputFormat}.
 *
 * @param parts the parts, the codes first by convention
 */
public record Encoding(List<Part> parts) {

  /** Copies the list and checks that names are unique. */
  public Encoding {
    parts = List.copyOf(parts);
    Set<String> names = new HashSet<>();
    for (Part part : parts) {
      if (!names.add(part.name())) {
        throw new IllegalArgumentException("two parts are named " + part.name());
      }
    }
    if (parts.isEmpty()) {
      throw new IllegalArgumentException("an encoding needs at least one part");
    }
  }

  /**
   * {@return an encoding of them}
   *
   * @param parts the parts
   */
  public static Encoding of(Part... parts) {
    return new Encoding(List.of(parts));
  }

  /**
   * {@return that part, or empty}
   *
   * @param name the name of a part
   */
  public Optional<Part> find(String name) {
    return parts.stream().filter(p -> p.name().equals(name)).findFirst();
  }

  /**
   * {@return that part}
   *
   * @param name the name of a part
   * @throws NoSuchElementException if there is none of that name
   */
  public Part part(String name) {
    return find(name)
        .orElseThrow(() -> new NoSuchElementException("no part " + name + " in " + parts));
  }

  /**
   * Every tile but the last of a tensor has a multiple of so many rows, and starts at one.
   *
   * @return the least common multiple of the parts' rows per cell
   */
  public int rowAlignment() {
    int alignment = 1;
    for (Part part : parts) {
      if (part.extent() instanceof Part.Grid grid) {
        int cell = grid.rowsPerCell();
        alignment = Math.multiplyExact(alignment / gcd(alignment, cell), cell);
      }
    }
    return alignment;
  }

  /**
   * The size of all parts with codes packed without gaps along each row.
   *
   * @param rows rows of the weight
   * @param cols columns of the weight
   * @return bytes
   */
  public long packedBytes(long rows, long cols) {
    long sum = 0;
    for (Part part : parts) {
      sum = Math.addExact(sum, part.packedBytes(rows, cols));
    }
    return sum;
  }

  private static int gcd(int a, int b) {
    return b == 0 ? a : gcd(b, a % b);
  }
}
