package dev.monoquant.bench;

import dev.monoquant.model.BoundKernels;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Kernels;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.schemes.Int8Scheme;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.TileQuantizer;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/**
 * Quantizes one weight, F32 4096 x 4096, to int8 per channel in memory: in tiles that fit the
 * cache, compared with the same operations on the whole tensor at once, and with a copy of the
 * weight in pieces of the same size.
 *
 * <p>Quantizing starts with the private copy that a scheme gets of every tile. Each thread has a
 * weight of its own: {@code -t 2} is the speed of two.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 4, time = 2)
@Measurement(iterations = 8, time = 2)
@Fork(
    value = 1,
    jvmArgsAppend = {
      "-Dai.djl.offline=true",
      "-Dai.djl.pytorch.num_threads=1",
      "-Xmx2g",
      "--add-modules=jdk.incubator.vector",
      // As the launcher compiles vector kernels.
      "-XX:FreqInlineSize=60",
      "-XX:CompileCommand=quiet",
      "-XX:CompileCommand=CompileThresholdScaling,dev.monoquant.vector.Vector*::*,0.0125",
      "-XX:CompileCommand=inline,dev.monoquant.vector.Lanes::*",
      "-XX:ProfileMaturityPercentage=0"
    })
@State(Scope.Thread)
public class TilePathBenchmark {

  private static final int COLS = 4096;

  /** Rows of a tile; the last one is the whole weight. */
  @Param({"32", "4096"})
  public int tileRows;

  /** Where the arithmetic is done. */
  @Param({"TORCH", "JVM", "VECTOR"})
  public Compute compute = Compute.AUTO;

  private static final int ROWS = 4096;

  private final float[] weight = new float[ROWS * COLS];
  private final float[] copied = new float[ROWS * COLS];
  private float[] handed = new float[0];
  private Kernels kernels = BoundKernels.JVM;
  private final WeightMatrix rows =
      new WeightMatrix(
          "proj",
          LayerKind.LINEAR,
          "weight",
          new TensorInfo("proj.weight", ElementType.FLOAT32, TensorShape.of(ROWS, COLS), ""),
          0);
  private final Scheme scheme = new Int8Scheme();

  /** Fills the weight, and chooses the kernels. */
  @Setup
  public void fill() {
    Random random = new Random(1);
    for (int i = 0; i < weight.length; i++) {
      weight[i] = (float) random.nextGaussian();
    }
    handed = new float[tileRows * COLS];
    kernels =
        compute == Compute.VECTOR
            ? BoundKernels.find(compute.wire()).orElseThrow()
            : BoundKernels.JVM;
  }

  /**
   * Copies the weight, a tile at a time: the reference.
   *
   * @return the target, so that the copy is not optimised away
   */
  @Benchmark
  public float[] copy() {
    for (int row = 0; row < ROWS; row += tileRows) {
      System.arraycopy(weight, row * COLS, copied, row * COLS, tileRows * COLS);
    }
    return copied;
  }

  /**
   * Quantizes the weight.
   *
   * @param result receives the codes
   */
  @Benchmark
  public void quantize(Blackhole result) {
    BoundKernels.with(
        kernels,
        () -> {
          tiles(result);
          return result;
        });
  }

  private void tiles(Blackhole result) {
    OptionValues options = scheme.defaults(rows);
    TileQuantizer quantizer = scheme.begin(rows, options, Facts.NONE, compute);
    for (int row = 0; row < ROWS; row += tileRows) {
      try (CopiedTile tile = new CopiedTile(rows, weight, row, tileRows, handed)) {
        result.consume(quantizer.quantize(tile));
      }
    }
  }
}
