package dev.monoquant.io.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import dev.monoquant.ModelFormatException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class LiveModelFormatTest {

  private final NDManager manager = NDManager.newBaseManager("PyTorch");
  private final LiveModelFormat format = new LiveModelFormat();

  @AfterEach
  void close() {
    manager.close();
  }

  private ModelSource open(ModelInput input) {
    return format.open(input, ReadLimits.DEFAULT);
  }

  private NDArray named(String name, float... values) {
    NDArray array = manager.create(values);
    array.setName(name);
    return array;
  }

  private static float[] floats(ModelSource source, TensorInfo info) throws Exception {
    ByteBuffer bytes = source.read(info, 0, (int) info.bytes());
    float[] out = new float[bytes.remaining() / 4];
    bytes.asFloatBuffer().get(out);
    return out;
  }

  @Test
  void isFoundAsAService() {
    assertThat(ServiceLoader.load(InputFormatDetector.class))
        .anyMatch(d -> d instanceof LiveModelFormat && d.id().equals("djl"));
  }

  @Test
  void matchesLiveObjectsOnly() {
    assertThat(format.probe(ModelInput.of(Path.of("model.pt")))).isEqualTo(Match.NONE);
    assertThat(format.probe(ModelInput.of(Map.of()))).isEqualTo(Match.CERTAIN);
    assertThat(format.probe(ModelInput.of(new NDList()))).isEqualTo(Match.CERTAIN);
    assertThat(format.probe(ModelInput.of(new SequentialBlock()))).isEqualTo(Match.CERTAIN);
    assertThatThrownBy(() -> open(ModelInput.of(Path.of("model.pt"))))
        .isInstanceOf(ModelFormatException.class)
        .hasMessage("model.pt: it is no live object. Pass a Model, Block, NDList or map of arrays");
  }

  @Test
  void listKeepsItsOrderAndNames() throws Exception {
    NDList list = new NDList(named("b", 1, 2), named("a", 3));
    try (ModelSource source = open(ModelInput.of(list))) {
      assertThat(source.info().name()).isEqualTo("list of 2 arrays");
      assertThat(source.info().tensors()).extracting(TensorInfo::name).containsExactly("b", "a");
      assertThat(source.info().layers()).isEmpty();
      assertThat(source.info().metadata()).isEmpty();
      assertThat(floats(source, source.info().tensors().get(0))).containsExactly(1, 2);
      assertThat(floats(source, source.info().tensors().get(1))).containsExactly(3);
    }
  }

  @Test
  void mapIsReadByItsKeysWhateverTheArraysAreCalled() throws Exception {
    Map<String, NDArray> map = new LinkedHashMap<>();
    map.put("z", named("other", 1));
    map.put("a", named("other", 2));
    try (ModelSource source = open(ModelInput.of(map))) {
      map.clear();
      assertThat(source.info().name()).isEqualTo("map of 2 arrays");
      assertThat(source.info().tensors()).extracting(TensorInfo::name).containsExactly("z", "a");
      assertThat(floats(source, source.info().tensors().get(1))).containsExactly(2);
    }
  }

  @Test
  void mapWithoutAnOrderIsReadInThatOfItsNames() {
    Map<String, NDArray> map = new HashMap<>();
    for (String name : List.of("layer.9", "Z", "b", "Bb", "Aa", "layer.10")) {
      map.put(name, named(name, 0));
    }
    try (ModelSource source = open(ModelInput.of(map))) {
      assertThat(source.info().tensors())
          .extracting(TensorInfo::name)
          .containsExactly("Aa", "Bb", "Z", "b", "layer.10", "layer.9");
    }
  }

  @Test
  void oneArrayUnderTwoNamesIsTwoTensors() throws Exception {
    NDArray tied = manager.create(new float[] {5});
    Map<String, NDArray> map = new LinkedHashMap<>();
    map.put("embed.weight", tied);
    map.put("head.weight", tied);
    try (ModelSource source = open(ModelInput.of(map))) {
      for (TensorInfo info : source.info().tensors()) {
        assertThat(floats(source, info)).containsExactly(5);
      }
    }
    assertThat(tied.toFloatArray()).containsExactly(5);
  }

  @Test
  void readsInPlace() throws Exception {
    NDArray array = manager.create(new float[] {1, 2, 3});
    try (ModelSource source = open(ModelInput.of(Map.of("x", array)))) {
      ByteBuffer view = source.read(source.info().tensors().get(0), 4, 4);
      assertThat(view.isDirect()).isTrue();
      array.addi(7);
      assertThat(view.getFloat()).isEqualTo(9);
    }
  }

  @Test
  void complexNumbersArePairs() throws Exception {
    NDArray array = manager.create(new float[] {1, 2, 3, 4}, new Shape(2, 2)).complex();
    try (ModelSource source = open(ModelInput.of(Map.of("x", array)))) {
      TensorInfo info = source.info().tensors().get(0);
      assertThat(info.type()).isEqualTo(ElementType.COMPLEX64);
      assertThat(info.bytes()).isEqualTo(16);
      assertThat(floats(source, info)).containsExactly(1, 2, 3, 4);
    }
  }

  @Test
  void outlivesTheArraysItReads() throws Exception {
    Map<String, NDArray> map = new LinkedHashMap<>();
    NDArray array = manager.create(new float[] {1, 2, 3, 4}, new Shape(2, 2));
    map.put("seen", array);
    map.put("turned", array.transpose());
    try (ModelSource source = open(ModelInput.of(map))) {
      manager.close();
      assertThat(floats(source, source.info().tensors().get(0))).containsExactly(1, 2, 3, 4);
      assertThat(floats(source, source.info().tensors().get(1))).containsExactly(1, 3, 2, 4);
    }
  }

  @Test
  void survivesAScopeOfTheCaller() throws Exception {
    NDArray array = manager.create(new float[] {1, 2, 3, 4}, new Shape(2, 2)).transpose();
    ModelSource source;
    ByteBuffer read;
    try (NDScope scope = new NDScope()) {
      scope.suppressNotUsedWarning();
      source = open(ModelInput.of(Map.of("x", array)));
      read = source.read(source.info().tensors().get(0), 0, 16);
    }
    try (source) {
      for (int i = 0; i < 100; i++) {
        manager.full(new Shape(2, 2), 7f);
      }
      assertThat(read.getFloat(4)).isEqualTo(3);
      assertThat(floats(source, source.info().tensors().get(0))).containsExactly(1, 3, 2, 4);
    }
  }

  @Test
  void aliasesSurviveAScopeInWhichTheyWereTaken() throws Exception {
    NDArray array = manager.create(new float[] {1, 2});
    ModelSource source;
    try (NDScope scope = new NDScope()) {
      scope.suppressNotUsedWarning();
      source = open(ModelInput.of(Map.of("x", array)));
    }
    try (source) {
      assertThat(floats(source, source.info().tensors().get(0))).containsExactly(1, 2);
    }
  }

  @Test
  void manyThreadsMayRead() throws Exception {
    Map<String, NDArray> map = new LinkedHashMap<>();
    for (int i = 0; i < 50; i++) {
      NDArray array = manager.arange(i, i + 60f, 1f).reshape(6, 10);
      map.put("t" + i, i % 2 == 0 ? array : array.transpose());
    }
    ExecutorService pool = Executors.newFixedThreadPool(4);
    try (ModelSource source = open(ModelInput.of(map))) {
      Callable<List<float[]>> all =
          () -> {
            List<float[]> out = new java.util.ArrayList<>();
            for (TensorInfo info : source.info().tensors()) {
              out.add(floats(source, info));
            }
            return out;
          };
      for (Future<List<float[]>> one : pool.invokeAll(List.of(all, all, all, all))) {
        for (int i = 0; i < 50; i++) {
          assertThat(one.get().get(i)).isEqualTo(map.get("t" + i).toFloatArray());
        }
      }
    } finally {
      pool.shutdownNow();
    }
  }

  @Test
  void closedSourceRefusesToRead() throws Exception {
    ModelSource source = open(ModelInput.of(Map.of("x", manager.create(new float[] {1}))));
    TensorInfo info = source.info().tensors().get(0);
    source.read(info, 0, 4);
    source.close();
    source.close();
    assertThatThrownBy(() -> source.read(info, 0, 4))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("map of 1 arrays: this source is closed");
  }

  @Test
  void readsWithinTheTensorOnly() {
    try (ModelSource source =
        open(ModelInput.of(Map.of("x", manager.create(new float[] {1, 2}))))) {
      TensorInfo info = source.info().tensors().get(0);
      for (long[] wrong : new long[][] {{-1, 1}, {0, 9}, {8, 1}, {0, -1}, {Long.MAX_VALUE, 1}}) {
        assertThatThrownBy(() -> source.read(info, wrong[0], (int) wrong[1]))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("has 8 bytes");
      }
      TensorInfo foreign = new TensorInfo("y", info.type(), info.shape());
      assertThatThrownBy(() -> source.read(foreign, 0, 0))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("has no tensor");
    }
  }

  private void refused(ModelInput input, ModelFormatException.Reason reason, String... words) {
    refused(input, ReadLimits.DEFAULT, reason, words);
  }

  private void refused(
      ModelInput input, ReadLimits limits, ModelFormatException.Reason reason, String... words) {
    int before = manager.getManagedArrays().size();
    assertThatThrownBy(() -> format.open(input, limits))
        .isInstanceOfSatisfying(
            ModelFormatException.class, e -> assertThat(e.reason()).isEqualTo(reason))
        .hasMessageContainingAll(words);
    assertThat(manager.getManagedArrays()).hasSize(before);
  }

  @Test
  void refusesArraysWithoutANameOfTheirOwn() {
    refused(
        ModelInput.of(new NDList(named("a", 1), manager.create(1f))),
        ModelFormatException.Reason.ENTRY,
        "list of 2 arrays: array at position 1: the array has no name",
        "array.setName(\"fc.weight\")");
    refused(
        ModelInput.of(new NDList(named("a", 1), named("b", 1), named("a", 1))),
        ModelFormatException.Reason.DUPLICATE_KEY,
        "array at position 2: the name \"a\" is that of an array before it",
        "array.setName(\"fc.weight\")");
    Map<String, NDArray> map = new HashMap<>();
    map.put(null, named("a", 1));
    refused(ModelInput.of(map), ModelFormatException.Reason.ENTRY, "a key is null");
    map.clear();
    map.put("a", null);
    refused(ModelInput.of(map), ModelFormatException.Reason.ENTRY, "key \"a\": the array is null");
  }

  @Test
  void refusesWhatHoldsNothing() {
    for (ModelInput empty :
        List.of(
            ModelInput.of(Map.of()),
            ModelInput.of(new NDList()),
            ModelInput.of(new SequentialBlock()))) {
      refused(empty, ModelFormatException.Reason.NO_TENSORS, "holds no arrays");
    }
    try (Model model = Model.newInstance("empty", "PyTorch")) {
      refused(
          ModelInput.of(model),
          ModelFormatException.Reason.NO_TENSORS,
          "model empty: it has no block. Call model.load or model.setBlock first");
    }
  }

  @Test
  void refusesABlockThatIsNotInitialised() {
    refused(
        ModelInput.of(new SequentialBlock().add(Linear.builder().setUnits(2).build())),
        ModelFormatException.Reason.RECORD_MISSING,
        "block SequentialBlock: parameter \"01Linear_weight\": it has no array",
        "block.initialize(manager, dataType, inputShapes)");
  }

  @Test
  void refusesClosedAndSparseArrays() {
    NDArray closed = named("x", 1);
    closed.close();
    refused(
        ModelInput.of(Map.of("x", closed)),
        ModelFormatException.Reason.UNREADABLE,
        "tensor \"x\": its array is closed");
    NDArray sparse =
        manager.createCoo(
            manager.create(new float[] {1}).toByteBuffer(),
            new long[][] {{0}, {1}},
            new Shape(2, 2));
    refused(
        ModelInput.of(Map.of("x", sparse)),
        ModelFormatException.Reason.UNSUPPORTED_TENSOR,
        "tensor \"x\": it is sparse. Pass array.toDense()");
  }

  @Test
  void refusesArraysOfACappedManager() {
    NDArray array = named("x", 1);
    manager.cap();
    refused(
        ModelInput.of(Map.of("x", array)),
        ModelFormatException.Reason.UNREADABLE,
        "tensor \"x\": the engine gives no alias of its array: NDManager is capped");
  }

  @Test
  void obeysTheLimits() {
    refused(
        ModelInput.of(new NDList(named("a", 1), named("b", 1))),
        ReadLimits.DEFAULT.withMaxTensors(1),
        ModelFormatException.Reason.LIMIT,
        "more than 1 arrays",
        "maxTensors");
    ReadLimits small = new ReadLimits(1, 1, 1, 3, 2, 1, 1);
    refused(
        ModelInput.of(new NDList(named("long", 1))),
        small,
        ModelFormatException.Reason.LIMIT,
        "4 characters, 3 allowed",
        "maxNameLength");
    refused(
        ModelInput.of(Map.of("x", manager.ones(new Shape(1, 1, 1)))),
        small,
        ModelFormatException.Reason.LIMIT,
        "3 dimensions, 2 allowed",
        "maxRank");
  }

  /** Arrays of these types cannot even be made here, so a stand-in tells its type and no more. */
  @ParameterizedTest
  @EnumSource(
      value = DataType.class,
      names = {"BFLOAT16", "INT16", "UINT16", "UINT32", "UINT64", "UNKNOWN", "STRING"})
  void refusesTypesByNameAndTouchesNothing(DataType type) {
    NDArray fake =
        (NDArray)
            java.lang.reflect.Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {NDArray.class},
                (proxy, method, args) ->
                    switch (method.getName()) {
                      case "isReleased" -> false;
                      case "getDataType" -> type;
                      default -> throw new AssertionError("touched by " + method.getName());
                    });
    refused(
        ModelInput.of(Map.of("w", fake)),
        ModelFormatException.Reason.DTYPE,
        "map of 1 arrays: tensor \"w\": arrays of type " + type + " cannot be read",
        "FLOAT32");
  }

  @Test
  void everyOtherTypeIsRead() {
    assertThat(Arrays.stream(DataType.values()).filter(t -> ArrayTypes.elementType(t).isPresent()))
        .allSatisfy(
            type -> {
              if (type != DataType.COMPLEX64) {
                assertThat(ArrayTypes.elementType(type).orElseThrow().cellBytes())
                    .isEqualTo(type.getNumOfBytes());
              }
            })
        .hasSize(9);
  }

  @Test
  void oneArrayUnderSeveralNamesIsTied() {
    NDArray shared = manager.create(new float[] {1, 2});
    NDArray equal = manager.create(new float[] {1, 2});
    Map<String, NDArray> map = new LinkedHashMap<>();
    map.put("embed.weight", shared);
    map.put("other.weight", equal);
    map.put("head.weight", shared);
    try (ModelSource source = open(ModelInput.of(map))) {
      assertThat(source.info().ties()).containsExactly(Map.entry("head.weight", "embed.weight"));
    }
  }

  @Test
  void aBlockThatIsUsedTwiceIsTied() {
    Block twice = Linear.builder().setUnits(3).build();
    SequentialBlock block = new SequentialBlock().add(twice).add(twice);
    block.initialize(manager, DataType.FLOAT32, new Shape(1, 3));
    try (ModelSource source = open(ModelInput.of(block))) {
      assertThat(source.info().ties())
          .containsExactly(
              Map.entry("02Linear_weight", "01Linear_weight"),
              Map.entry("02Linear_bias", "01Linear_bias"));
    }
  }
}
