package dev.monoquant.bench;

import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The reference: the bytes a second that this machine copies, within the caches and beyond them.
 *
 * <p>A kernel that quantizes a tile can be no faster than reading it. Read the counter {@code
 * bytes} (bytes copied a second), not the operations: an operation is one copy of {@code size}
 * bytes.
 */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
@State(Scope.Thread)
public class MemoryCopyBenchmark {

  /** Bytes copied, reported as a rate. */
  @AuxCounters(AuxCounters.Type.OPERATIONS)
  @State(Scope.Thread)
  public static class Copied {
    /** Bytes copied in this iteration. */
    public long bytes;

    /** Starts an iteration at zero. */
    @Setup(Level.Iteration)
    public void reset() {
      bytes = 0;
    }
  }

  /** Bytes of one copy: a tile of 64 rows of 2048 floats (fits L2), and far more than any cache. */
  @Param({"524288", "268435456"})
  public int size;

  private byte[] heap = new byte[0];
  private byte[] heapTarget = new byte[0];
  private ByteBuffer direct = ByteBuffer.allocate(0);
  private ByteBuffer directTarget = ByteBuffer.allocate(0);

  /** Allocates, and touches every page so that no copy pays for a page fault. */
  @Setup
  public void allocate() {
    heap = new byte[size];
    heapTarget = new byte[size];
    direct = ByteBuffer.allocateDirect(size);
    directTarget = ByteBuffer.allocateDirect(size);
    for (int i = 0; i < size; i += 4096) {
      heap[i] = (byte) i;
      direct.put(i, (byte) i);
    }
  }

  /**
   * Copies within the heap.
   *
   * @param copied the counter
   * @return the target, so that the copy is not optimised away
   */
  @Benchmark
  public byte[] heapToHeap(Copied copied) {
    System.arraycopy(heap, 0, heapTarget, 0, size);
    copied.bytes += size;
    return heapTarget;
  }

  /**
   * Copies outside the heap, where mapped files and the engine's arrays are.
   *
   * @param copied the counter
   * @return the target, so that the copy is not optimised away
   */
  @Benchmark
  public ByteBuffer directToDirect(Copied copied) {
    directTarget.put(0, direct, 0, size);
    copied.bytes += size;
    return directTarget;
  }

  /**
   * Copies into the heap, as a kernel on float arrays must.
   *
   * @param copied the counter
   * @return the target, so that the copy is not optimised away
   */
  @Benchmark
  public byte[] directToHeap(Copied copied) {
    direct.get(0, heapTarget, 0, size);
    copied.bytes += size;
    return heapTarget;
  }
}
