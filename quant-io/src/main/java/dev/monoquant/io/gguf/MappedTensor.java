package dev.monoquant.io.gguf;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.PluginException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Float16;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.GgufMapping.Rows;
import dev.monoquant.spi.GgufMapping.Run;
import dev.monoquant.spi.GgufMapping.Stored;
import dev.monoquant.spi.ModelSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Optional;

/** A tensor of a GGUF file whose rows are in tensors of another model, read from there. */
final class MappedTensor {

  /** Numbers that are converted at once. */
  private static final int PIECE = 1 << 16;

  private final TensorInfo tensor;
  private final Rows rows;
  private final ElementType from;
  private final boolean inverse;

  /** Numbers of a row. */
  private final long width;

  /** The first row of each run in this tensor, and the number of rows at the end. */
  private final long[] starts;

  /**
   * Checks a mapping.
   *
   * @param inverse whether rows of heads that are in pairs become halves, instead of the reverse
   * @throws PluginException if its runs do not make the shape
   */
  MappedTensor(Stored stored, Rows rows, boolean inverse) {
    this.inverse = inverse;
    this.rows = rows;
    Run first = rows.runs().get(0);
    this.from = first.tensor().type();
    boolean widened = rows.float32() && from.isQuantizable();
    this.tensor =
        new TensorInfo(stored.name(), widened ? ElementType.FLOAT32 : from, stored.shape());
    this.width = width(tensor);
    this.starts = new long[rows.runs().size() + 1];
    for (int i = 0; i < rows.runs().size(); i++) {
      Run run = rows.runs().get(i);
      long most = run.tensor().shape().elements() / Math.max(1, width(run.tensor()));
      if (width(run.tensor()) != width
          || run.tensor().type() != from
          || run.first() > most - run.count()) {
        throw fault(
            "rows "
                + run.first()
                + " to "
                + (run.first() + run.count())
                + " of "
                + run.tensor()
                + " are no rows of it");
      }
      starts[i + 1] = starts[i] + run.count();
    }
    if (starts[starts.length - 1] * width != tensor.shape().elements()) {
      throw fault("its shape has not the " + starts[starts.length - 1] + " rows of its runs");
    }
  }

  private static long width(TensorInfo tensor) {
    return tensor.shape().rank() < 2 ? 1 : tensor.shape().dim(-1);
  }

  private PluginException fault(String detail) {
    return new PluginException(
        "the architecture maps tensor " + quote(tensor.name()) + " wrongly: " + detail);
  }

  TensorInfo tensor() {
    return tensor;
  }

  /** {@return the tensor with the same bytes in the same order; empty if there is none} */
  Optional<TensorInfo> same() {
    Run run = rows.runs().get(0);
    boolean whole =
        rows.runs().size() == 1
            && run.rotary() == 0
            && run.first() == 0
            && tensor.type() == from
            && rows.plus() == 0
            && run.tensor().shape().elements() == tensor.shape().elements();
    return whole ? Optional.of(run.tensor()) : Optional.empty();
  }

  /**
   * Reads a piece of this tensor.
   *
   * @param source the model with the rows
   * @param offset the first byte
   * @param length how many
   */
  ByteBuffer read(ModelSource source, long offset, int length) throws IOException {
    int cell = tensor.type().cellBytes();
    boolean asItIs = tensor.type() == from && rows.plus() == 0;
    long end = offset + length;
    if (asItIs && length > 0 && width > 0) {
      int run = run(offset / cell / width);
      if (rows.runs().get(run).rotary() == 0 && end <= starts[run + 1] * width * cell) {
        long skipped = (rows.runs().get(run).first() - starts[run]) * width * cell;
        return source.read(rows.runs().get(run).tensor(), skipped + offset, length);
      }
    }
    byte[] out = new byte[length];
    for (long at = offset; at < end; ) {
      Span span = span(at / cell);
      long spanEnd = Math.min(end, (at / cell + span.count()) * cell);
      int count = (int) (spanEnd - at);
      if (asItIs) {
        long start = span.first() * cell + at % cell;
        source.read(span.tensor(), start, count).get(out, (int) (at - offset), count);
        at += count;
      } else {
        at = convert(source, span, at, spanEnd, offset, out);
      }
    }
    return ByteBuffer.wrap(out).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Numbers that follow each other in this tensor and in another one.
   *
   * @param tensor the other one
   * @param first the index there of the first number
   * @param count how many
   */
  private record Span(TensorInfo tensor, long first, long count) {}

  private int run(long row) {
    int at = Arrays.binarySearch(starts, row);
    return at >= 0 ? Math.min(at, rows.runs().size() - 1) : -at - 2;
  }

  /** The numbers from an index on. */
  private Span span(long index) {
    long row = index / width;
    int at = run(row);
    Run run = rows.runs().get(at);
    long local = row - starts[at];
    if (run.rotary() == 0) {
      long first = (run.first() + local) * width + index % width;
      return new Span(run.tensor(), first, starts[at + 1] * width - index);
    }
    long head = local / run.rotary() * run.rotary();
    long within = local - head;
    int half = run.rotary() / 2;
    long source =
        head + (inverse ? within % half * 2 + within / half : within % 2 * half + within / 2);
    long first = (run.first() + source) * width + index % width;
    return new Span(run.tensor(), first, width - index % width);
  }

  /** Converts numbers to F32; returns the offset behind them. */
  private long convert(ModelSource source, Span span, long at, long end, long offset, byte[] out)
      throws IOException {
    int skip = (int) (at % Float.BYTES);
    int count = (int) Math.min(PIECE, (end - at + skip + Float.BYTES - 1) / Float.BYTES);
    float[] numbers = new float[count];
    int cell = from.cellBytes();
    FloatBytes.widen(
        from, source.read(span.tensor(), span.first() * cell, count * cell), numbers, 0, count);
    ByteBuffer bytes = ByteBuffer.allocate(count * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (float number : numbers) {
      bytes.putFloat(plus(number));
    }
    int taken = (int) Math.min(end - at, (long) count * Float.BYTES - skip);
    bytes.position(skip).get(out, (int) (at - offset), taken);
    return at + taken;
  }

  private float plus(float number) {
    if (rows.plus() == 0) {
      return number;
    }
    float sum = number + rows.plus();
    return from == ElementType.FLOAT16 ? Float16.round(sum) : sum;
  }
}
