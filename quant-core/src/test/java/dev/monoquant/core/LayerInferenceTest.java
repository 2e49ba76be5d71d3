package dev.monoquant.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.QuantizationConfig;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

class LayerInferenceTest {

  private static Map<String, String> kinds(FakeSource source, QuantizationConfig config) {
    return LayerInference.layers(source.tensors(), List.of(), config).stream()
        .collect(Collectors.toMap(Layer::name, l -> l.kind().name()));
  }

  private static Map<String, String> kinds(FakeSource source) {
    return kinds(source, QuantizationConfig.DEFAULT);
  }

  @Test
  void tellsTheCommonLayersApart() {
    FakeSource source =
        new FakeSource()
            .floats("model.embed_tokens.weight", 100, 8)
            .floats("model.layers.0.input_layernorm.weight", 8)
            .floats("model.layers.0.self_attn.q_proj.weight", 8, 8)
            .floats("conv.0.weight", 4, 3, 3, 3)
            .floats("conv.0.bias", 4)
            .floats("conv.1.weight", 4)
            .floats("conv.1.bias", 4)
            .floats("conv.1.running_mean", 4)
            .floats("audio.weight", 4, 2, 3)
            .floats("volume.weight", 4, 2, 3, 3, 3)
            .floats("attn.in_proj_weight", 24, 8)
            .floats("attn.out_proj.weight", 8, 8)
            .floats("head.weight", 10, 8)
            .floats("head.bias", 10)
            .floats("pos", 4, 8);
    assertThat(kinds(source))
        .containsEntry("model.embed_tokens", "Embedding")
        .containsEntry("model.layers.0.input_layernorm", "Norm")
        .containsEntry("model.layers.0.self_attn.q_proj", "Linear")
        .containsEntry("conv.0", "Conv2d")
        .containsEntry("conv.1", "Norm")
        .containsEntry("audio", "Conv1d")
        .containsEntry("volume", "Conv3d")
        .containsEntry("attn", "MultiheadAttention")
        .containsEntry("attn.out_proj", "Linear")
        .containsEntry("head", "Linear")
        .containsEntry("", "Unknown");
  }

  @Property(tries = 300)
  void noNameHidesAnother(@ForAll("names") Set<String> names) {
    FakeSource source = new FakeSource();
    names.forEach(name -> source.floats(name, 3, 2));
    List<Layer> layers =
        LayerInference.layers(source.tensors(), source.layers(), QuantizationConfig.DEFAULT);
    assertThat(layers.stream().flatMap(l -> l.tensors().values().stream()))
        .containsExactlyInAnyOrderElementsOf(source.tensors());
  }

  @Provide
  Arbitrary<Set<String>> names() {
    return Arbitraries.of("a", ".", "_", "weight", "bias", "0")
        .list()
        .ofMaxSize(4)
        .map(parts -> String.join("", parts))
        .set()
        .ofMaxSize(12);
  }

  @Test
  void gateCountsTellRecurrentLayersApart() {
    FakeSource source = new FakeSource();
    for (Object[] cell : new Object[][] {{"lstm", 4L}, {"gru", 3L}, {"rnn", 1L}}) {
      long gates = (Long) cell[1];
      source.floats(cell[0] + ".weight_ih_l0", gates * 6, 5);
      source.floats(cell[0] + ".weight_hh_l0", gates * 6, 6);
    }
    source.floats("projected.weight_ih_l0", 24, 5);
    source.floats("projected.weight_hh_l0", 24, 2);
    source.floats("projected.weight_hr_l0", 2, 6);
    assertThat(kinds(source))
        .containsEntry("lstm", "LSTM")
        .containsEntry("gru", "GRU")
        .containsEntry("rnn", "RNN")
        .containsEntry("projected", "LSTM");
  }

