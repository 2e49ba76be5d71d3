package dev.monoquant.io.compressedtensors;

import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.model.ModelConfig;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputContents;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What config.json says of the quantization that its model had before it was decoded: removed
 * wherever it is, and the type of the weights is set right.
 */
final class FormerQuantization {

  private static final Map<String, ElementType> TYPES =
      Map.of(
          "float16", ElementType.FLOAT16,
          "bfloat16", ElementType.BFLOAT16,
          "float32", ElementType.FLOAT32,
          "float64", ElementType.FLOAT64);

  private static final List<String> TYPE_KEYS = List.of("dtype", "torch_dtype");

  /** The key of MLX, and the fields that tell it from another object of that name. */
  private static final String MLX = "quantization";

  private static final Set<String> MLX_FIELDS = Set.of("bits", "group_size");

  private FormerQuantization() {}

  /**
   * Removes configurations of quantization, also those of parts of the model.
   *
   * @param config the members of config.json; changed
   * @return whether there was one
   */
  static boolean remove(Map<String, JsonValue> config) {
    boolean found =
        config
            .entrySet()
            .removeIf(
                member ->
                    ModelConfig.isQuantization(member.getKey())
                        || (member.getKey().equals(MLX)
                            && member.getValue() instanceof JsonValue.Obj object
                            && object.members().keySet().containsAll(MLX_FIELDS)));
    for (Map.Entry<String, JsonValue> member : config.entrySet()) {
      if (member.getValue() instanceof JsonValue.Obj object) {
        Map<String, JsonValue> inner = new LinkedHashMap<>(object.members());
        if (remove(inner)) {
          member.setValue(new JsonValue.Obj(inner));
          found = true;
        }
      }
    }
    return found;
  }

  /**
   * Replaces a type that no matrix has by the one that most numbers of matrices have.
   *
   * @param config the members of config.json; changed
   * @param contents the tensors beside it
   */
  static void setType(Map<String, JsonValue> config, OutputContents contents) {
    Map<ElementType, Long> numbers = new EnumMap<>(ElementType.class);
    Stream.concat(
            contents.kept().stream(),
            contents.weights().stream().map(EncodedWeight::matrix).map(m -> m.tensor()))
        .filter(tensor -> tensor.shape().rank() > 1 && TYPES.containsValue(tensor.type()))
        .forEach(tensor -> count(numbers, tensor));
    Optional<ElementType> most =
        numbers.entrySet().stream().max(Map.Entry.comparingByValue()).map(Map.Entry::getKey);
    for (String key : TYPE_KEYS) {
      if (most.isPresent() && config.get(key) instanceof JsonValue.Str text) {
        boolean torch = text.value().startsWith("torch.");
        ElementType declared = TYPES.get(torch ? text.value().substring(6) : text.value());
        if (declared == null || !numbers.containsKey(declared)) {
          config.put(key, JsonValue.of((torch ? "torch." : "") + name(most.get())));
        }
      }
    }
  }

  private static void count(Map<ElementType, Long> numbers, TensorInfo tensor) {
    numbers.merge(tensor.type(), tensor.shape().elements(), Long::sum);
  }

  private static String name(ElementType type) {
    return TYPES.entrySet().stream()
        .filter(entry -> entry.getValue() == type)
        .map(Map.Entry::getKey)
        .findFirst()
        .orElseThrow();
  }
}
