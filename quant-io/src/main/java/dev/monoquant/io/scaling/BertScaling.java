package dev.monoquant.io.scaling;

import com.google.auto.service.AutoService;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ScaleFold;
import dev.monoquant.spi.ScaleFold.Side;
import dev.monoquant.spi.ScaleFolds;
import dev.monoquant.spi.ScaleMapping;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * BERT and RoBERTa. Only the values of the attention can take factors, for its output: what the
 * norms make is also added to the outputs of the layers, so that dividing it would change the
 * model, and a GELU is before {@code output.dense}.
 */
@AutoService(ScaleMapping.class)
public final class BertScaling implements ScaleMapping {

  private static final String SELF = ".attention.self.";

  /** Longformer has another layer of values, which the output reads, too. */
  private static final Set<String> PARTS = Set.of("query", "key", "value", "distance_embedding");

  private static final String VALUE = ".attention.self.value";
  private static final String OUTPUT = ".attention.output.dense.weight";

  private static final Map<String, String> LEFT =
      Map.of(
          ".attention.self.query.weight",
          "the residual connection reads its input, too",
          ".attention.self.key.weight",
          "the residual connection reads its input, too",
          VALUE + ".weight",
          "the residual connection reads its input, too",
          ".intermediate.dense.weight",
          "the residual connection reads its input, too",
          ".output.dense.weight",
          "an activation function is before it");

  /** Made by the service loader. */
  public BertScaling() {}

  @Override
  public String id() {
    return "bert";
  }

  @Override
  public Set<String> models() {
    return Set.of(
        "BertModel",
        "BertForMaskedLM",
        "BertForSequenceClassification",
        "BertForTokenClassification",
        "RobertaModel",
        "RobertaForMaskedLM",
        "RobertaForSequenceClassification",
        "XLMRobertaModel",
        "XLMRobertaForSequenceClassification");
  }

  @Override
  public boolean recognises(ModelInfo model) {
    return !folds(model).folds().isEmpty();
  }

  @Override
  public ScaleFolds folds(ModelInfo model) {
    Map<String, TensorInfo> tensors = new LinkedHashMap<>();
    model.tensors().forEach(tensor -> tensors.put(tensor.name(), tensor));
    List<ScaleFold> folds = new ArrayList<>();
    Map<String, String> left = new LinkedHashMap<>();
    for (TensorInfo weight : model.tensors()) {
      String name = weight.name();
      if (name.endsWith(OUTPUT)) {
        String block = name.substring(0, name.length() - OUTPUT.length());
        TensorInfo value = tensors.get(block + VALUE + ".weight");
        TensorInfo bias = tensors.get(block + VALUE + ".bias");
        if (!hasKnownParts(block + SELF, tensors.keySet())) {
          left.put(name, "its attention has layers of unknown use");
        } else if (value != null
            && weight.shape().rank() == 2
            && value.shape().dim(0) == weight.shape().dim(1)) {
          List<Side> divided = new ArrayList<>(List.of(new Side(value, 0, 0)));
          if (bias != null) {
            divided.add(new Side(bias, 0, 0));
          }
          folds.add(new ScaleFold(block + VALUE, divided, List.of(new Side(weight, 1, 0)), false));
        } else {
          left.put(name, "what makes its input is not a layer of its own");
        }
      } else {
        LEFT.forEach(
            (end, reason) -> {
              if (name.endsWith(end)) {
                left.put(name, reason);
              }
            });
      }
    }
    return new ScaleFolds(folds, left);
  }

  private static boolean hasKnownParts(String self, Set<String> names) {
    return names.stream()
        .filter(name -> name.startsWith(self))
        .map(name -> name.substring(self.length()))
        .allMatch(
            local ->
                local.indexOf('.') > 0 && PARTS.contains(local.substring(0, local.indexOf('.'))));
  }
}
