package dev.monoquant.io.foreign;

import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.json.JsonFiles;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.model.ModelFiles;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.SideFile;
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
      Set.of("quantize_config.json", "quant_config.json", "hf_quant_config.json");

  private static final String CONFIG = "config.json";
  private static final Map<String, String> OTHERS =
      Map.of("quantize_config.json", "gptq", "quant_config.json", "awq");
  private static final Map<String, ElementType> TYPES =
      Map.of(
          "float16", ElementType.FLOAT16,
          "bfloat16", ElementType.BFLOAT16,
          "float32", ElementType.FLOAT32);

  /**
   * Reads the files beside a model.
   *
   * @throws IOException if one cannot be read
   * @throws dev.monoquant.ModelFormatException if one is not strict JSON or over a limit
   */
  static DeclaredQuantization read(ModelFiles files, ReadLimits limits) throws IOException {
    JsonValue.Obj none = new JsonValue.Obj(Map.of());
    Optional<JsonValue.Obj> config = json(files, CONFIG, limits);
    ElementType dtype = config.flatMap(DeclaredQuantization::dtype).orElseGet(() -> type(files));
    Optional<JsonValue.Obj> own = config.flatMap(c -> object(c, "quantization_config"));
    if (own.isPresent()) {
      String method = own.get().text("quant_method").orElse("").toLowerCase(Locale.ROOT);
      return new DeclaredQuantization(method, own.get(), dtype);
    }
    Optional<JsonValue.Obj> mlx = config.flatMap(c -> object(c, "quantization"));
    if (mlx.isPresent()) {
      return new DeclaredQuantization("mlx", mlx.get(), dtype);
    }
    for (String name : List.of("quantize_config.json", "quant_config.json")) {
      Optional<JsonValue.Obj> fields = json(files, name, limits);
      if (fields.isPresent()) {
        return new DeclaredQuantization(OTHERS.getOrDefault(name, ""), fields.get(), dtype);
      }
    }
    return json(files, "hf_quant_config.json", limits)
        .flatMap(c -> object(c, "quantization"))
        .map(fields -> new DeclaredQuantization("modelopt", fields, dtype))
        .orElseGet(() -> new DeclaredQuantization("", none, dtype));
  }

  private static Optional<JsonValue.Obj> json(ModelFiles files, String name, ReadLimits limits)
      throws IOException {
    for (SideFile side : files.sideFiles()) {
      if (side.name().equals(name)) {
        String label = side.path().toString();
        JsonValue json =
            JsonFiles.read(
                side.path(), label, "the configuration", Reason.HEADER_JSON, true, limits);
        return Optional.of(json)
            .filter(JsonValue.Obj.class::isInstance)
            .map(o -> (JsonValue.Obj) o);
      }
    }
    return Optional.empty();
  }

  private static Optional<JsonValue.Obj> object(JsonValue.Obj parent, String key) {
    Optional<JsonValue> own = parent.find(key).filter(JsonValue.Obj.class::isInstance);
    return own.or(
            () ->
                parent
                    .find("text_config")
                    .filter(JsonValue.Obj.class::isInstance)
                    .flatMap(text -> ((JsonValue.Obj) text).find(key))
                    .filter(JsonValue.Obj.class::isInstance))
        .map(o -> (JsonValue.Obj) o);
  }

  private static Optional<ElementType> dtype(JsonValue.Obj config) {
    return config
        .text("dtype")
        .or(() -> config.text("torch_dtype"))
        .or(() -> object(config, "text_config").flatMap(DeclaredQuantization::typeName))
        .map(name -> name.startsWith("torch.") ? name.substring("torch.".length()) : name)
        .flatMap(name -> Optional.ofNullable(TYPES.get(name)));
  }

  private static Optional<String> typeName(JsonValue.Obj config) {
    return config.text("dtype").or(() -> config.text("torch_dtype"));
  }

  /** The type of the first float matrix, which is usually the embedding; else BF16. */
  private static ElementType type(ModelFiles files) {
    return files.tensors().values().stream()
        .map(ModelFiles.Located::info)
        .filter(t -> t.shape().rank() == 2 && TYPES.containsValue(t.type()))
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
