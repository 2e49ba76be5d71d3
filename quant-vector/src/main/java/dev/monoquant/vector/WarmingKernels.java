package dev.monoquant.vector;

import dev.monoquant.model.BoundKernels;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.IntegerCodes;
import dev.monoquant.model.Kernels;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The vector kernels, each of which is compiled before a run uses it: until C2 has done that, it is
 * some 50 times slower than plain loops, and those want to be compiled, too.
 *
 * <p>The first call of a kernel makes a thread call it with few numbers, until it is faster than
 * the plain loop, and waits. Kernels that no run calls are never compiled. Each takes about 0.1 s
 * of CPU. Where C2 is off or has no time, callers go on with plain loops.
 */
final class WarmingKernels implements Kernels {

  /**
   * Calls before each look at whether C2 is done. It compiles a method after 5000 calls, or more
   * the busier it is; the launcher of the application asks for it after 250, since the slow calls
   * make C2 compile parts of the library that are of no use later.
   */
  private static final int CALLS = 100;

  /** Looks before which so many calls are made. */
  private static final int EAGER_LOOKS = 5;

  /** Calls before each later look. */
  private static final int MORE_CALLS = 20;

  /** Milliseconds between two looks. */
  private static final long PAUSE = 2;

  /** Looks after which a kernel is left alone: C2 is off, or has no instructions for it. */
  private static final int MOST_LOOKS = 20_000;

  /**
   * Nanoseconds for each number. Compiled kernels take 0.25 to 0.9, those with a call that C2 did
   * not inline 2.6 to 20, others more.
   */
  private static final long FAST = 2;

  /** Looks after each of which a kernel that is not fast is made to be compiled again. */
  private static final int STUCK = 60;

  /** Milliseconds for which a caller waits for a kernel. */
  private static final long PATIENCE = 3000;

  private static final int IDLE = 0;
  private static final int WANTED = 1;
  private static final int READY = 2;
  private static final int GIVEN_UP = 3;

  /**
   * One kernel with the types it is called with: C2 compiles the branches that it has seen, and a
   * call of another one throws the compiled kernel away.
   */
  private enum Op {
    WIDEN_BFLOAT16,
    WIDEN_FLOAT16,
    NARROW_BFLOAT16,
    NARROW_FLOAT16,
    ROUND_BFLOAT16,
    ROUND_FLOAT16,
    WIDEN_BYTES,
    WIDEN_E4M3,
    WIDEN_E5M2,
    LOW_BYTES,
    NARROW_E4M3,
    NARROW_E5M2,
    INTEGER_CODES,
    INTEGER_VALUES,
    INTEGER_VALUES_BFLOAT16,
    INTEGER_VALUES_FLOAT16,
    E4M3_CODES,
    E5M2_CODES,
    E4M3_VALUES,
    E4M3_VALUES_BFLOAT16,
    E4M3_VALUES_FLOAT16,
    E5M2_VALUES,
    E5M2_VALUES_BFLOAT16,
    E5M2_VALUES_FLOAT16,
    LARGEST,
    NEAREST_CODES,
    SHIFTED_CODES,
    RUN_VALUES,
    RUN_VALUES_BFLOAT16,
    RUN_VALUES_FLOAT16,
    ABS_MAX,
    MIN,
    MAX,
    ERRORS;

    /** The operation for one of the types of 8 bits. */
    static Op of(ElementType float8, Op e4m3, Op e5m2) {
      return float8 == ElementType.FLOAT8_E4M3 ? e4m3 : e5m2;
    }

    /** The operation for results that are rounded to a type, or not at all. */
    static Op of(ElementType type, Op plain, Op bfloat16, Op float16) {
      return type == ElementType.BFLOAT16
          ? bfloat16
          : type == ElementType.FLOAT16 ? float16 : plain;
    }
  }

  /** How far one kernel is; looks are counted by the warming thread alone. */
  private static final class Progress {
    final AtomicInteger state = new AtomicInteger(IDLE);
    final CountDownLatch done = new CountDownLatch(1);

    /** Whether a caller did not wait to the end, so that none has to. */
    volatile boolean late;

    int looks;

    void end(int as) {
      state.set(as);
      done.countDown();
    }
  }

  private final Kernels vectors;

  /** By the ordinal of the operation. */
  private final Progress[] kernels = new Progress[Op.values().length];

  private final AtomicBoolean running = new AtomicBoolean();

  WarmingKernels(Kernels vectors) {
    this.vectors = vectors;
    Arrays.setAll(kernels, op -> new Progress());
  }

