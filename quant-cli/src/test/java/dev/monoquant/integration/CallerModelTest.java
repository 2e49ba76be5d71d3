package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.hand.QuantizedModel;
import dev.monoquant.schemes.Int8Scheme;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.Plugins;
import dev.monoquant.testkit.fakes.HostileScheme;
import dev.monoquant.testkit.fakes.LiveArrays;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/**
 * The model that the caller handed in: never changed, never aliased by the result, whatever a
 * plugin does; and the result is the same bytes on any number of threads, in tiles of any height.
 */
class CallerModelTest {

  private static final QuantizationConfig INT8 =
      QuantizationConfig.builder().scheme("int8").build();

  /** How a model looks and how the work is cut up. */
  record Case(long seed, int layers, int rows, int cols, String type, int threads, int tile) {

    Map<String, NDArray> stateDict(NDManager manager) {
      Random random = new Random(seed);
      Map<String, NDArray> tensors = new LinkedHashMap<>();
      for (int layer = 0; layer < layers; layer++) {
        int height = 1 + random.nextInt(rows);
        float[] weight = new float[height * cols];
        for (int i = 0; i < weight.length; i++) {
          weight[i] = (float) random.nextGaussian();
        }
        String name = "layers." + layer + ".linear";
        DataType dtype = DataType.valueOf(type);
        tensors.put(
            name + ".weight", manager.create(weight, new Shape(height, cols)).toType(dtype, false));
        tensors.put(name + ".bias", manager.ones(new Shape(height), dtype));
      }
      tensors.put("steps", manager.create(new long[] {seed}));
      return tensors;
    }

    Quantizer quantizer() {
      return Quantizer.create().withThreads(threads).withTileElements(tile);
    }

    /** As before, but what goes by the name of int8 writes into both views of its tiles. */
    Quantizer hostile() {
      Plugins all = Plugins.load();
      List<Object> plugins = new ArrayList<>(all.layerQuantizers());
      plugins.addAll(all.inputFormats());
      plugins.add(new HostileScheme(new Int8Scheme(), HostileScheme.Malice.SCRIBBLES_ARRAYS));
      return quantizer().withPlugins(Plugins.of(plugins.toArray()));
    }
  }

  @Provide
  Arbitrary<Case> cases() {
    return Combinators.combine(
            Arbitraries.longs(),
            Arbitraries.integers().between(1, 4),
            Arbitraries.integers().between(1, 40),
            // From here up int8 with a float scale a row is smaller than float16.
            Arbitraries.integers().between(8, 70),
            Arbitraries.of("FLOAT32", "FLOAT16", "FLOAT64"),
            Arbitraries.integers().between(1, 4),
            Arbitraries.integers().between(1, 3000))
        .as(Case::new);
  }

  @Property(tries = 60)
  void aHostileSchemeChangesNeitherTheCallersArraysNorTheCodes(@ForAll("cases") Case c) {
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      Map<String, NDArray> tensors = c.stateDict(manager);
      Map<String, ByteBuffer> before = bytes(tensors);
      try (QuantizedModel hostile = c.hostile().quantize(tensors, INT8);
          QuantizedModel honest = c.quantizer().quantize(tensors, INT8)) {
        assertThat(bytes(tensors)).isEqualTo(before);
        assertThat(bytes(hostile.toStateDict(manager)))
            .isEqualTo(bytes(honest.toStateDict(manager)));
      }
    }
  }

  @Property(tries = 40)
  void resultAndModelShareNothing(@ForAll("cases") Case c) {
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      Map<String, NDArray> tensors = c.stateDict(manager);
      try (QuantizedModel model = c.quantizer().quantize(tensors, INT8)) {
        Map<String, NDArray> result = model.toStateDict(manager);
        Map<String, ByteBuffer> first = bytes(result);

        tensors.values().forEach(t -> t.muli(0));
        assertThat(bytes(model.toStateDict(manager))).isEqualTo(first);

        Map<String, ByteBuffer> zeros = bytes(tensors);
        result.values().forEach(t -> t.addi(1));
        assertThat(bytes(tensors)).isEqualTo(zeros);
        assertThat(bytes(model.toStateDict(manager))).isEqualTo(first);
      }
    }
  }

  @Property(tries = 30)
  void everyKindOfLiveInputIsLeftAsItWas(@ForAll("cases") Case c) {
    try (Model model = Model.newInstance("live", "PyTorch")) {
      Block block =
          new SequentialBlock()
              .add(Linear.builder().setUnits(c.rows()).build())
              .add(Linear.builder().setUnits(8).build());
      block.initialize(model.getNDManager(), DataType.FLOAT32, new Shape(1, c.cols()));
      model.setBlock(block);
      Map<String, NDArray> parameters = new LinkedHashMap<>();
      block.getParameters().forEach(p -> parameters.put(p.getKey(), p.getValue().getArray()));
      Map<String, ByteBuffer> before = bytes(parameters);
      NDList list = new NDList();
      parameters.forEach(
          (name, array) -> {
            array.setName(name);
            list.add(array);
          });

      for (ModelInput input :
          new ModelInput[] {
            ModelInput.of(model), ModelInput.of(block), ModelInput.of(list),
          }) {
        try (QuantizedModel quantized = c.hostile().quantize(input, INT8)) {
          assertThat(quantized.weights()).isNotEmpty();
        }
        assertThat(bytes(parameters)).as(input.toString()).isEqualTo(before);
      }
    }
  }

  @Property(tries = 30)
  void threadsAndTileHeightsDoNotShowInTheBytes(@ForAll("cases") Case c) throws IOException {
    Path folder = Files.createTempDirectory("same-bytes");
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      ModelInput input = ModelInput.of(c.stateDict(manager));
      Path one = folder.resolve("one.safetensors");
      Path other = folder.resolve("other.safetensors");
      Quantizer.create().withThreads(1).quantize(input, INT8, one, false);
      c.quantizer().quantize(input, INT8, other, false);
      assertThat(other).hasSameBinaryContentAs(one);
    } finally {
      delete(folder);
    }
  }

  @Property(tries = 20)
  void noArrayIsLeftBehind(@ForAll("cases") Case c) {
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      Map<String, NDArray> tensors = c.stateDict(manager);
      int before = LiveArrays.count();
      try (QuantizedModel quantized = c.hostile().quantize(tensors, INT8)) {
        try (NDManager own = manager.newSubManager()) {
          assertThat(quantized.toStateDict(own)).hasSameSizeAs(tensors);
        }
        assertThat(LiveArrays.count()).isEqualTo(before);
      }
      assertThat(LiveArrays.count()).isEqualTo(before);
    }
  }

  private static Map<String, ByteBuffer> bytes(Map<String, NDArray> tensors) {
    Map<String, ByteBuffer> all = new HashMap<>();
    tensors.forEach((name, array) -> all.put(name, ByteBuffer.wrap(array.toByteArray())));
    return all;
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(folder);
  }
}
