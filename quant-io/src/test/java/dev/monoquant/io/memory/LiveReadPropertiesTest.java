package dev.monoquant.io.memory;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import dev.monoquant.io.memory.Expected.Sample;
import dev.monoquant.io.memory.Expected.View;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ReadLimits;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;

/** Random arrays, whole and as views, give the bytes that a plain walk over their indexes gives. */
class LiveReadPropertiesTest {

  private static final List<DataType> TYPES =
      List.of(
          DataType.FLOAT32,
          DataType.FLOAT64,
          DataType.FLOAT16,
          DataType.UINT8,
          DataType.INT8,
          DataType.INT32,
          DataType.INT64,
          DataType.BOOLEAN);

  @Provide
  Arbitrary<Sample> samples() {
    return Combinators.combine(
            Arbitraries.of(TYPES),
            Arbitraries.integers().between(0, 5).list().ofMinSize(0).ofMaxSize(4),
            Arbitraries.of(View.class),
            Arbitraries.longs())
        .as(Sample::new);
  }

  /** A maximum of 16 bytes a view sends most samples through the windows that 2 GiB would need. */
  @Property(edgeCases = EdgeCasesMode.MIXIN)
  void everyPieceOfEveryArray(
      @ForAll("samples") Sample sample,
      @ForAll boolean windows,
      @ForAll @IntRange(max = 1000) int cut)
      throws Exception {
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      Expected expected = Expected.of(manager, sample);
      byte[] whole = expected.bytes();
      long[] dims = expected.array().getShape().getShape();
      int arrays = manager.getManagedArrays().size();

      Map<String, NDArray> map = new LinkedHashMap<>();
      map.put("x", expected.array());
      LiveArrays live = LiveArrays.of(ModelInput.of(map), ReadLimits.DEFAULT);
      Map<String, TensorInfo> infos = ArrayTypes.describe(live, ReadLimits.DEFAULT);
      try (LiveSource source = LiveSource.open(live, infos, windows ? 16 : LiveTensor.MAX_VIEW)) {
        TensorInfo info = source.info().tensors().get(0);
        assertThat(info.shape().dims()).isEqualTo(dims);
        assertThat(info.bytes()).isEqualTo(whole.length);
        int offset = whole.length * cut / 1000;
        int length = new Random(sample.seed()).nextInt(whole.length - offset + 1);
        assertThat(bytes(source.read(info, 0, whole.length))).isEqualTo(whole);
        assertThat(bytes(source.read(info, offset, length)))
            .isEqualTo(Arrays.copyOfRange(whole, offset, offset + length));
        assertThat(manager.getManagedArrays()).hasSize(arrays);
      }
      assertThat(manager.getManagedArrays()).hasSize(arrays).noneMatch(NDArray::isReleased);
      assertThat(expected.array().getManager()).isSameAs(manager);
      assertThat(expected.array().toByteArray()).isEqualTo(whole);
    }
  }

  private static byte[] bytes(ByteBuffer buffer) {
    assertThat(buffer.isReadOnly()).isTrue();
    assertThat(buffer.order()).isEqualTo(ByteOrder.LITTLE_ENDIAN);
    byte[] out = new byte[buffer.remaining()];
    buffer.get(out);
    return out;
  }
}
