package dev.monoquant.schemes;

import dev.monoquant.tile.Tile;

/**
 * Rounds the columns of a tile one after the other, each from its values plus what makes up for the
 * errors of the columns before ({@link InputFactor}). Scales are fixed before.
 *
 * <p>A row is computed by the same operations in the same order whatever the rows beside it, so
 * that codes do not depend on tiles and threads. All of it is FLOAT32, K²/2 multiplications and
 * additions for a row of K columns: errors go to the rest of a block of columns at once, and to the
 * columns after it when the block is done, eight columns in one loop.
 */
final class FeedbackRounding {

  /** Columns whose errors are added together to the columns after them. */
  private static final int BLOCK = 128;

  private static final int TOGETHER = 8;

  /** Columns that errors are added to for all rows before the next ones: 1 MiB of factors. */
  private static final int CHUNK = 2048;

  /** How a scheme rounds values of one column. */
  @FunctionalInterface
  interface Rounder {

    /**
     * Rounds.
     *
     * @param col the column
     * @param v for each row of the tile the value; replaced by the decoded value
     * @param codes receives the codes of the rows
     */
    void round(int col, float[] v, byte[] codes);
  }

  private FeedbackRounding() {}

  /**
   * Rounds a tile.
   *
   * @return the codes, row-major
   */
  static byte[] round(InputFactor factor, Tile tile, Rounder rounder) {
    int cols = tile.cols();
    int height = tile.height();
    byte[] codes = new byte[Math.multiplyExact(height, cols)];
    float[][] made = new float[height][cols];
    float[][] errors = new float[height][Math.min(BLOCK, cols)];
    for (int start = 0; start < cols; start += BLOCK) {
      int end = Math.min(cols, start + BLOCK);
      block(factor, tile, rounder, start, end, made, errors, codes);
      int rest = cols - end;
      for (int from = 0; from < rest; from += CHUNK) {
        int to = Math.min(rest, from + CHUNK);
        for (int row = 0; row < height; row++) {
          spread(factor, start, end, errors[row], made[row], from, to);
        }
      }
    }
    return codes;
  }

  /** Rounds the columns of a block; {@code made} is what is to be made up for, the last first. */
  private static void block(
      InputFactor factor,
      Tile tile,
      Rounder rounder,
      int start,
      int end,
      float[][] made,
      float[][] errors,
      byte[] codes) {
    float[] values = tile.values();
    int cols = tile.cols();
    int height = tile.height();
    float[] v = new float[height];
    byte[] column = new byte[height];
    for (int p = start; p < end; p++) {
      int col = factor.column(p);
      for (int row = 0; row < height; row++) {
        v[row] = values[row * cols + col] + made[row][cols - 1 - p];
      }
      rounder.round(col, v, column);
      float[] feedback = factor.feedback(p);
      for (int row = 0; row < height; row++) {
        int at = row * cols + col;
        codes[at] = column[row];
        float error = values[at] - v[row];
        errors[row][p - start] = error;
        add1(made[row], feedback, error, cols - end, cols - 1 - p);
      }
    }
  }

  /** Adds the errors of a block to the columns after it. */
  private static void spread(
      InputFactor factor, int start, int end, float[] errors, float[] made, int from, int to) {
    int p = start;
    for (; p <= end - TOGETHER; p += TOGETHER) {
      add8(made, factor, p, errors, p - start, from, to);
    }
    for (; p < end; p++) {
      add1(made, factor.feedback(p), errors[p - start], from, to);
    }
  }

  private static void add1(float[] made, float[] feedback, float error, int from, int to) {
    for (int i = from; i < to; i++) {
      made[i] += error * feedback[i];
    }
  }

  private static void add8(
      float[] made, InputFactor factor, int p, float[] errors, int at, int from, int to) {
    float[] a = factor.feedback(p);
    float[] b = factor.feedback(p + 1);
    float[] c = factor.feedback(p + 2);
    float[] d = factor.feedback(p + 3);
    float[] e = factor.feedback(p + 4);
    float[] f = factor.feedback(p + 5);
    float[] g = factor.feedback(p + 6);
    float[] h = factor.feedback(p + 7);
    float ea = errors[at];
    float eb = errors[at + 1];
    float ec = errors[at + 2];
    float ed = errors[at + 3];
    float ee = errors[at + 4];
    float ef = errors[at + 5];
    float eg = errors[at + 6];
    float eh = errors[at + 7];
    for (int i = from; i < to; i++) {
      made[i] +=
          ((ea * a[i] + eb * b[i]) + (ec * c[i] + ed * d[i]))
              + ((ee * e[i] + ef * f[i]) + (eg * g[i] + eh * h[i]));
    }
  }
}
