package dev.monoquant.vector;

import dev.monoquant.model.BoundKernels;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Kernels;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The vector kernels, and the plain loops in the place of each that C2 has not compiled yet: until
 * then it is some 50 times slower than they are.
 *
 * <p>The first call of a kernel makes a thread call its vector form with few numbers, until that is
 * the faster one. Kernels that no run calls are never compiled. Each takes about 0.1 s of CPU.
 */
final class WarmingKernels implements Kernels {

  /**
   * Calls between two looks at whether the vector form is the faster one. C2 compiles a method
   * after 5000 calls.
   */
  private static final int CALLS = 50;

  /** Milliseconds between two looks, which grow to the longest while C2 takes its time. */
  private static final long PAUSE = 1;

  private static final long LONGEST_PAUSE = 60;

  /** Looks after which a kernel is left alone: C2 is off, or has no instructions for it. */
  private static final int MOST_LOOKS = 1000;

  /**
   * Nanoseconds for a run to call all kernels that it needs. Later it runs as with plain loops, for
   * which some callers know shorter ways, until the kernels are ready.
   */
  private static final long GRACE = 200_000_000;

  private static final int IDLE = 0;
  private static final int WANTED = 1;
  private static final int READY = 2;
  private static final int GIVEN_UP = 3;

  /** One kernel. */
  private enum Op {
    WIDEN_BFLOAT16,
    WIDEN_FLOAT16,
    NARROW_BFLOAT16,
    NARROW_FLOAT16,
    ROUND_BFLOAT16,
    ROUND_FLOAT16,
    WIDEN_BYTES,
    WIDEN_FLOAT8,
    LOW_BYTES,
    NARROW_FLOAT8,
    ABS_MAX,
    MIN,
    MAX,
    ERRORS
  }

  /** How far one kernel is; looks are counted by the warming thread alone. */
  private static final class Progress {
    final AtomicInteger state = new AtomicInteger(IDLE);
    int looks;
  }

  private final Kernels vectors;
  private final Map<Op, Progress> kernels = new EnumMap<>(Op.class);
  private final AtomicBoolean running = new AtomicBoolean();
  private volatile boolean waiting;
  private volatile long since;

  WarmingKernels(Kernels vectors) {
    this.vectors = vectors;
    for (Op op : Op.values()) {
      kernels.put(op, new Progress());
    }
  }

  private Kernels of(Op op) {
    AtomicInteger state = Objects.requireNonNull(kernels.get(op)).state;
    int now = state.get();
    if (now == READY) {
      return vectors;
    }
    if (now == IDLE && state.compareAndSet(IDLE, WANTED)) {
      start();
    }
    return BoundKernels.JVM;
  }

  private void start() {
    if (running.compareAndSet(false, true)) {
      since = System.nanoTime();
      waiting = true;
      Thread thread = new Thread(this::warm, "quant-warm-up");
      thread.setDaemon(true);
      thread.start();
    }
  }

  private void warm() {
    Numbers numbers = new Numbers();
    try {
      long pause = PAUSE;
      while (isWaiting()) {
        kernels.forEach((op, progress) -> look(op, progress, numbers));
        Thread.sleep(pause);
        pause = Math.min(LONGEST_PAUSE, pause + PAUSE);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    waiting = false;
    running.set(false);
    // One may have become wanted after the last look.
    if (isWaiting() && !Thread.currentThread().isInterrupted()) {
      start();
    }
  }

  /** Whether vectors are used for all that was called. */
  boolean isReady() {
    return kernels.values().stream()
        .allMatch(progress -> progress.state.get() == READY || progress.state.get() == IDLE);
  }

  private boolean isWaiting() {
    return kernels.values().stream().anyMatch(progress -> progress.state.get() == WANTED);
  }

  private void look(Op op, Progress progress, Numbers numbers) {
    if (progress.state.get() != WANTED) {
      return;
    }
    int looks = progress.looks++;
    // Without an end: the busier C2 is, the more calls it wants.
    for (int i = 0; i < CALLS; i++) {
      numbers.call(op, vectors, VectorKernels.LANES);
    }
    if (numbers.best(op, vectors) < numbers.best(op, BoundKernels.JVM)) {
      progress.state.set(READY);
    } else if (looks == MOST_LOOKS) {
      progress.state.set(GIVEN_UP);
    }
  }

  /** What the kernels are called with. */
  private static final class Numbers {

    private static final int MOST = 256;

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
      for (int i = 0; i < 5; i++) {
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
        case WIDEN_FLOAT8 -> kernels.widenFloat8(ElementType.FLOAT8_E4M3, bytes, 0, count, floats);
        case LOW_BYTES -> kernels.lowBytes(x, count, bytes, 0);
        case NARROW_FLOAT8 -> kernels.narrowFloat8(ElementType.FLOAT8_E4M3, x, y, count, bytes, 0);
        case ABS_MAX -> sums[0] += kernels.absMax(x, 0, count);
        case MIN -> sums[0] += kernels.min(x, 0, count);
        case MAX -> sums[0] += kernels.max(x, 0, count);
        // At least a block.
        case ERRORS -> sums[0] += kernels.errors(x, y, 0, MOST, sums);
      }
    }
  }

  @Override
  public String name() {
    return vectors.name();
  }

  @Override
  public Kernels now() {
    return waiting && System.nanoTime() - since > GRACE ? BoundKernels.JVM : this;
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
    of(Op.WIDEN_FLOAT8).widenFloat8(type, from, at, count, to);
  }

  @Override
  public void lowBytes(float[] from, int count, byte[] to, int at) {
    of(Op.LOW_BYTES).lowBytes(from, count, to, at);
  }

  @Override
  public void narrowFloat8(
      ElementType type, float[] signs, float[] values, int count, byte[] to, int at) {
    of(Op.NARROW_FLOAT8).narrowFloat8(type, signs, values, count, to, at);
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
