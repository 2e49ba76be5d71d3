package dev.monoquant.io.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.groups.Tuple.tuple;

import ai.djl.Model;
import ai.djl.modality.nlp.DefaultVocabulary;
import ai.djl.modality.nlp.embedding.TrainableWordEmbedding;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Blocks;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv1d;
import ai.djl.nn.convolutional.Conv1dTranspose;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.convolutional.Conv2dTranspose;
import ai.djl.nn.convolutional.Conv3d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.core.Multiplication;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.nn.norm.GhostBatchNorm;
import ai.djl.nn.norm.LayerNorm;
import ai.djl.nn.recurrent.GRU;
import ai.djl.nn.recurrent.LSTM;
import ai.djl.nn.recurrent.RNN;
import ai.djl.nn.transformer.IdEmbedding;
import ai.djl.training.ParameterStore;
import ai.djl.util.Pair;
import ai.djl.util.PairList;
import dev.monoquant.ModelFormatException;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import java.io.InputStream;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class BlockLayersTest {

  private final NDManager manager = NDManager.newBaseManager("PyTorch");

  @AfterEach
  void close() {
    manager.close();
  }

  private static ModelSource open(ModelInput input) {
    return new LiveModelFormat().open(input, ReadLimits.DEFAULT);
  }

  private Block net() {
    Block net =
        new SequentialBlock()
            .add(Conv2d.builder().setFilters(4).setKernelShape(new Shape(3, 3)).build())
            .add(BatchNorm.builder().build())
            .add(Activation.reluBlock())
            .add(Blocks.batchFlattenBlock())
            .add(
                new SequentialBlock()
                    .add(Linear.builder().setUnits(8).build())
                    .add(Linear.builder().setUnits(2).optBias(false).build()));
    net.initialize(manager, DataType.FLOAT32, new Shape(1, 1, 6, 6));
    return net;
  }

  @Test
  void everyBlockWithParametersIsALayer() {
    Block net = net();
    try (ModelSource source = open(ModelInput.of(net))) {
      assertThat(source.info().name()).isEqualTo("block SequentialBlock");
      assertThat(source.info().tensors())
          .extracting(TensorInfo::name)
          .containsExactlyElementsOf(net.getParameters().keys())
          .contains("01Conv2d_weight", "05SequentialBlock_01Linear_bias");
      assertThat(source.info().layers())
          .extracting(Layer::name, Layer::kind, l -> List.copyOf(l.tensors().keySet()))
          .containsExactly(
              tuple("01Conv2d", LayerKind.CONV2D, List.of("weight", "bias")),
              tuple(
                  "02BatchNorm",
                  LayerKind.NORM,
                  List.of("gamma", "beta", "runningMean", "runningVar")),
              tuple("05SequentialBlock_01Linear", LayerKind.LINEAR, List.of("weight", "bias")),
              tuple("05SequentialBlock_02Linear", LayerKind.LINEAR, List.of("weight")));
      assertThat(source.info().layers()).allMatch(l -> l.evidence() == Layer.Evidence.DECLARED);
      assertThat(source.info().layers().get(0).tensors().get("weight"))
          .isSameAs(source.info().tensors().get(0))
          .hasToString(
              "TensorInfo[name=01Conv2d_weight, type=FLOAT32, shape=[4, 1, 3, 3], shard=]");
      assertThat(source.info().metadata()).isEmpty();
    }
  }

  @Test
  void theBlockIsLeftAsItWas() throws Exception {
    Block net = net();
    List<NDArray> arrays = new ArrayList<>();
    List<byte[]> bytes = new ArrayList<>();
    for (Parameter parameter : net.getParameters().values()) {
      arrays.add(parameter.getArray());
      bytes.add(parameter.getArray().toByteArray());
    }
    int live = manager.getManagedArrays().size();
    try (ModelSource source = open(ModelInput.of(net))) {
      for (TensorInfo info : source.info().tensors()) {
        source.read(info, 0, (int) info.bytes());
      }
      assertThat(manager.getManagedArrays()).hasSize(live);
    }
    assertThat(manager.getManagedArrays()).hasSize(live).noneMatch(NDArray::isReleased);
    List<Parameter> after = net.getParameters().values();
    for (int i = 0; i < arrays.size(); i++) {
      NDArray array = after.get(i).getArray();
      assertThat(array).isSameAs(arrays.get(i));
      assertThat(array.toByteArray()).isEqualTo(bytes.get(i));
      assertThat(array.getManager()).isSameAs(manager);
      assertThat(array.hasGradient()).isEqualTo(after.get(i).requiresGradient());
    }
    NDList out =
        net.forward(
            new ParameterStore(manager, false),
            new NDList(manager.ones(new Shape(1, 1, 6, 6))),
            false);
    assertThat(out.head().getShape()).isEqualTo(new Shape(1, 2));
  }

  static Stream<Arguments> kinds() {
    Shape sequence = new Shape(1, 3, 5);
    return Stream.of(
        Arguments.of(Linear.builder().setUnits(2).build(), new Shape(1, 3), "Linear"),
        Arguments.of(
            Conv1d.builder().setFilters(2).setKernelShape(new Shape(3)).build(),
            new Shape(1, 2, 9),
            "Conv1d"),
        Arguments.of(
            Conv2d.builder().setFilters(2).setKernelShape(new Shape(3, 3)).build(),
            new Shape(1, 2, 9, 9),
            "Conv2d"),
        Arguments.of(
            Conv3d.builder().setFilters(2).setKernelShape(new Shape(3, 3, 3)).build(),
            new Shape(1, 2, 9, 9, 9),
            "Conv3d"),
        Arguments.of(
            Conv1dTranspose.builder().setFilters(2).setKernelShape(new Shape(3)).build(),
            new Shape(1, 2, 9),
            "ConvTranspose1d"),
        Arguments.of(
            Conv2dTranspose.builder().setFilters(2).setKernelShape(new Shape(3, 3)).build(),
            new Shape(1, 2, 9, 9),
            "ConvTranspose2d"),
        Arguments.of(
            new IdEmbedding.Builder().setDictionarySize(5).setEmbeddingSize(2).build(),
            new Shape(1, 3),
            "Embedding"),
        Arguments.of(
            TrainableWordEmbedding.builder()
                .setEmbeddingSize(2)
                .setVocabulary(new DefaultVocabulary(List.of("a", "b")))
                .build(),
            new Shape(3),
            "Embedding"),
        Arguments.of(recurrent(LSTM.builder()).build(), sequence, "LSTM"),
        Arguments.of(recurrent(GRU.builder()).build(), sequence, "GRU"),
        Arguments.of(
            recurrent(RNN.builder()).setActivation(RNN.Activation.TANH).build(), sequence, "RNN"),
        Arguments.of(BatchNorm.builder().build(), new Shape(1, 3), "Norm"),
        Arguments.of(GhostBatchNorm.builder().build(), new Shape(1, 3), "Norm"),
        Arguments.of(LayerNorm.builder().build(), new Shape(1, 3), "Norm"),
        Arguments.of(
            Multiplication.builder().setUnits(2).build(), new Shape(1, 3), "Multiplication"),
        Arguments.of(new Scale(), new Shape(1, 3), "Scale"),
        Arguments.of(new GRU2(), new Shape(1, 3), "GRU2"),
        Arguments.of(new Foreign.Linear(), new Shape(1, 3), Foreign.Linear.class.getName()),
        Arguments.of(new Scale() {}, new Shape(1, 3), "Unknown"));
  }

  private static <B extends ai.djl.nn.recurrent.RecurrentBlock.BaseBuilder<B>> B recurrent(B b) {
    return b.setStateSize(4).setNumLayers(1);
  }

  @ParameterizedTest(name = "{2}")
  @MethodSource("kinds")
  void kindComesFromTheClass(Block block, Shape input, String kind) {
    block.initialize(manager, DataType.FLOAT32, input);
    try (ModelSource source = open(ModelInput.of(block))) {
      assertThat(source.info().layers())
          .singleElement()
          .satisfies(
              layer -> {
                assertThat(layer.name()).isEmpty();
                assertThat(layer.kind()).isEqualTo(new LayerKind(kind));
                assertThat(layer.tensors().values())
                    .containsExactlyElementsOf(source.info().tensors());
              });
    }
  }

  @Test
  void sharedBlockIsALayerUnderEachName() {
    Linear shared = Linear.builder().setUnits(3).build();
    Block net = new SequentialBlock().add(shared).add(shared);
    net.initialize(manager, DataType.FLOAT32, new Shape(1, 3));
    try (ModelSource source = open(ModelInput.of(net))) {
      assertThat(source.info().layers())
          .extracting(Layer::name)
          .containsExactly("01Linear", "02Linear");
      assertThat(source.info().tensors()).hasSize(4);
    }
  }

  /** As its archive would be read, but in the state that it has in memory. */
  @Test
  void torchScriptIsReadAsAnArchive() throws Exception {
    try (Model model = Model.newInstance("small", "PyTorch");
        InputStream in = getClass().getResourceAsStream("small.scripted.pt")) {
      model.load(in);
      NDArray bias = model.getBlock().getParameters().get("fc.bias").getArray();
      bias.toByteBuffer(true).order(ByteOrder.LITTLE_ENDIAN).putFloat(0, 42f);
      int live = model.getNDManager().getManagedArrays().size();
      for (ModelInput input : List.of(ModelInput.of(model), ModelInput.of(model.getBlock()))) {
        try (ModelSource source = open(input)) {
          assertThat(source.info().name()).isEqualTo(input.describe());
          assertThat(source.info().files()).isEmpty();
          assertThat(source.info().tensors())
              .extracting(t -> t.name() + t.shape())
              .containsExactly(
                  "fc.weight[4, 3]",
                  "fc.bias[4]",
                  "bn.weight[4]",
                  "bn.bias[4]",
                  "bn.running_mean[4]",
                  "bn.running_var[4]",
                  "bn.num_batches_tracked[]",
                  "head.weight[2, 4]");
          assertThat(source.info().layers())
              .extracting(l -> l.name() + " " + l.kind())
              .containsExactly("fc Linear", "bn Norm", "head Linear");
          for (Pair<String, Parameter> parameter : model.getBlock().getParameters()) {
            TensorInfo info =
                source.info().tensors().stream()
                    .filter(t -> t.name().equals(parameter.getKey()))
                    .findFirst()
                    .orElseThrow();
            byte[] actual = new byte[(int) info.bytes()];
            source.read(info, 0, actual.length).get(actual);
            assertThat(actual).isEqualTo(parameter.getValue().getArray().toByteArray());
          }
          TensorInfo changed = source.info().tensors().get(1);
          assertThat(source.read(changed, 0, 4).getFloat()).isEqualTo(42f);
        }
      }
      assertThat(model.getNDManager().getManagedArrays())
          .hasSize(live)
          .noneMatch(NDArray::isReleased);
    }
  }

  @Test
  void aClosedTorchScriptModelIsRefused() throws Exception {
    Block block;
    try (Model model = Model.newInstance("small", "PyTorch");
        InputStream in = getClass().getResourceAsStream("small.scripted.pt")) {
      model.load(in);
      block = model.getBlock();
    }
    assertThatThrownBy(() -> open(ModelInput.of(block)))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("Keep the model open");
  }

  @Test
  void torchScriptWithinAJavaBlockHasNoLayersOfItsOwn() throws Exception {
    try (Model model = Model.newInstance("small", "PyTorch");
        InputStream in = getClass().getResourceAsStream("small.scripted.pt")) {
      model.load(in);
      Linear head = Linear.builder().setUnits(1).build();
      head.initialize(manager, DataType.FLOAT32, new Shape(1, 2));
      Block net = new SequentialBlock().add(model.getBlock()).add(head);
      try (ModelSource source = open(ModelInput.of(net))) {
        assertThat(source.info().layers()).extracting(Layer::name).containsExactly("02Linear");
        assertThat(source.info().tensors())
            .extracting(TensorInfo::name)
            .contains("01PtSymbolBlock_fc.weight", "02Linear_weight");
      }
    }
  }

  /** A block of a user, with one parameter of its own. */
  static class Scale extends AbstractBlock {
    Scale() {
      addParameter(
          Parameter.builder()
              .setName("scale")
              .setType(Parameter.Type.GAMMA)
              .optShape(new Shape(2))
              .build());
    }

    @Override
    protected NDList forwardInternal(
        ParameterStore store, NDList inputs, boolean training, PairList<String, Object> params) {
      return inputs;
    }

    @Override
    public Shape[] getOutputShapes(Shape[] inputShapes) {
      return inputShapes;
    }
  }

  /** Almost the name of a known kind. */
  static final class GRU2 extends Scale {}

  /** The name of a known kind, without its promise. */
  static final class Foreign {
    static final class Linear extends Scale {}
  }
}
