package dev.monoquant.io.foreign;

import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.model.ModelConfig;
import dev.monoquant.files.model.ModelFiles;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * The quantization that the configuration files of a model declare: {@code quantization_config} of
 * config.json, else its {@code quantization} of MLX, else {@code quantize_config.json} or {@code
 * quant_config.json}, else {@code hf_quant_config.json}. Every field is optional, since weights are
 * recognised by their tensors.
 *
 * @param method the method in lower case, such as {@code gptq}; empty if none is declared
 * @param fields its fields
 * @param dtype the type of the model's floats
 */
record DeclaredQuantization(String method, JsonValue.Obj fields, ElementType dtype) {

  /** Files that hold only a quantization configuration. */
  static final Set<String> FILES =
      Set.of(
          "quantize_config.json", "quant_config.json", "quanto_qmap.json", ModelConfig.MODEL_OPT);

  private static final Set<ElementType> TYPES =
      Set.of(ElementType.FLOAT16, ElementType.BFLOAT16, ElementType.FLOAT32);

  /**
   * Reads the files beside a model.
   *
   * @throws IOException if one cannot be read
   * @throws dev.monoquant.ModelFormatException if one is not strict JSON or over a limit
   */
  static DeclaredQuantization read(ModelFiles files, ReadLimits limits) throws IOException {
    ModelConfig config = ModelConfig.of(files.sideFiles(), limits);
    ElementType dtype = config.floats().orElseGet(() -> type(files));
    if (config.find(ModelConfig.QUANTIZATION).orElse(null) instanceof JsonValue.Obj own) {
      String method = own.text("quant_method").orElse("").toLowerCase(Locale.ROOT);
      return new DeclaredQuantization(method, own, dtype);
    }
    if (config.find("quantization").orElse(null) instanceof JsonValue.Obj own) {
      return new DeclaredQuantization("mlx", own, dtype);
    }
    for (String name : List.of("quantize_config.json", "quant_config.json")) {
      Optional<JsonValue.Obj> fields = ModelConfig.read(files.sideFiles(), name, limits);
      if (fields.isPresent()) {
        String method = ModelConfig.QUANTIZATION_FILES.getOrDefault(name, "");
        return new DeclaredQuantization(method, fields.get(), dtype);
      }
    }
    Optional<JsonValue.Obj> modelOpt =
        ModelConfig.read(files.sideFiles(), ModelConfig.MODEL_OPT, limits);
    if (modelOpt.flatMap(o -> o.find("quantization")).orElse(null) instanceof JsonValue.Obj own) {
      return new DeclaredQuantization("modelopt", own, dtype);
    }
    return new DeclaredQuantization("", new JsonValue.Obj(Map.of()), dtype);
  }

  /** The type of the first float matrix, which is usually the embedding; else BF16. */
  private static ElementType type(ModelFiles files) {
    return files.tensors().values().stream()
        .map(ModelFiles.Located::info)
        .filter(t -> t.shape().rank() == 2 && TYPES.contains(t.type()))
        .filter(t -> !t.name().contains("scale"))
        .map(TensorInfo::type)
        .findFirst()
        .orElse(ElementType.BFLOAT16);
  }

  /**
   * {@return what is declared of one module, which MLX says in an object of its name}
   *
   * @param module the name of the module
   */
  DeclaredQuantization of(String module) {
    return fields
        .find(module)
        .filter(JsonValue.Obj.class::isInstance)
        .map(own -> new DeclaredQuantization(method, (JsonValue.Obj) own, dtype))
        .orElse(this);
  }

  /**
   * {@return a number of the configuration}
   *
   * @param key such as {@code group_size}; a negative number counts as absent
   */
  OptionalLong number(String key) {
    return fields
        .find(key)
        .filter(JsonValue.Num.class::isInstance)
        .flatMap(n -> ((JsonValue.Num) n).count())
        .map(OptionalLong::of)
        .orElse(OptionalLong.empty());
  }

  /**
   * {@return a text of the configuration in lower case; empty if there is none}
   *
   * @param key such as {@code version}
   */
  String text(String key) {
    return fields.text(key).orElse("").toLowerCase(Locale.ROOT);
  }

  /**
   * {@return the block size along an axis, from {@code weight_block_size}}
   *
   * @param axis 0 for rows, 1 for columns
   */
  OptionalLong block(int axis) {
    return fields
        .find("weight_block_size")
        .filter(JsonValue.Arr.class::isInstance)
        .map(a -> ((JsonValue.Arr) a).items())
        .filter(items -> items.size() == 2 && items.get(axis) instanceof JsonValue.Num)
        .flatMap(items -> ((JsonValue.Num) items.get(axis)).count())
        .filter(size -> size > 0)
        .map(OptionalLong::of)
        .orElse(OptionalLong.empty());
  }
}
