package dev.monoquant.io.architecture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.GgufArchitecture;
import dev.monoquant.spi.GgufMapping.Stored;
import dev.monoquant.spi.Hyperparameters;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.testkit.contracts.GgufArchitectureContract;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class BertArchitectureTest implements GgufArchitectureContract {
  @Override
  public GgufArchitecture subject() {
    return new BertArchitecture();
  }

  @Override
  public ModelInfo model() {
    List<TensorInfo> tensors = new ArrayList<>();
    for (String name :
        List.of(
            "bert.embeddings.word_embeddings.weight",
            "embeddings.position_embeddings.weight",
            "embeddings.token_type_embeddings.weight",
            "encoder.layer.0.attention.self.query.weight",
            "encoder.layer.1.output.dense.weight",
            "pooler.dense.weight",
            "cls.predictions.decoder.weight")) {
      tensors.add(new TensorInfo(name, ElementType.FLOAT16, TensorShape.of(8, 8)));
    }
    for (String name :
        List.of(
            "embeddings.LayerNorm.gamma",
            "embeddings.LayerNorm.beta",
            "encoder.layer.0.attention.self.query.bias",
            "encoder.layer.1.output.LayerNorm.weight")) {
      tensors.add(new TensorInfo(name, ElementType.FLOAT16, TensorShape.of(8)));
    }
    return ModelInfo.of("toy", tensors);
  }

  @Override
  public Hyperparameters config() {
    return ToyModels.config(Map.of());
  }

  @Test
  void aBlockThatIsAbsentIsNamed() {
    Hyperparameters twelve = ToyModels.config(Map.of("num_hidden_layers", 12L));
    assertThatThrownBy(() -> subject().map("BertModel", model(), twelve))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContainingAll("is 12", "\"encoder.layer.2\"");
  }

  @Test
  void blocksOfClassesWithAHeadAreFound() {
    List<TensorInfo> tensors =
        model().tensors().stream()
            .map(
                t ->
                    t.name().startsWith("encoder.")
                        ? new TensorInfo("bert." + t.name(), t.type(), t.shape())
                        : t)
            .toList();
    assertThat(subject().map("BertForMaskedLM", ModelInfo.of("toy", tensors), config()).tensors())
        .extracting(Stored::name)
        .contains("blk.0.attn_q.weight", "blk.1.ffn_down.weight");
  }
}
