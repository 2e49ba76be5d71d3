package dev.monoquant.io.gguf;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;

/**
 * The tables of vectors that the codes of the IQ1, IQ2 and IQ3 types of ggml select from. They are
 * facts of the format, found by search and not by a formula; the resource {@code grids.bin} has
 * them one after the other in the order of the constants:
 *
 * <pre>
 * a level of each number, 2 bits (IQ2, IQ1) or 4 bits (IQ3), the first one in the lowest bits
 *
 *           vectors  numbers  bytes   levels
 * IQ2_XXS       256        8    512   8, 25, 43
 * IQ2_XS        512        8   1024   8, 25, 43
 * IQ2_S        1024        8   2048   8, 25, 43
 * IQ3_XXS       256        4    512   4, 12, 20, 28, 36, 44, 52, 62
 * IQ3_S         512        4   1024   1, 3, 5, 7, 9, 11, 13, 15
 * IQ1          2048        8   4096   -1, 0, 1
 * </pre>
 *
 * <p>No table has a vector twice. Immutable.
 *
 * <p>Source: {@code iq2xxs_grid} and its like in {@code ggml/src/ggml-common.h} at commit d99724f,
 * which are also those of {@code gguf/quants.py} of gguf 0.19.
 */
enum Grid {
  /** Of IQ2_XXS. */
  IQ2_XXS(256, 8, 8, 25, 43),
  /** Of IQ2_XS. */
  IQ2_XS(512, 8, 8, 25, 43),
  /** Of IQ2_S. */
  IQ2_S(1024, 8, 8, 25, 43),
  /** Of IQ3_XXS. */
  IQ3_XXS(256, 4, 4, 12, 20, 28, 36, 44, 52, 62),
  /** Of IQ3_S. */
  IQ3_S(512, 4, 1, 3, 5, 7, 9, 11, 13, 15),
  /** Of IQ1_S and IQ1_M. */
  IQ1(2048, 8, -1, 0, 1);

  private static final String RESOURCE = "grids.bin";

  private final int count;
  private final int length;

  @SuppressWarnings("ImmutableEnumChecker") // never written to
  private final int[] levels;

  Grid(int count, int length, int... levels) {
    this.count = count;
    this.length = length;
    this.levels = levels;
  }

  /** The vectors of one table, read when a block of its type is read first. */
  private static final class Table {

    private static final byte[] PACKED = packed();
    private static final Map<Grid, Table> TABLES = new EnumMap<>(Grid.class);

    static {
      int at = 0;
      for (Grid grid : Grid.values()) {
        TABLES.put(grid, new Table(grid, at));
        at += grid.count * grid.length * grid.bits() / Byte.SIZE;
      }
      if (at != PACKED.length) {
        throw new IllegalStateException(RESOURCE + " has " + PACKED.length + " bytes");
      }
    }

    private final byte[] numbers;
    private final Map<Long, Integer> indices = new HashMap<>();

    Table(Grid grid, int at) {
      numbers = new byte[grid.count * grid.length];
      int bits = grid.bits();
      for (int i = 0; i < numbers.length; i++) {
        int level = PACKED[at + i * bits / Byte.SIZE] >> i * bits % Byte.SIZE & (1 << bits) - 1;
        numbers[i] = (byte) grid.levels[level];
      }
      for (int i = 0; i < grid.count; i++) {
        indices.put(key(numbers, i * grid.length, grid.length), i);
      }
    }

    private static byte[] packed() {
      try (InputStream in = Grid.class.getResourceAsStream(RESOURCE)) {
        if (in == null) {
          throw new IllegalStateException("the jar of quant-io lacks " + RESOURCE);
        }
        return in.readAllBytes();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    static long key(byte[] numbers, int at, int length) {
      long key = 0;
      for (int i = at; i < at + length; i++) {
        key = key << Byte.SIZE | (numbers[i] & 0xff);
      }
      return key;
    }
  }

  private int bits() {
    return levels.length > 4 ? 4 : 2;
  }

  private Table table() {
    return requireNonNull(Table.TABLES.get(this));
  }

  /** {@return the numbers of a vector} */
  int length() {
    return length;
  }

  /** {@return the vectors} */
  int count() {
    return count;
  }

  /** {@return the greatest number} */
  int greatest() {
    return levels[levels.length - 1];
  }

  /**
   * Copies a vector.
   *
   * @param index which one
   * @param into receives its numbers
   * @param at from there on
   */
  void get(int index, byte[] into, int at) {
    byte[] numbers = table().numbers;
    for (int i = 0; i < length; i++) {
      into[at + i] = numbers[index * length + i];
    }
  }

  /**
   * {@return the index of a vector; -1 if there is no such vector}
   *
   * @param numbers its numbers
   * @param at from there on
   */
  int find(byte[] numbers, int at) {
    return table().indices.getOrDefault(Table.key(numbers, at, length), -1);
  }
}
