package com.example.descent;

import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.Tile;
import java.util.Map;
import java.util.Optional;

/** Quantizes the rows of one weight, each by itself. */
final class Descent implements TileQuantizer {

  private final Part scalePart;
  private final int group;
  private final int sweeps;
  private final Optional<Inputs> inputs;

  Descent(Part scalePart, int group, int sweeps, Optional<Inputs> inputs) {
    this.scalePart = scalePart;
    this.group = group;
    this.sweeps = sweeps;
    this.inputs = inputs;
  }

  @Override
  public Optional<String> warning() {
    return inputs
        .filter(known -> !known.valid())
        .map(bad -> "it was rounded to nearest: the Gram matrix of its inputs has impossible numbers");
  }

  @Override
  public EncodedTile quantize(Tile tile) {
    float[] x = tile.values();
    int cols = tile.cols();
    int groups = (cols + group - 1) / group;
    float[] scales = new float[tile.height() * groups];
    byte[] codes = new byte[tile.height() * cols];
    double[] error = new double[cols];
    for (int row = 0; row < tile.height(); row++) {
      for (int g = 0; g < groups; g++) {
        int end = Math.min(cols, (g + 1) * group);
        scales[row * groups + g] = scale(x, row * cols + g * group, row * cols + end);
      }
      for (int c = 0; c < cols; c++) {
        float scale = scales[row * groups + c / group];
        int code = clamp(Math.rint(x[row * cols + c] / scale));
        codes[row * cols + c] = (byte) code;
        error[c] = code * (double) scale - x[row * cols + c];
      }
      if (inputs.isPresent() && inputs.get().valid()) {
        descend(inputs.get(), codes, row * cols, scales, row * groups, error);
      }
    }
    return EncodedTile.of(tile, Map.of(Part.CODES, codes, Part.SCALE, scalePart.toBytes(scales)));
  }

  /** A row of zeros has the scale 1, since readers may divide by it. */
  private static float scale(float[] x, int from, int to) {
    float greatest = 0;
    for (int i = from; i < to; i++) {
      greatest = Math.max(greatest, Math.abs(x[i]));
    }
    float scale = greatest / CoordinateDescent.MOST;
    return scale > 0 ? scale : 1;
  }

  private static int clamp(double code) {
    return (int) Math.max(-CoordinateDescent.MOST, Math.min(CoordinateDescent.MOST, code));
  }

  /**
   * With the slope s = G e, moving the error of column c by d changes e G eᵀ by d (2 s_c + d G_cc),
   * which is least at d = -s_c / G_cc.
   */
  private void descend(
      Inputs known, byte[] codes, int at, float[] scales, int scalesAt, double[] error) {
    double[] slope = new double[error.length];
    for (int c = 0; c < error.length; c++) {
      add(slope, known.row(c), error[c]);
    }
    for (int sweep = 0, moved = 1; sweep < sweeps && moved > 0; sweep++) {
      moved = 0;
      for (int c = 0; c < error.length; c++) {
        double square = known.row(c)[c];
        float scale = scales[scalesAt + c / group];
        if (square == 0) {
          continue;
        }
        int code = codes[at + c];
        int better = clamp(Math.rint(code - slope[c] / (square * scale)));
        double by = (better - code) * (double) scale;
        if (better != code && by * (2 * slope[c] + by * square) < 0) {
          codes[at + c] = (byte) better;
          add(slope, known.row(c), by);
          moved++;
        }
      }
    }
  }

  private static void add(double[] slope, float[] row, double factor) {
    for (int i = 0; i < slope.length; i++) {
      slope[i] += row[i] * factor;
    }
  }
}
