package dev.monoquant.schemes.layers;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.LayerQuantizer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LayerQuantizersTest {

  private static final List<LayerQuantizer> ALL =
      List.of(
          new ConvQuantizer(),
          new EmbeddingQuantizer(),
          new LinearQuantizer(),
          new RecurrentQuantizer());

  private static Layer layer(String kind, String tensor, ElementType type, long... dims) {
    TensorInfo info = new TensorInfo("a.b." + tensor, type, TensorShape.of(dims));
    return new Layer(
        "a.b", new LayerKind(kind), Layer.Evidence.DECLARED, new TreeMap<>(Map.of(tensor, info)));
  }

  private static long[] dims(String text) {
    return Stream.of(text.split("x", -1)).mapToLong(Long::parseLong).toArray();
  }

  /** Kind, tensor, shape, who takes it, rows, columns. */
  @ParameterizedTest
  @CsvSource({
    "Linear, weight, 8x5, linear, 8, 5",
    "Conv1D, weight, 5x8, linear, 8, 5",
    "MultiheadAttention, in_proj_weight, 12x4, linear, 12, 4",
    "MultiheadAttention, q_proj_weight, 4x4, linear, 4, 4",
    "MultiheadAttention, k_proj_weight, 4x6, linear, 4, 6",
    "MultiheadAttention, v_proj_weight, 4x7, linear, 4, 7",
    "Conv1d, weight, 8x3x5, conv, 8, 15",
    "Conv2d, weight, 8x3x5x5, conv, 8, 75",
    "Conv3d, weight, 8x3x2x2x2, conv, 8, 24",
    "ConvTranspose1d, weight, 3x8x5, conv, 8, 15",
    "ConvTranspose2d, weight, 3x8x5x5, conv, 8, 75",
    "ConvTranspose3d, weight, 3x8x2x2x2, conv, 8, 24",
    "Embedding, weight, 100x16, embedding, 100, 16",
    "Embedding, embedding, 100x16, embedding, 100, 16",
    "LSTM, weight_ih_l0, 16x3, recurrent, 16, 3",
    "LSTM, weight_hh_l11_reverse, 16x4, recurrent, 16, 4",
    "LSTM, weight_hr_l0, 2x4, recurrent, 2, 4",
    "GRU, weight_ih_l1, 12x3, recurrent, 12, 3",
    "RNN, weight_hh_l0, 4x4, recurrent, 4, 4",
    "LSTM, l_0_i2h_WEIGHT, 16x3, recurrent, 16, 3",
    "GRU, r_1_h2h_WEIGHT, 12x4, recurrent, 12, 4"
  })
  void exactlyOneTakesIt(
      String kind, String tensor, String shape, String id, long rows, long cols) {
    Layer layer = layer(kind, tensor, ElementType.BFLOAT16, dims(shape));
    for (LayerQuantizer quantizer : ALL) {
      List<WeightMatrix> got = quantizer.weights(layer);
      if (!quantizer.id().equals(id)) {
        assertThat(got).isEmpty();
        continue;
      }
      assertThat(got).hasSize(1);
      assertThat(got.get(0).rowCount()).isEqualTo(rows);
      assertThat(got.get(0).columnCount()).isEqualTo(cols);
      assertThat(got.get(0).layer()).isEqualTo("a.b");
      assertThat(got.get(0).param()).isEqualTo(tensor);
      assertThat(got.get(0).kind()).isEqualTo(layer.kind());
      assertThat(got.get(0).tensor()).isEqualTo(layer.tensors().get(tensor));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "Linear, bias, F32, 8",
    "Linear, weight, F32, 8",
    "Linear, weight, F32, 8x5x1",
    "Linear, weight, I8, 8x5",
    "Linear, weight, F8_E4M3, 8x5",
    "Linear, weight, F32, 0x5",
    "Linear, weight, F32, 8x0",
    "Linear, weight_scale, F32, 8x5",
    "Linear, my_weight, F32, 8x5",
    "linear, weight, F32, 8x5",
    "Conv2d, weight, F32, 8x5x3",
    "Norm, weight, F32, 8x5",
    "Unknown, weight, F32, 8x5",
    "MultiheadAttention, bias_k, F32, 1x1x4",
    "MultiheadAttention, o_proj_weight, F32, 4x4",
    "LSTM, bias_ih_l0, F32, 16",
    "LSTM, weight_ih_l, F32, 16x3",
    "LSTM, weight_ih_l0_forward, F32, 16x3",
    "LSTM, l_0_i2h_BIAS, F32, 16",
    "Embedding, weight, F32, 16"
  })
  void nobodyTakesIt(String kind, String tensor, String type, String shape) {
    Layer layer = layer(kind, tensor, ElementType.of(type), dims(shape));
    for (LayerQuantizer quantizer : ALL) {
      assertThat(quantizer.weights(layer)).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"F16", "BF16", "F32", "F64"})
  void allFloatingPointTypesAreTaken(String type) {
    Layer layer = layer("Linear", "weight", ElementType.of(type), 2, 3);
    assertThat(new LinearQuantizer().weights(layer)).hasSize(1);
  }

  @Test
  void weightsComeInTheOrderOfTheLayer() {
    Map<String, TensorInfo> tensors = new LinkedHashMap<>();
    for (String name : new String[] {"weight_hh_l0", "bias_hh_l0", "weight_ih_l0"}) {
      TensorShape shape = name.startsWith("bias") ? TensorShape.of(4) : TensorShape.of(4, 4);
      tensors.put(name, new TensorInfo("rnn." + name, ElementType.FLOAT32, shape));
    }
    Layer layer = new Layer("rnn", LayerKind.RNN, Layer.Evidence.INFERRED, tensors);
    assertThat(new RecurrentQuantizer().weights(layer))
        .extracting(WeightMatrix::param)
        .containsExactly("weight_hh_l0", "weight_ih_l0");
  }

  @Test
  void cellsHaveTheirMatricesUnnumbered() {
    for (String kind : new String[] {"LSTMCell", "GRUCell", "RNNCell"}) {
      assertThat(
              new RecurrentQuantizer()
                  .weights(layer(kind, "weight_ih", ElementType.FLOAT32, 12, 3)))
          .extracting(WeightMatrix::rowAxis)
          .containsExactly(0);
      assertThat(
              new RecurrentQuantizer()
                  .weights(layer(kind, "weight_ih_l0", ElementType.FLOAT32, 12, 3)))
          .isEmpty();
    }
  }

  @Test
  void onlyTablesAreAsymmetricByDefault() {
    WeightMatrix rows =
        new LinearQuantizer().weights(layer("Linear", "weight", ElementType.FLOAT32, 2, 3)).get(0);
    assertThat(ALL)
        .allSatisfy(
            quantizer ->
                assertThat(quantizer.symmetricByDefault(rows))
                    .isEqualTo(!quantizer.id().equals("embedding")));
  }

  @Test
  void allAreRegistered() {
    assertThat(ServiceLoader.load(LayerQuantizer.class))
        .extracting(Object::getClass)
        .containsExactlyInAnyOrderElementsOf(ALL.stream().map(Object::getClass).toList());
  }
}
