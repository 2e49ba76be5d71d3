package dev.monoquant.core.reach;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.TileDecoder;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.Tile;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Zero points refined by half-quadratic splitting: the error is shrunk towards sparsity, and the
 * zero point moves to the mean of what then remains, a few times for each group.
 */
final class HalfQuadratic extends ReachScheme {

  static final OptionSpec<Integer> ITERATIONS =
      OptionSpec.integer("iterations", 20, 0, 1000, "Steps of the refinement");
  static final OptionSpec<Double> NORM =
      OptionSpec.number("norm", 0.7, 0.1, 1, "The exponent p of the error's norm");

  private static final int GROUP = 64;

  HalfQuadratic() {
    super("hqq", 4, false, "group:" + GROUP, List.of(ITERATIONS, NORM));
  }

  @Override
  Encoding parts(WeightMatrix rows, OptionValues options) {
    return Encoding.opaque(
        Part.perElement(Part.CODES, ElementType.UINT4),
        Part.perGroup(Part.SCALE, ElementType.FLOAT32, GROUP),
        Part.perGroup(Part.ZERO_POINT, ElementType.FLOAT32, GROUP));
  }

  @Override
  public TileQuantizer begin(
      WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
    return new Worker(options.get(ITERATIONS), options.get(NORM));
  }

  private record Worker(int iterations, double norm) implements TileQuantizer {
    @Override
    public EncodedTile quantize(Tile tile) {
      int cols = tile.cols();
      int across = cells(cols, GROUP);
      byte[] codes = new byte[tile.height() * cols];
      float[] scales = new float[tile.height() * across];
      float[] zeros = new float[scales.length];
      for (int cell = 0; cell < scales.length; cell++) {
        int from = cell / across * cols + cell % across * GROUP;
        int to = Math.min(from + GROUP, (cell / across + 1) * cols);
        float[] x = Arrays.copyOfRange(tile.values(), from, to);
        double min = x[0];
        double max = x[0];
        for (float number : x) {
          min = Math.min(min, number);
          max = Math.max(max, number);
        }
        scales[cell] = scale(max - min, 15);
        zeros[cell] = zeroPoint(x, scales[cell], (float) clamp(-min / scales[cell], 0x1p100));
        for (int i = from; i < to; i++) {
          codes[i] = (byte) code(x[i - from], scales[cell], zeros[cell]);
        }
      }
      return EncodedTile.of(
          tile,
          Map.of(Part.CODES, codes, Part.SCALE, bytes(scales), Part.ZERO_POINT, bytes(zeros)));
    }

    private float zeroPoint(float[] x, float scale, float start) {
      float zero = start;
      double beta = 10;
      for (int step = 0; step < iterations; step++) {
        double sum = 0;
        for (float number : x) {
          int code = code(number, scale, zero);
          double error = number - (code - (double) zero) * scale;
          double shrunk = shrink(error, beta);
          sum += code - (number - shrunk) / scale;
        }
        zero = (float) (sum / x.length);
        beta *= 1.01;
      }
      return Float.isFinite(zero) ? zero : start;
    }

    private double shrink(double error, double beta) {
      double magnitude = Math.abs(error);
      if (magnitude == 0) {
        return 0;
      }
      double less = magnitude - Math.pow(magnitude, norm - 1) / beta;
      return Math.signum(error) * Math.max(0, less);
    }

    private static int code(float x, float scale, float zero) {
      return clamp((long) Math.rint(x / (double) scale + zero), 0, 15);
    }
  }

  @Override
  public Optional<TileDecoder> decoder(WeightMatrix rows, OptionValues options) {
    int cols = Math.toIntExact(rows.columnCount());
    return decoder(
        rows,
        (tile, r, c) -> {
          int cell = r * cells(cols, GROUP) + c / GROUP;
          double zero = floatAt(tile.part(Part.ZERO_POINT), cell);
          return (tile.part(Part.CODES)[r * cols + c] - zero)
              * floatAt(tile.part(Part.SCALE), cell);
        });
  }
}
