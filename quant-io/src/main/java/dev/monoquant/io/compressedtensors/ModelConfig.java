package dev.monoquant.io.compressedtensors;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.json.JsonFiles;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.json.StrictJson;
import dev.monoquant.model.ElementType;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.SideFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The architecture that {@code config.json} describes. Models of several parts have a configuration
 * for each, so a key is looked up at the root first and then in the part of the language model.
 *
 * @param root the root of config.json; empty if there is none
 */
record ModelConfig(JsonValue.Obj root) {

  static final String FILE = "config.json";
  static final String QUANTIZATION = "quantization_config";
  static final String OLD_QUANTIZATION = "compression_config";
  static final String METHOD = "compressed-tensors";

  private static final List<String> LANGUAGE =
      List.of("text_config", "llm_config", "language_config", "thinker_config", "decoder");

  /**
   * Reads the file beside a model.
   *
   * @throws dev.monoquant.ModelFormatException if it is not strict JSON
   */
  static ModelConfig of(ModelInfo info) throws IOException {
    for (SideFile side : info.sideFiles()) {
      if (side.name().equals(FILE)) {
        JsonValue json =
            JsonFiles.read(
                side.path(),
                side.path().toString(),
                "the configuration",
                Reason.HEADER_JSON,
                true,
                ReadLimits.DEFAULT);
        if (json instanceof JsonValue.Obj object) {
          return new ModelConfig(object);
        }
      }
    }
    return new ModelConfig(new JsonValue.Obj(Map.of()));
  }

  /** {@return whether a key of config.json belongs to a quantization configuration} */
  static boolean isQuantization(String key) {
    return key.equals(QUANTIZATION) || key.equals(OLD_QUANTIZATION);
  }

  /**
   * {@return the quantization configuration in config.json, if it has one}
   *
   * @param config the root of config.json
   */
  static Optional<JsonValue.Obj> quantization(JsonValue.Obj config) {
    return config
        .find(QUANTIZATION)
        .or(() -> config.find(OLD_QUANTIZATION))
        .filter(JsonValue.Obj.class::isInstance)
        .map(JsonValue.Obj.class::cast);
  }

  /**
   * {@return config.json as an object}
   *
   * @param bytes its bytes
   * @param file its name for messages
   * @throws ModelFormatException if it is not an object, or not strict JSON
   */
  static JsonValue.Obj parse(byte[] bytes, String file) {
    StrictJson.Dialect dialect =
        new StrictJson.Dialect(
            file,
            "the configuration",
            Reason.HEADER_JSON,
            Reason.HEADER_JSON,
            ReadLimits.DEFAULT.maxDepth(),
            true,
            ReadLimits.DEFAULT.maxParsedBytes());
    return object(StrictJson.parse(ByteBuffer.wrap(bytes), dialect), file);
  }

  static JsonValue.Obj object(JsonValue json, String file) {
    if (json instanceof JsonValue.Obj object) {
      return object;
    }
    throw new ModelFormatException(
        Reason.METADATA, file, "", "is " + json.kind() + ", not an object. Fetch it again.");
  }

  /** {@return the {@code model_type} of each part, that of the root first} */
  List<String> modelTypes() {
    return parts().flatMap(part -> part.text("model_type").stream()).toList();
  }

  /**
   * {@return whether the head is tied to the embedding; empty if that depends on the architecture}
   */
  Optional<Boolean> tiesWords() {
    return find("tie_word_embeddings")
        .filter(v -> v == JsonValue.Literal.TRUE || v == JsonValue.Literal.FALSE)
        .map(v -> v == JsonValue.Literal.TRUE);
  }

  /**
   * {@return a number, empty if the key is absent}
   *
   * @param key such as {@code hidden_size}
   */
  Optional<Long> count(String key) {
    return find(key).flatMap(v -> v instanceof JsonValue.Num n ? n.count() : Optional.empty());
  }

  /** {@return the type of the weights; empty if it is absent or no weight type} */
  Optional<ElementType> floats() {
    return Stream.of("dtype", "torch_dtype")
        .flatMap(key -> parts().flatMap(part -> part.text(key).stream()))
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

  private Optional<JsonValue> find(String key) {
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
