package dev.monoquant.bench;

import dev.monoquant.layout.Packing;
import dev.monoquant.layout.TensorPerPart;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.BoundKernels;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Kernels;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.schemes.Fp8Scheme;
import dev.monoquant.schemes.Int4Scheme;
import dev.monoquant.schemes.Int8Scheme;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Fit;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.TileDecoder;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Tile;
import java.io.IOException;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/**
 * The steps that one tile goes through, each by itself, beside a plain copy of its floats: widening
 * of BFLOAT16, quantizing, packing, decoding, and the statistics of errors. The tile has the usual
 * size, and stays in the second-level cache.
 *
 * <p>The unit is nanoseconds for each number.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 1,
    jvmArgsAppend = {"-Dai.djl.offline=true", "--add-modules=jdk.incubator.vector"})
@State(Scope.Thread)
public class TileStepsBenchmark {

  private static final int ROWS = 32;
  private static final int COLS = 4096;
  private static final int NUMBERS = ROWS * COLS;

  /** The scheme with its default options: int8 has a scale for a row, int4 for a group. */
  @Param({"int8", "int4", "fp8"})
  public String scheme = "int8";

  /** The kernels. */
  @Param({"jvm", "vector"})
  public String kernels = "jvm";

  private final float[] values = new float[NUMBERS];
  private final float[] handed = new float[NUMBERS];
  private final float[] decoded = new float[NUMBERS];
  private final short[] bits = new short[NUMBERS];
  private final WeightMatrix matrix =
      new WeightMatrix(
          "proj",
          LayerKind.LINEAR,
          "weight",
          new TensorInfo("proj.weight", ElementType.FLOAT32, TensorShape.of(ROWS, COLS), ""),
          0);

  private Work work = new Work(new Int8Scheme(), matrix, BoundKernels.JVM);

  /**
   * What a scheme makes of the weight.
   *
   * @param bound the kernels to use
   * @param quantizer quantizes tiles
   * @param decoder decodes them
   * @param layout packs them
   */
  private record Work(
      Kernels bound, TileQuantizer quantizer, TileDecoder decoder, WeightLayout layout) {

    Work(Scheme scheme, WeightMatrix matrix, Kernels bound) {
      this(scheme, scheme.defaults(matrix), matrix, bound);
    }

    private Work(Scheme scheme, OptionValues options, WeightMatrix matrix, Kernels bound) {
      this(scheme, options, matrix, encoding(scheme, options, matrix), bound);
    }

    private Work(
        Scheme scheme,
        OptionValues options,
        WeightMatrix matrix,
        Encoding encoding,
        Kernels bound) {
      this(
          bound,
          scheme.begin(matrix, options, Facts.NONE, Compute.AUTO),
          scheme.decoderOf(new EncodedWeight(matrix, scheme.id(), options, encoding)),
          new TensorPerPart(
              matrix, encoding, part -> new TensorPerPart.Storage(part.name(), Packing.BITS)));
    }

    private static Encoding encoding(Scheme scheme, OptionValues options, WeightMatrix matrix) {
      if (scheme.fit(matrix, options) instanceof Fit.Fits fits) {
        return fits.encoding();
      }
      throw new IllegalStateException(scheme.id() + " does not fit " + matrix);
    }
  }

  private EncodedTile coded = new EncodedTile(0, 0, Map.of());

  /** Fills the tile and quantizes it. */
  @Setup
  public void fill() {
    Random random = new Random(1);
    for (int i = 0; i < NUMBERS; i++) {
      bits[i] = (short) (Float.floatToRawIntBits((float) random.nextGaussian()) >>> 16);
    }
    BoundKernels.JVM.widenBFloat16(bits, NUMBERS, values, 0);
    Scheme chosen =
        switch (scheme) {
          case "int8" -> new Int8Scheme();
          case "int4" -> new Int4Scheme();
          case "fp8" -> new Fp8Scheme();
          default -> throw new IllegalArgumentException("no scheme " + scheme);
        };
    work = new Work(chosen, matrix, BoundKernels.find(kernels).orElseThrow());
    coded = quantize();
  }

  /**
   * Copies the floats: the reference.
   *
   * @return the target, so that the copy is not optimised away
   */
  @Benchmark
  @OperationsPerInvocation(NUMBERS)
  public float[] copy() {
    System.arraycopy(values, 0, decoded, 0, NUMBERS);
    return decoded;
  }

  /**
   * Widens BFLOAT16.
   *
   * @return the floats
   */
  @Benchmark
  @OperationsPerInvocation(NUMBERS)
  public float[] widen() {
    work.bound().now().widenBFloat16(bits, NUMBERS, decoded, 0);
    return decoded;
  }

  /**
   * Quantizes the tile: a copy for the scheme, ranges, scales and codes.
   *
   * @return the codes and scales
   */
  @Benchmark
  @OperationsPerInvocation(NUMBERS)
  public EncodedTile quantize() {
    Tile whole = new CopiedTile(matrix, values, 0, ROWS, handed);
    return BoundKernels.with(work.bound(), () -> work.quantizer().quantize(whole));
  }

  /**
   * Packs the parts of the tile as they are stored.
   *
   * @param stored receives the bytes
   * @throws IOException never
   */
  @Benchmark
  @OperationsPerInvocation(NUMBERS)
  public void pack(Blackhole stored) throws IOException {
    work.layout().writer((tensor, offset, data) -> stored.consume(data)).writeTile(coded);
  }

  /**
   * Decodes the tile.
   *
   * @return the floats
   */
  @Benchmark
  @OperationsPerInvocation(NUMBERS)
  public float[] decode() {
    return BoundKernels.with(
        work.bound(),
        () -> {
          work.decoder().decode(coded, decoded);
          return decoded;
        });
  }

  /**
   * Sums the errors of the rows.
   *
   * @param sum receives the greatest error of each row
   * @return the sums
   */
  @Benchmark
  @OperationsPerInvocation(NUMBERS)
  public double[] statistics(Blackhole sum) {
    double[] sums = new double[3];
    Kernels now = work.bound().now();
    for (int row = 0; row < ROWS; row++) {
      sum.consume(now.errors(values, decoded, row * COLS, COLS, sums));
    }
    return sums;
  }
}
