package dev.monoquant.files.torch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.statistics.Statistics;
import net.jqwik.api.statistics.StatisticsReport;
import net.jqwik.api.statistics.StatisticsReport.StatisticsReportMode;

/** Views agree with arithmetic without bounds, and read what a plain loop reads. */
class ViewPropertiesTest {

  record View(long offset, List<Long> sizes, List<Long> strides) {}

  @Provide
  Arbitrary<View> views() {
    Arbitrary<Long> small = Arbitraries.longs().between(0, 5);
    Arbitrary<Long> any = Arbitraries.oneOf(small, small, small, Arbitraries.longs());
    return Arbitraries.integers()
        .between(0, 4)
        .flatMap(
            rank ->
                Combinators.combine(any, any.list().ofSize(rank), any.list().ofSize(rank))
                    .as(View::new));
  }

  @Property(tries = 5000)
  @StatisticsReport(StatisticsReportMode.OFF)
  void checkedAsWithoutBounds(
      @ForAll("views") View view, @ForAll @IntRange(max = 40) int elements) {
    Optional<Reason> refused = check(view, elements * 4L);
    boolean inside = isInside(view, elements);
    Statistics.collect(inside);
    Statistics.coverage(c -> c.check(true).percentage(p -> p > 10));
    if (inside) {
      assertThat(refused).isIn(Optional.empty(), Optional.of(Reason.LIMIT));
    } else {
      assertThat(refused).contains(Reason.TENSOR_BOUNDS);
    }
  }

  private static Optional<Reason> check(View view, long storageBytes) {
    try {
      new ViewBounds("file", "tensor", ReadLimits.DEFAULT)
          .check(view.offset(), view.sizes(), view.strides(), storageBytes, 4);
      return Optional.empty();
    } catch (ModelFormatException e) {
      return Optional.of(e.reason());
    }
  }

  private static boolean isInside(View view, long elements) {
    BigInteger count = BigInteger.ONE;
    BigInteger last = BigInteger.valueOf(view.offset());
    boolean negative = view.offset() < 0;
    for (int i = 0; i < view.sizes().size(); i++) {
      BigInteger size = BigInteger.valueOf(view.sizes().get(i));
      BigInteger stride = BigInteger.valueOf(view.strides().get(i));
      negative |= size.signum() < 0 || stride.signum() < 0;
      count = count.multiply(size);
      if (count.bitLength() > 63) {
        return false; // From left to right, as shapes are counted everywhere.
      }
      last = last.add(size.subtract(BigInteger.ONE).multiply(stride));
    }
    if (negative || count.multiply(BigInteger.valueOf(4)).bitLength() > 63) {
      return false;
    }
    return count.signum() == 0 || last.compareTo(BigInteger.valueOf(elements)) < 0;
  }

  /** A storage of bytes that differ, without a file. */
  private record Bytes(ByteBuffer data, boolean bigEndian) implements Storage {
    @Override
    public String label() {
      return "bytes";
    }

    @Override
    public long size() {
      return data.capacity();
    }

    @Override
    public ByteBuffer slice(long offset, int length) {
      return data.slice((int) offset, length).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }
  }

  @Provide
  Arbitrary<View> smallViews() {
    Arbitrary<Long> size = Arbitraries.longs().between(0, 4);
    return Arbitraries.integers()
        .between(0, 4)
        .flatMap(
            rank ->
                Combinators.combine(
                        Arbitraries.longs().between(0, 9),
                        size.list().ofSize(rank),
                        Arbitraries.longs().between(0, 6).list().ofSize(rank))
                    .as(View::new));
  }

  @Property(tries = 2000)
  void readsWhatALoopReads(
      @ForAll("smallViews") View view,
      @ForAll ElementKind kind,
      @ForAll boolean bigEndian,
      @ForAll boolean negative,
      @ForAll boolean conjugate,
      @ForAll @IntRange(max = 1000) int from,
      @ForAll @IntRange(max = 1000) int to)
      throws IOException {
    ElementType type = kind.type;
    int width = type.cellBytes();
    byte[] data = new byte[100 * width];
    for (int i = 0; i < data.length; i++) {
      data[i] = (byte) (i * 31 + i / 256);
    }
    boolean signed = type.isQuantizable() || type == ElementType.COMPLEX64;
    TorchTensor tensor =
        new TorchTensor(
            new Bytes(ByteBuffer.wrap(data), bigEndian),
            type,
            TensorShape.of(view.sizes().stream().mapToLong(Long::longValue).toArray()),
            view.offset(),
            view.strides(),
            conjugate && type == ElementType.COMPLEX64,
            negative && signed);
    byte[] whole = loop(view, data, tensor);
    int a = Math.min(from % (whole.length + 1), to % (whole.length + 1));
    int b = Math.max(from % (whole.length + 1), to % (whole.length + 1));
    ByteBuffer read = ViewReader.read(tensor, a, b - a);
    assertThat(read.isReadOnly()).isTrue();
    assertThat(read.order()).isEqualTo(ByteOrder.LITTLE_ENDIAN);
    assertThat(read).isEqualTo(ByteBuffer.wrap(whole, a, b - a));
  }

  /** One of each width, and of each way to change sign. */
  enum ElementKind {
    BYTE(ElementType.INT8),
    BF16(ElementType.BFLOAT16),
    FLOAT(ElementType.FLOAT32),
    DOUBLE(ElementType.FLOAT64),
    COMPLEX(ElementType.COMPLEX64);

    final ElementType type;

    ElementKind(ElementType type) {
      this.type = type;
    }
  }

  /** Element by element, by the numbers' meaning where signs change. */
  private static byte[] loop(View view, byte[] data, TorchTensor tensor) {
    int width = tensor.type().cellBytes();
    int count = (int) tensor.shape().elements();
    byte[] bytes = new byte[count * width];
    ByteBuffer out = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer in =
        ByteBuffer.wrap(data)
            .order(tensor.storage().bigEndian() ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < count; i++) {
      long at = view.offset();
      int rest = i;
      for (int axis = view.sizes().size() - 1; axis >= 0; axis--) {
        at += rest % view.sizes().get(axis) * view.strides().get(axis);
        rest = (int) (rest / view.sizes().get(axis));
      }
      copy(in, (int) at * width, out, tensor);
    }
    return bytes;
  }

  private static void copy(ByteBuffer in, int at, ByteBuffer out, TorchTensor tensor) {
    boolean negative = tensor.negative();
    switch (tensor.type()) {
      case INT8 -> out.put(in.get(at));
      case BFLOAT16 -> out.putShort((short) (in.getShort(at) ^ (negative ? 0x8000 : 0)));
      case FLOAT32 -> out.putInt(in.getInt(at) ^ (negative ? 1 << 31 : 0));
      case FLOAT64 -> out.putLong(in.getLong(at) ^ (negative ? 1L << 63 : 0));
      case COMPLEX64 -> {
        out.putInt(in.getInt(at) ^ (negative ? 1 << 31 : 0));
        out.putInt(in.getInt(at + 4) ^ (negative != tensor.conjugate() ? 1 << 31 : 0));
      }
      default -> throw new AssertionError(tensor.type());
    }
  }
}
