package dev.monoquant.io.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.PluginException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.GgufMapping;
import dev.monoquant.spi.GgufMapping.Rows;
import dev.monoquant.spi.GgufMapping.Run;
import dev.monoquant.spi.GgufMapping.Stored;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

/** Any piece of a mapped tensor is what the rows of the model say, against a plain reference. */
class MappedTensorTest {

  /** Tensors in memory, in the order of their names. */
  private record Memory(List<TensorInfo> tensors, List<byte[]> data) implements ModelSource {
    @Override
    public ModelInfo info() {
      return ModelInfo.of("memory", tensors);
    }

    @Override
    public ByteBuffer read(TensorInfo tensor, long offset, int length) {
      return ByteBuffer.wrap(data.get(tensors.indexOf(tensor)), (int) offset, length)
          .slice()
          .asReadOnlyBuffer()
          .order(ByteOrder.LITTLE_ENDIAN);
    }

    @Override
    public void close() {}
  }

  private static Memory memory(Random random, ElementType type, int width, int tensors) {
    List<TensorInfo> infos = new ArrayList<>();
    List<byte[]> data = new ArrayList<>();
    for (int i = 0; i < tensors; i++) {
      int rows = 4 * (1 + random.nextInt(5));
      TensorShape shape = width == 1 ? TensorShape.of(rows) : TensorShape.of(rows, width);
      TensorInfo info = new TensorInfo("t" + i, type, shape);
      float[] numbers = new float[rows * width];
      for (int k = 0; k < numbers.length; k++) {
        numbers[k] = (float) random.nextGaussian();
      }
      byte[] bytes = new byte[(int) info.bytes()];
      FloatBytes.narrow(type, numbers, 0, numbers.length, bytes, 0);
      infos.add(info);
      data.add(bytes);
    }
    return new Memory(infos, data);
  }

  /** The rows of a run one by one: transposed as (heads, 2, d/2) to (heads, d/2, 2), or back. */
  private static List<byte[]> rows(Memory memory, Run run, boolean inverse, int rowBytes) {
    List<byte[]> rows = new ArrayList<>();
    byte[] all = memory.data().get(memory.tensors().indexOf(run.tensor()));
    int head = run.rotary() == 0 ? 1 : run.rotary();
    int outer = run.rotary() == 0 ? 1 : inverse ? 2 : head / 2;
    int inner = head / outer;
    for (long first = run.first(); first < run.first() + run.count(); first += head) {
      for (int i = 0; i < outer; i++) {
        for (int k = 0; k < inner; k++) {
          int at = (int) (first + k * (long) outer + i) * rowBytes;
          rows.add(Arrays.copyOfRange(all, at, at + rowBytes));
        }
      }
    }
    return rows;
  }

  @Property(tries = 300)
  void piecesAreThoseOfTheRows(@ForAll long seed) throws IOException {
    Random random = new Random(seed);
    List<ElementType> types =
        List.of(ElementType.BFLOAT16, ElementType.FLOAT16, ElementType.FLOAT32);
    ElementType type = types.get(random.nextInt(types.size()));
    int width = random.nextBoolean() ? 1 : 1 + random.nextInt(7);
    boolean inverse = random.nextBoolean();
    boolean float32 = random.nextBoolean();
    float plus = float32 && random.nextBoolean() ? 1 : 0;
    Memory memory = memory(random, type, width, 1 + random.nextInt(3));
    List<Run> runs = new ArrayList<>();
    List<byte[]> expected = new ArrayList<>();
    for (TensorInfo tensor : memory.tensors()) {
      int rotary = random.nextBoolean() ? 0 : 4;
      long rows = tensor.shape().dim(0);
      long first = 4L * random.nextInt((int) (rows / 4));
      Run run = new Run(tensor, first, rows - first, rotary);
      runs.add(run);
      expected.addAll(rows(memory, run, inverse, width * type.cellBytes()));
    }
    TensorShape shape =
        width == 1 ? TensorShape.of(expected.size()) : TensorShape.of(expected.size(), width);
    MappedTensor mapped =
        new MappedTensor(
            new Stored("x", shape, new Rows(runs, float32, plus)),
            new Rows(runs, float32, plus),
            inverse);
    byte[] whole = whole(expected, type, float32, plus);
    assertThat(mapped.tensor().bytes()).isEqualTo(whole.length);
    for (int i = 0; i < 12; i++) {
      int from = random.nextInt(whole.length + 1);
      int length = random.nextInt(whole.length - from + 1);
      byte[] piece = new byte[length];
      mapped.read(memory, from, length).get(piece);
      assertThat(piece).isEqualTo(Arrays.copyOfRange(whole, from, from + length));
    }
  }

