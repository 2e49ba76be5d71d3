package com.example.descent;

import dev.monoquant.spi.GramMatrix;

/** The Gram matrix of the inputs of a layer in memory, if it can be one. */
final class Inputs {

  private final float[][] rows;
  private final boolean valid;

  private Inputs(float[][] rows, boolean valid) {
    this.rows = rows;
    this.valid = valid;
  }

  /** Reads a matrix from its file, which may be damaged: its numbers are as they are there. */
  static Inputs read(GramMatrix gram) {
    float[][] rows = new float[gram.size()][gram.size()];
    boolean valid = true;
    for (int i = 0; i < rows.length; i++) {
      gram.readRow(i, rows[i]);
      for (float value : rows[i]) {
        valid &= Float.isFinite(value);
      }
      valid &= rows[i][i] >= 0;
    }
    return new Inputs(rows, valid);
  }

  /** Whether all numbers are finite, and no mean square is negative. */
  boolean valid() {
    return valid;
  }

  float[] row(int column) {
    return rows[column];
  }
}
