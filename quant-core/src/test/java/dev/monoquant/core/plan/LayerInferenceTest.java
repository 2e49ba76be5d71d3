package dev.monoquant.core.plan;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.QuantizationConfig;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.SideFile;
import dev.monoquant.testkit.fakes.MemoryModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
import org.junit.jupiter.api.io.TempDir;

class LayerInferenceTest {

  private static Map<String, String> kinds(MemoryModel source, QuantizationConfig config) {
    return LayerInference.layers(source.tensors(), ModelInfo.of("fake", source.tensors()), config)
        .stream()
        .collect(Collectors.toMap(Layer::name, l -> l.kind().name()));
  }

  private static Map<String, String> kinds(MemoryModel source) {
    return kinds(source, QuantizationConfig.DEFAULT);
  }

  @Test
  void tellsTheCommonLayersApart() {
    MemoryModel source =
        MemoryModel.named("fake")
            .sines("model.embed_tokens.weight", 100, 8)
            .sines("model.layers.0.input_layernorm.weight", 8)
            .sines("model.layers.0.self_attn.q_proj.weight", 8, 8)
            .sines("conv.0.weight", 4, 3, 3, 3)
            .sines("conv.0.bias", 4)
            .sines("conv.1.weight", 4)
            .sines("conv.1.bias", 4)
            .sines("conv.1.running_mean", 4)
            .sines("audio.weight", 4, 2, 3)
            .sines("volume.weight", 4, 2, 3, 3, 3)
            .sines("attn.in_proj_weight", 24, 8)
            .sines("attn.out_proj.weight", 8, 8)
            .sines("head.weight", 10, 8)
            .sines("head.bias", 10)
            .sines("pos", 4, 8)
            .build();
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

  @Test
  void aGateBesideExpertsIsTheirRouter() {
    MemoryModel source =
        MemoryModel.named("fake")
            .sines("layers.0.mlp.gate.weight", 4, 8)
            .sines("layers.0.mlp.shared_expert_gate.weight", 1, 8)
            .sines("layers.0.mlp.experts.0.gate.weight", 8, 8)
            .sines("layers.1.feed_forward.router.weight", 4, 8)
            .sines("layers.1.feed_forward.experts.gate_up_proj", 4, 8, 32)
            .sines("layers.2.ffn.router.layer.weight", 4, 8)
            .sines("layers.2.ffn.experts.mlp.w1", 32, 8)
            .sines("layers.2.moe.router.weight", 4, 8)
            .sines("layers.3.mlp.gate.weight", 16, 8)
            .sines("layers.3.mlp.up.weight", 16, 8)
            .build();
    assertThat(kinds(source))
        .containsEntry("layers.0.mlp.gate", "Router")
        .containsEntry("layers.0.mlp.shared_expert_gate", "Router")
        .containsEntry("layers.0.mlp.experts.0.gate", "Linear")
        .containsEntry("layers.1.feed_forward.router", "Router")
        .containsEntry("layers.2.ffn.router.layer", "Router")
        .containsEntry("layers.2.moe.router", "Router")
        .containsEntry("layers.3.mlp.gate", "Linear");
  }

  @Test
  void tablesOfTokensHaveManyNames() {
    MemoryModel.Builder model = MemoryModel.named("fake");
    List<String> tables =
        List.of("gpt_neox.embed_in", "emb", "token_emb", "wte", "shared", "tok_embeddings");
    tables.forEach(name -> model.sines(name + ".weight", 100, 8));
    model.sines("gpt_neox.embed_out.weight", 100, 8);
    MemoryModel source = model.build();
    assertThat(kinds(source)).containsEntry("gpt_neox.embed_out", "Linear");
    assertThat(kinds(source).entrySet().stream().filter(e -> e.getValue().equals("Embedding")))
        .extracting(Map.Entry::getKey)
        .containsExactlyInAnyOrderElementsOf(tables);
  }

  /** Of models that were built and loaded: Gemma 3n, MusicGen, CANINE, TAPAS, SAM, SpeechT5. */
  @Test
  void whatCouldBeATableIsOneUnlessItsNameIsThatOfALinear() {
    MemoryModel.Builder model = MemoryModel.named("fake");
    List<String> tables =
        List.of(
            "model.embed_tokens_per_layer",
            "model.decoder.embed_tokens.0",
            "canine.char_embeddings.HashBucketCodepointEmbedder_0",
            "tapas.embeddings.token_type_embeddings_3",
            "prompt_encoder.point_embed.2",
            "mask_decoder.iou_token",
            "mask_decoder.mask_tokens",
            "encoder.embed_positions.pe_k",
            "input_embeds_layers.1",
            "embeddings.age");
    tables.forEach(name -> model.sines(name + ".weight", 100, 8));
    List<String> linears =
        List.of(
            "embed_vision.embedding_projection",
            "embeddings.dense",
            "lm_heads.0",
            "mlp.0",
            "layers.0.up_proj");
    linears.forEach(name -> model.sines(name + ".weight", 100, 8));
    model.sines("embeds.0.weight", 100, 8).sines("embeds.0.bias", 100);
    Map<String, String> kinds = kinds(model.build());
    assertThat(tables).allSatisfy(name -> assertThat(kinds).containsEntry(name, "Embedding"));
    assertThat(linears).allSatisfy(name -> assertThat(kinds).containsEntry(name, "Linear"));
    assertThat(kinds).containsEntry("embeds.0", "Linear");
  }

  @Test
  void asManyRowsAsAVocabularyHasAreATable(@TempDir Path folder) throws IOException {
    Path config = folder.resolve("config.json");
    Files.writeString(
        config,
        "{\"type_vocab_size\": 32, \"text_config\": {\"vocab_size\": 100}, \"hidden_size\": 64}");
    MemoryModel source =
        MemoryModel.named("fake")
            .sines("transformer.w.weight", 100, 8)
            .sines("other.weight", 64, 8)
            .sines("types.weight", 32, 8)
            .sines("layers.0.q_proj.weight", 100, 8)
            .sines("biased.weight", 100, 8)
            .sines("biased.bias", 100)
            .build();
    ModelInfo info =
        ModelInfo.of("fake", source.tensors())
            .withSideFiles(List.of(new SideFile("config.json", config)));
    assertThat(LayerInference.layers(source.tensors(), info, QuantizationConfig.DEFAULT))
        .extracting(l -> l.name() + " " + l.kind())
        .containsExactly(
            "transformer.w Embedding",
            "other Linear",
            "types Linear",
            "layers.0.q_proj Linear",
            "biased Linear");
  }

  @Property(tries = 300)
  void noNameHidesAnother(@ForAll("names") Set<String> names) {
    MemoryModel.Builder model = MemoryModel.named("fake");
    names.forEach(name -> model.sines(name, 3, 2));
    MemoryModel source = model.build();
    List<Layer> layers =
        LayerInference.layers(
            source.tensors(), ModelInfo.of("fake", source.tensors()), QuantizationConfig.DEFAULT);
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
    MemoryModel.Builder model = MemoryModel.named("fake");
    for (Object[] cell : new Object[][] {{"lstm", 4L}, {"gru", 3L}, {"rnn", 1L}}) {
      long gates = (Long) cell[1];
      model.sines(cell[0] + ".weight_ih_l0", gates * 6, 5);
      model.sines(cell[0] + ".weight_hh_l0", gates * 6, 6);
    }
    model.sines("projected.weight_ih_l0", 24, 5);
    model.sines("projected.weight_hh_l0", 24, 2);
    model.sines("projected.weight_hr_l0", 2, 6);
    assertThat(kinds(model.build()))
        .containsEntry("lstm", "LSTM")
        .containsEntry("gru", "GRU")
        .containsEntry("rnn", "RNN")
        .containsEntry("projected", "LSTM");
  }

  @Test
  void theBiasTellsWhereTheOutputsAre() {
    MemoryModel source =
        MemoryModel.named("fake")
            .sines("up.weight", 8, 4, 2, 2)
            .sines("up.bias", 4)
            .sines("h.0.attn.c_attn.weight", 8, 24)
            .sines("h.0.attn.c_attn.bias", 24)
            .sines("h.0.attn.c_proj.weight", 8, 8)
            .sines("h.0.attn.c_proj.bias", 8)
            .build();
    assertThat(kinds(source))
        .containsEntry("up", "ConvTranspose2d")
        .containsEntry("h.0.attn.c_attn", "Conv1D")
        .containsEntry("h.0.attn.c_proj", "Conv1D");
  }

  @Test
  void aSquareProjectionOutsideGpt2IsALinear() {
    MemoryModel source =
        MemoryModel.named("fake")
            .sines("block.c_proj.weight", 8, 8)
            .sines("block.c_proj.bias", 8)
            .build();
    assertThat(kinds(source)).containsEntry("block.c_proj", "Linear");
  }

  @Test
  void theLayerMapWinsOverTheGuess() {
    MemoryModel source =
        MemoryModel.named("fake").sines("table.weight", 8, 8).sines("fc.weight", 8, 8).build();
    QuantizationConfig config =
        QuantizationConfig.builder().layer("tab*", LayerKind.EMBEDDING).build();
    assertThat(kinds(source, config))
        .containsEntry("table", "Embedding")
        .containsEntry("fc", "Linear");
    assertThat(
            LayerInference.layers(source.tensors(), ModelInfo.of("fake", source.tensors()), config)
                .get(0)
                .evidence())
        .isEqualTo(Layer.Evidence.CONFIGURED);
  }

  @Test
  void aParameterOfNoLayerBecomesOneWhenTheMapNamesIt() {
    MemoryModel source =
        MemoryModel.named("fake").sines("w1", 8, 8).sines("w2", 8, 8).sines("mix.w", 8, 8).build();
    QuantizationConfig config =
        QuantizationConfig.builder()
            .layer("w1", LayerKind.LINEAR)
            .layer("mix.w", LayerKind.EMBEDDING)
            .build();
    List<Layer> layers =
        LayerInference.layers(source.tensors(), ModelInfo.of("fake", source.tensors()), config);
    assertThat(layers)
        .extracting(l -> l.name() + " " + l.kind() + " " + l.tensors().keySet())
        .containsExactly(" Unknown [w2]", "w1 Linear [weight]", "mix.w Embedding [weight]");
    assertThat(layers.get(1).tensor("weight").orElseThrow().name()).isEqualTo("w1");
  }

  @Test
  void soDoesOneOfADeclaredList() {
    MemoryModel source =
        MemoryModel.named("fake").sines("list.0", 8, 8).sines("list.1", 8, 8).build();
    Layer declared =
        new Layer(
            "list",
            new LayerKind("ParameterList"),
            Layer.Evidence.DECLARED,
            Map.of("0", source.tensors().get(0), "1", source.tensors().get(1)));
    QuantizationConfig config =
        QuantizationConfig.builder().layer("list.*", LayerKind.LINEAR).build();
    assertThat(
            LayerInference.layers(
                source.tensors(),
                ModelInfo.of("fake", source.tensors()).withLayers(List.of(declared)),
                config))
        .extracting(l -> l.name() + " " + l.kind() + " " + l.tensors().keySet())
        .containsExactlyInAnyOrder("list.0 Linear [weight]", "list.1 Linear [weight]");
  }

  @Test
  void aDeclaredLayerWithoutTensorsStays() {
    Layer declared = new Layer("relu", LayerKind.UNKNOWN, Layer.Evidence.DECLARED, Map.of());
    assertThat(
            LayerInference.layers(
                List.of(),
                ModelInfo.of("fake", List.of()).withLayers(List.of(declared)),
                QuantizationConfig.DEFAULT))
        .containsExactly(declared);
  }

  @Test
  void aMapThatNamesTheLayerTellsAllOfIt() {
    MemoryModel source =
        MemoryModel.named("fake")
            .sines("odd.weight_ih_l0", 7, 2)
            .sines("odd.weight_hh_l0", 7, 3)
            .build();
    QuantizationConfig config = QuantizationConfig.builder().layer("odd", LayerKind.LSTM).build();
    assertThat(kinds(source)).containsExactly(Map.entry("odd", "Unknown"));
    assertThat(kinds(source, config)).containsExactly(Map.entry("odd", "LSTM"));
  }

  @Test
  void blockNamesWithoutDotsAreSplitAtTheParameter() {
    assertThat(TensorName.of("01Linear_weight")).isEqualTo(new TensorName("01Linear", "weight"));
    assertThat(TensorName.of("a.b.weight_ih_l0")).isEqualTo(new TensorName("a.b", "weight_ih_l0"));
    assertThat(TensorName.of("pos")).isEqualTo(new TensorName("", "pos"));
  }
}