  private static byte[] whole(List<byte[]> rows, ElementType type, boolean float32, float plus) {
    int bytes = rows.stream().mapToInt(row -> row.length).sum();
    ByteBuffer all = ByteBuffer.allocate(bytes);
    rows.forEach(all::put);
    if (!float32 || (type == ElementType.FLOAT32 && plus == 0)) {
      return all.array();
    }
    float[] numbers = new float[bytes / type.cellBytes()];
    FloatBytes.widen(type, all.flip(), numbers, 0, numbers.length);
    for (int i = 0; plus != 0 && i < numbers.length; i++) {
      numbers[i] += plus;
      if (type == ElementType.FLOAT16) {
        byte[] half = new byte[2];
        FloatBytes.narrow(type, numbers, i, 1, half, 0);
        FloatBytes.widen(type, ByteBuffer.wrap(half), numbers, i, 1);
      }
    }
    byte[] wide = new byte[numbers.length * Float.BYTES];
    FloatBytes.narrow(ElementType.FLOAT32, numbers, 0, numbers.length, wide, 0);
    return wide;
  }

  /** A row that is stored twice is no substitute for one that is not stored. */
  @Example
  void everyRowMustBeStored() {
    TensorInfo tensor = new TensorInfo("t", ElementType.FLOAT32, TensorShape.of(4, 2));
    Memory memory = new Memory(List.of(tensor), List.of(new byte[32]));
    Run first = new Run(tensor, 0, 2, 0);
    Run middle = new Run(tensor, 1, 2, 0);
    Run last = new Run(tensor, 2, 2, 0);
    view(memory, last, first);
    view(memory, first, middle, last, first);
    for (List<Run> runs : List.of(List.of(first, first), List.of(first, middle, first))) {
      assertThatThrownBy(() -> view(memory, runs.toArray(Run[]::new)))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("1 tensor has no place in a model of the architecture toy: \"t\"");
    }
  }

  private static void view(Memory memory, Run... runs) {
    TensorShape shape = TensorShape.of(2L * runs.length, 2);
    Stored stored = new Stored("x", shape, new Rows(List.of(runs), false, 0));
    GgufMapping mapping = new GgufMapping("toy", List.of(stored), Map.of(), Map.of(), List.of());
    new MappedView(memory, memory.info(), mapping, false, "described").close();
  }

  @Example
  void rowsThatAreNotThereAreRefused() {
    TensorInfo tensor = new TensorInfo("t", ElementType.FLOAT32, TensorShape.of(4, 2));
    Rows rows = new Rows(List.of(new Run(tensor, 2, 3, 0)), false, 0);
    assertThatThrownBy(
            () -> new MappedTensor(new Stored("x", TensorShape.of(3, 2), rows), rows, false))
        .isInstanceOf(PluginException.class)
        .hasMessageContaining("\"x\" wrongly");
    Rows fewer = new Rows(List.of(new Run(tensor, 0, 3, 0)), false, 0);
    assertThatThrownBy(
            () -> new MappedTensor(new Stored("x", TensorShape.of(4, 2), fewer), fewer, false))
        .hasMessageContaining("3 rows of its runs");
  }
}
