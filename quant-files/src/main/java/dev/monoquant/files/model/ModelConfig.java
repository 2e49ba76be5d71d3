package dev.monoquant.files.model;

import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.json.JsonFiles;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.model.ElementType;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.SideFile;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The architecture that {@code config.json} describes. Models of several parts have a configuration
 * for each, so a key is looked up at the root first and then in the part of the language model.
 *
 * <p>What this does not do: it does not interpret a quantization configuration. Immutable.
 *
 * @param root the root of config.json; empty if there is none
 */
public record ModelConfig(JsonValue.Obj root) {

  /** The name of the file. */
  public static final String FILE = "config.json";

  /** The key of the quantization configuration. */
  public static final String QUANTIZATION = "quantization_config";

  /** The key of the quantization configuration in files of early releases of compressed-tensors. */
  public static final String OLD_QUANTIZATION = "compression_config";

  /** Files that hold the quantization configuration alone, with the method that writes each. */
  public static final Map<String, String> QUANTIZATION_FILES =
      Map.of("quantize_config.json", "gptq", "quant_config.json", "awq");

  /** The file with the quantization configuration of ModelOpt. */
  public static final String MODEL_OPT = "hf_quant_config.json";

  private static final List<String> LANGUAGE =
      List.of("text_config", "llm_config", "language_config", "thinker_config", "decoder");

  /**
   * Reads the file beside a model.
   *
   * @param files the files beside the model
   * @param limits bounds on sizes and counts read from untrusted input
   * @return the configuration; an empty one if there is no such file or it is not a JSON object
   * @throws IOException if the file cannot be read
   * @throws dev.monoquant.ModelFormatException if it is not strict JSON or over a limit
   */
  public static ModelConfig of(List<SideFile> files, ReadLimits limits) throws IOException {
    return new ModelConfig(read(files, FILE, limits).orElseGet(() -> new JsonValue.Obj(Map.of())));
  }

  /**
   * Reads one of the configuration files beside a model.
   *
   * @param files the files beside the model
   * @param name the name of the file
   * @param limits bounds on sizes and counts read from untrusted input
   * @return its object; empty if there is no such file or it is not a JSON object
   * @throws IOException if the file cannot be read
   * @throws dev.monoquant.ModelFormatException if it is not strict JSON or over a limit
   */
  public static Optional<JsonValue.Obj> read(List<SideFile> files, String name, ReadLimits limits)
      throws IOException {
    for (SideFile file : files) {
      if (file.name().equals(name)) {
        JsonValue json = parse(file, limits);
        return json instanceof JsonValue.Obj object ? Optional.of(object) : Optional.empty();
      }
    }
    return Optional.empty();
  }

  /**
   * {@return the JSON of a configuration file}
   *
   * @param file the file
   * @param limits bounds on sizes and counts read from untrusted input
   * @throws IOException if the file cannot be read
   * @throws dev.monoquant.ModelFormatException if it is not strict JSON or over a limit
   */
  public static JsonValue parse(SideFile file, ReadLimits limits) throws IOException {
    return JsonFiles.read(
        file.path(), file.path().toString(), "the configuration", Reason.HEADER_JSON, true, limits);
  }

  /**
   * {@return whether a key of config.json belongs to a quantization configuration}
   *
   * @param key a key
   */
  public static boolean isQuantization(String key) {
    return key.equals(QUANTIZATION) || key.equals(OLD_QUANTIZATION);
  }

  /**
   * {@return the quantization configuration in config.json, if it has one: at its root, or in the
   * part of the language model}
   *
   * @param config the root of config.json
   */
  public static Optional<JsonValue.Obj> quantization(JsonValue.Obj config) {
    return ownQuantization(config)
        .or(
            () ->
                LANGUAGE.stream()
                    .flatMap(part -> object(config.find(part)).stream())
                    .flatMap(part -> ownQuantization(part).stream())
                    .findFirst());
  }

  /**
   * {@return the quantization configuration of the whole model or of one part of it}
   *
   * @param config the root of config.json, or the part's object
   */
  public static Optional<JsonValue.Obj> ownQuantization(JsonValue.Obj config) {
    return object(config.find(QUANTIZATION).or(() -> config.find(OLD_QUANTIZATION)));
  }

  private static Optional<JsonValue.Obj> object(Optional<JsonValue> value) {
    return value.filter(JsonValue.Obj.class::isInstance).map(JsonValue.Obj.class::cast);
  }

  /** {@return the {@code model_type} of each part, that of the root first} */
  public List<String> modelTypes() {
    return parts().flatMap(part -> part.text("model_type").stream()).toList();
  }

  /**
   * {@return whether the head is tied to the embedding; empty if that depends on the architecture}
   */
  public Optional<Boolean> tiesWords() {
    return find("tie_word_embeddings")
        .filter(v -> v == JsonValue.Literal.TRUE || v == JsonValue.Literal.FALSE)
        .map(v -> v == JsonValue.Literal.TRUE);
  }

  /**
   * {@return a number, empty if the key is absent}
   *
   * @param key such as {@code hidden_size}
   */
  public Optional<Long> count(String key) {
    return find(key).flatMap(v -> v instanceof JsonValue.Num n ? n.count() : Optional.empty());
  }

  /** {@return the type of the weights; empty if it is absent or no weight type} */
  public Optional<ElementType> floats() {
    return parts()
        .flatMap(part -> Stream.of("dtype", "torch_dtype").flatMap(key -> part.text(key).stream()))
        .flatMap(
            type ->
                switch (type.replaceFirst("^torch\\.", "")) {
                  case "float32" -> Stream.of(ElementType.FLOAT32);
                  case "float16" -> Stream.of(ElementType.FLOAT16);
                  case "bfloat16" -> Stream.of(ElementType.BFLOAT16);
                  default -> Stream.empty();
                })
        .findFirst();
  }

  /**
   * {@return the value of a key}
   *
   * @param key such as {@code quantization_config}
   */
  public Optional<JsonValue> find(String key) {
    return parts().flatMap(part -> part.find(key).stream()).findFirst();
  }

  private Stream<JsonValue.Obj> parts() {
    return parts(root);
  }

  private static Stream<JsonValue.Obj> parts(JsonValue.Obj object) {
    return Stream.concat(
        Stream.of(object),
        LANGUAGE.stream()
            .flatMap(key -> object.find(key).stream())
            .filter(JsonValue.Obj.class::isInstance)
            .flatMap(part -> parts((JsonValue.Obj) part)));
  }
}