  @Test
  void theBiasTellsWhereTheOutputsAre() {
    FakeSource source =
        new FakeSource()
            .floats("up.weight", 8, 4, 2, 2)
            .floats("up.bias", 4)
            .floats("h.0.attn.c_attn.weight", 8, 24)
            .floats("h.0.attn.c_attn.bias", 24)
            .floats("h.0.attn.c_proj.weight", 8, 8)
            .floats("h.0.attn.c_proj.bias", 8);
    assertThat(kinds(source))
        .containsEntry("up", "ConvTranspose2d")
        .containsEntry("h.0.attn.c_attn", "Conv1D")
        .containsEntry("h.0.attn.c_proj", "Conv1D");
  }

  @Test
  void aSquareProjectionOutsideGpt2IsALinear() {
    FakeSource source =
        new FakeSource().floats("block.c_proj.weight", 8, 8).floats("block.c_proj.bias", 8);
    assertThat(kinds(source)).containsEntry("block.c_proj", "Linear");
  }

  @Test
  void theLayerMapWinsOverTheGuess() {
    FakeSource source = new FakeSource().floats("table.weight", 8, 8).floats("fc.weight", 8, 8);
    QuantizationConfig config =
        QuantizationConfig.builder().layer("tab*", LayerKind.EMBEDDING).build();
    assertThat(kinds(source, config))
        .containsEntry("table", "Embedding")
        .containsEntry("fc", "Linear");
    assertThat(LayerInference.layers(source.tensors(), List.of(), config).get(0).evidence())
        .isEqualTo(Layer.Evidence.GIVEN);
  }

  /** Parameters of a module of one's own, of a list, and constants of a frozen archive. */
  @Test
  void tensorThatTheMapNamesIsALayerOfItsOwn() {
    FakeSource source =
        new FakeSource()
            .floats("w", 8, 4)
            .floats("shift", 8)
            .floats("experts.0", 8, 4)
            .floats("experts.1", 8, 4)
            .floats("fc.weight", 8, 8)
            .floats("fc.table", 8, 8);
    QuantizationConfig config =
        QuantizationConfig.builder()
            .layer("fc", LayerKind.EMBEDDING)
            .layer("*.table", LayerKind.LINEAR)
            .layer("w", LayerKind.LINEAR)
            .layer("experts.*", LayerKind.CONV1D_TRANSPOSED)
            .build();
    assertThat(LayerInference.layers(source.tensors(), List.of(), config))
        .extracting(l -> l.name() + " " + l.kind() + " " + l.tensors().keySet())
        .containsExactly(
            "w Linear [weight]",
            " Unknown [shift]",
            "experts.0 Conv1D [weight]",
            "experts.1 Conv1D [weight]",
            "fc Embedding [weight, table]");
  }

  /** What is advised works: see the test before this one. */
  @Test
  void reasonsAdviseNamesThatMakeALayer() {
    FakeSource source =
        new FakeSource()
            .floats("w", 8, 4)
            .floats("shift", 8)
            .floats("experts.0", 8, 4)
            .floats("odd.weight", 8, 4, 2, 2, 2, 2);
    List<String> reasons = new ArrayList<>();
    QuantizationConfig config =
        QuantizationConfig.builder().layer("experts", new LayerKind("ParameterList")).build();
    for (Layer layer : LayerInference.layers(source.tensors(), List.of(), config)) {
      layer
          .tensors()
          .values()
          .forEach(t -> reasons.add(new LayerChoice(List.of()).whyNot(layer, t)));
    }
    assertThat(reasons)
        .containsExactly(
            "of no known layer; say what it is with a layer map, such as --layer 'w=Linear'",
            "of no known layer, and no matrix",
            "no weight of its layer, of kind ParameterList; if it is one, say so: --layer"
                + " 'experts.0=Linear'",
            "of no known layer; say what it is with a layer map, such as --layer 'odd=Linear'");
  }

  @Test
  void blockNamesWithoutDotsAreSplitAtTheParameter() {
    assertThat(TensorName.of("01Linear_weight")).isEqualTo(new TensorName("01Linear", "weight"));
    assertThat(TensorName.of("a.b.weight_ih_l0")).isEqualTo(new TensorName("a.b", "weight_ih_l0"));
    assertThat(TensorName.of("pos")).isEqualTo(new TensorName("", "pos"));
  }
}