  // Kept within a run only, and a map of such keys would be asked in the innermost loop.
  @SuppressWarnings("EnumOrdinal")
  private Progress progress(Op op) {
    return kernels[op.ordinal()];
  }

  private Kernels of(Op op) {
    Progress progress = progress(op);
    int now = progress.state.get();
    if (now == READY) {
      return vectors;
    }
    if (now == IDLE && progress.state.compareAndSet(IDLE, WANTED)) {
      start();
    }
    return isReady(progress) ? vectors : BoundKernels.JVM;
  }

  private boolean isReady(Progress progress) {
    try {
      if (!progress.late && !progress.done.await(PATIENCE, TimeUnit.MILLISECONDS)) {
        progress.late = true;
      }
    } catch (InterruptedException e) {
      // The caller notices where it can stop.
      Thread.currentThread().interrupt();
    }
    return progress.state.get() == READY;
  }

  private void start() {
    if (running.compareAndSet(false, true)) {
      Thread thread = new Thread(this::warm, "quant-warm-up");
      thread.setDaemon(true);
      thread.start();
    }
  }

  private void warm() {
    Numbers numbers = new Numbers();
    try {
      while (isWaiting()) {
        for (Op op : Op.values()) {
          look(op, progress(op), numbers);
        }
        Thread.sleep(PAUSE);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    running.set(false);
    // One may have become wanted after the last look.
    if (isWaiting() && !Thread.currentThread().isInterrupted()) {
      start();
    }
  }

  /** Whether vectors are used for all that was called. */
  boolean isReady() {
    return Arrays.stream(kernels)
        .allMatch(progress -> progress.state.get() == READY || progress.state.get() == IDLE);
  }

  private boolean isWaiting() {
    return Arrays.stream(kernels).anyMatch(progress -> progress.state.get() == WANTED);
  }

  private void look(Op op, Progress progress, Numbers numbers) {
    if (progress.state.get() != WANTED) {
      return;
    }
    int looks = progress.looks++;
    if (looks % STUCK == STUCK - 1) {
      // C2 has not seen numbers that are left over yet, so that it throws its code away.
      numbers.call(op, vectors, VectorKernels.LANES + 1);
    }
    int calls = looks < EAGER_LOOKS ? CALLS : MORE_CALLS;
    for (int i = 0; i < calls; i++) {
      numbers.call(op, vectors, VectorKernels.LANES);
    }
    if (numbers.best(op, vectors) < FAST * Numbers.MOST) {
      progress.end(READY);
    } else if (looks == MOST_LOOKS) {
      progress.end(GIVEN_UP);
    }
  }

  /** What the kernels are called with. */
  private static final class Numbers {

    private static final int MOST = 256;

    /** As long as runs mostly are. */
    private static final int RUN = 32;

    private static final ElementType E4M3 = ElementType.FLOAT8_E4M3;
    private static final ElementType E5M2 = ElementType.FLOAT8_E5M2;
    private static final IntegerCodes SEVEN_BITS = new IntegerCodes(1, 0, 1, -64, 63);

    private final float[] x = new float[MOST];
    private final float[] y = new float[MOST];
    private final float[] floats = new float[MOST];
    private final short[] shorts = new short[MOST];
    private final byte[] bytes = new byte[MOST];
    private final double[] sums = new double[3];

    Numbers() {
      for (int i = 0; i < MOST; i++) {
        x[i] = 1 + i * 0x1p-9f;
        y[i] = 1;
      }
    }

    /** Nanoseconds of the fastest of some calls. */
    long best(Op op, Kernels kernels) {
      long best = Long.MAX_VALUE;
      for (int i = 0; i < 2; i++) {
        long start = System.nanoTime();
        call(op, kernels, MOST);
        best = Math.min(best, System.nanoTime() - start);
      }
      return best;
    }

    void call(Op op, Kernels kernels, int count) {
      switch (op) {
        case WIDEN_BFLOAT16 -> kernels.widenBFloat16(shorts, count, floats, 0);
        case WIDEN_FLOAT16 -> kernels.widenFloat16(shorts, count, floats, 0);
        case NARROW_BFLOAT16 -> kernels.narrowBFloat16(x, 0, count, shorts);
        case NARROW_FLOAT16 -> kernels.narrowFloat16(x, 0, count, shorts);
        case ROUND_BFLOAT16 -> kernels.round(ElementType.BFLOAT16, floats, count);
        case ROUND_FLOAT16 -> kernels.round(ElementType.FLOAT16, floats, count);
        case WIDEN_BYTES -> kernels.widenBytes(bytes, 0, count, floats);
        case WIDEN_E4M3 -> kernels.widenFloat8(E4M3, bytes, 0, count, floats);
        case WIDEN_E5M2 -> kernels.widenFloat8(E5M2, bytes, 0, count, floats);
        case LOW_BYTES -> kernels.lowBytes(x, count, bytes, 0);
        case NARROW_E4M3 -> kernels.narrowFloat8(E4M3, x, y, count, bytes, 0);
        case NARROW_E5M2 -> kernels.narrowFloat8(E5M2, x, y, count, bytes, 0);
        case INTEGER_CODES -> kernels.integerCodes(x, 0, count, SEVEN_BITS, bytes, 0);
        case INTEGER_VALUES -> integerValues(kernels, count, ElementType.FLOAT32);
        case INTEGER_VALUES_BFLOAT16 -> integerValues(kernels, count, ElementType.BFLOAT16);
        case INTEGER_VALUES_FLOAT16 -> integerValues(kernels, count, ElementType.FLOAT16);
        case E4M3_CODES -> kernels.float8Codes(E4M3, x, 0, count, 2, 1, bytes, 0);
        case E5M2_CODES -> kernels.float8Codes(E5M2, x, 0, count, 2, 1, bytes, 0);
        case E4M3_VALUES -> float8Values(kernels, E4M3, count, ElementType.FLOAT32);
        case E4M3_VALUES_BFLOAT16 -> float8Values(kernels, E4M3, count, ElementType.BFLOAT16);
        case E4M3_VALUES_FLOAT16 -> float8Values(kernels, E4M3, count, ElementType.FLOAT16);
        case E5M2_VALUES -> float8Values(kernels, E5M2, count, ElementType.FLOAT32);
        case E5M2_VALUES_BFLOAT16 -> float8Values(kernels, E5M2, count, ElementType.BFLOAT16);
        case E5M2_VALUES_FLOAT16 -> float8Values(kernels, E5M2, count, ElementType.FLOAT16);
        case LARGEST -> kernels.largest(x, 0, runs(count), RUN, floats);
        case NEAREST_CODES -> kernels.nearestCodes(x, 0, runs(count), RUN, y, bytes, 0);
        case SHIFTED_CODES ->
            kernels.shiftedCodes(ElementType.INT4, x, 0, runs(count), RUN, y, y, bytes, 0);
        case RUN_VALUES -> runValues(kernels, count, ElementType.FLOAT32);
        case RUN_VALUES_BFLOAT16 -> runValues(kernels, count, ElementType.BFLOAT16);
        case RUN_VALUES_FLOAT16 -> runValues(kernels, count, ElementType.FLOAT16);
        case ABS_MAX -> sums[0] += kernels.absMax(x, 0, count);
        case MIN -> sums[0] += kernels.min(x, 0, count);
        case MAX -> sums[0] += kernels.max(x, 0, count);
        // At least a block.
        case ERRORS -> sums[0] += kernels.errors(x, y, 0, MOST, sums);
      }
    }

    private void integerValues(Kernels kernels, int count, ElementType type) {
      kernels.integerValues(bytes, 0, count, 2, 0, type, floats, 0);
    }

    private void runValues(Kernels kernels, int count, ElementType type) {
      kernels.runValues(bytes, runs(count), RUN, y, type, floats);
    }

    /** Few numbers are one run; a part of a vector is of no use here. */
    private static int runs(int count) {
      return Math.max(RUN, count / RUN * RUN);
    }

    private void float8Values(Kernels kernels, ElementType codes, int count, ElementType type) {
      kernels.float8Values(codes, bytes, 0, count, 2, type, floats, 0);
    }
  }

  @Override
  public String name() {
    return vectors.name();
  }

  @Override
  public void widenBFloat16(short[] from, int count, float[] to, int at) {
    of(Op.WIDEN_BFLOAT16).widenBFloat16(from, count, to, at);
  }

  @Override
  public void widenFloat16(short[] from, int count, float[] to, int at) {
    of(Op.WIDEN_FLOAT16).widenFloat16(from, count, to, at);
  }

  @Override
  public boolean narrowBFloat16(float[] from, int at, int count, short[] to) {
    return of(Op.NARROW_BFLOAT16).narrowBFloat16(from, at, count, to);
  }

  @Override
  public boolean narrowFloat16(float[] from, int at, int count, short[] to) {
    return of(Op.NARROW_FLOAT16).narrowFloat16(from, at, count, to);
  }

  @Override
  public void round(ElementType type, float[] values, int count) {
    Op op = type == ElementType.BFLOAT16 ? Op.ROUND_BFLOAT16 : Op.ROUND_FLOAT16;
    of(op).round(type, values, count);
  }

  @Override
  public void widenBytes(byte[] from, int at, int count, float[] to) {
    of(Op.WIDEN_BYTES).widenBytes(from, at, count, to);
  }

  @Override
  public void widenFloat8(ElementType type, byte[] from, int at, int count, float[] to) {
    of(Op.of(type, Op.WIDEN_E4M3, Op.WIDEN_E5M2)).widenFloat8(type, from, at, count, to);
  }

  @Override
  public void lowBytes(float[] from, int count, byte[] to, int at) {
    of(Op.LOW_BYTES).lowBytes(from, count, to, at);
  }

  @Override
  public void narrowFloat8(
      ElementType type, float[] signs, float[] values, int count, byte[] to, int at) {
    of(Op.of(type, Op.NARROW_E4M3, Op.NARROW_E5M2))
        .narrowFloat8(type, signs, values, count, to, at);
  }

  @Override
  public void integerCodes(
      float[] from, int at, int count, IntegerCodes codes, byte[] to, int toAt) {
    of(Op.INTEGER_CODES).integerCodes(from, at, count, codes, to, toAt);
  }

  @Override
  public void integerValues(
      byte[] from,
      int at,
      int count,
      float scale,
      float zero,
      ElementType type,
      float[] to,
      int toAt) {
    Op op = Op.of(type, Op.INTEGER_VALUES, Op.INTEGER_VALUES_BFLOAT16, Op.INTEGER_VALUES_FLOAT16);
    of(op).integerValues(from, at, count, scale, zero, type, to, toAt);
  }

  @Override
  public void float8Codes(
      ElementType type,
      float[] from,
      int at,
      int count,
      float divisor,
      float step,
      byte[] to,
      int toAt) {
    of(Op.of(type, Op.E4M3_CODES, Op.E5M2_CODES))
        .float8Codes(type, from, at, count, divisor, step, to, toAt);
  }

  @Override
  public void float8Values(
      ElementType codes,
      byte[] from,
      int at,
      int count,
      float scale,
      ElementType type,
      float[] to,
      int toAt) {
    Op op =
        codes == ElementType.FLOAT8_E4M3
            ? Op.of(type, Op.E4M3_VALUES, Op.E4M3_VALUES_BFLOAT16, Op.E4M3_VALUES_FLOAT16)
            : Op.of(type, Op.E5M2_VALUES, Op.E5M2_VALUES_BFLOAT16, Op.E5M2_VALUES_FLOAT16);
    of(op).float8Values(codes, from, at, count, scale, type, to, toAt);
  }

  @Override
  public void largest(float[] from, int at, int count, int run, float[] to) {
    of(Op.LARGEST).largest(from, at, count, run, to);
  }

  @Override
  public void nearestCodes(
      float[] from, int at, int count, int run, float[] factors, byte[] to, int toAt) {
    of(Op.NEAREST_CODES).nearestCodes(from, at, count, run, factors, to, toAt);
  }

  @Override
  public void shiftedCodes(
      ElementType type,
      float[] from,
      int at,
      int count,
      int run,
      float[] least,
      float[] factors,
      byte[] to,
      int toAt) {
    of(Op.SHIFTED_CODES).shiftedCodes(type, from, at, count, run, least, factors, to, toAt);
  }

  @Override
  public void runValues(
      byte[] from, int count, int run, float[] scales, ElementType type, float[] to) {
    Op op = Op.of(type, Op.RUN_VALUES, Op.RUN_VALUES_BFLOAT16, Op.RUN_VALUES_FLOAT16);
    of(op).runValues(from, count, run, scales, type, to);
  }

  @Override
  public float absMax(float[] values, int at, int count) {
    return of(Op.ABS_MAX).absMax(values, at, count);
  }

  @Override
  public float min(float[] values, int at, int count) {
    return of(Op.MIN).min(values, at, count);
  }

  @Override
  public float max(float[] values, int at, int count) {
    return of(Op.MAX).max(values, at, count);
  }

  @Override
  public double errors(float[] x, float[] y, int at, int count, double[] sums) {
    return of(Op.ERRORS).errors(x, y, at, count, sums);
  }
}
