package dev.monoquant.io.gguf;

import dev.monoquant.ConfigurationException;
import dev.monoquant.files.json.JsonText;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.model.ModelConfig;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.GgufMapping;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What a directory of transformers has besides tensors, made of a GGUF model.
 *
 * @param files the files by name
 */
record RestoredModel(Map<String, byte[]> files) {

  private static final Map<ElementType, String> TYPES =
      Map.of(ElementType.FLOAT16, "float16", ElementType.BFLOAT16, "bfloat16");

  /**
   * {@return a GGUF model of floats as transformers has it; the model itself if it is no GGUF
   * model, has weights in blocks, or is of another architecture}
   *
   * @param source the model
   */
  static ModelSource view(ModelSource source) throws IOException {
    Optional<GgufModel> gguf = source.find(GgufModel.class);
    ModelInfo info = source.info();
    if (gguf.isEmpty() || !info.quantized().isEmpty()) {
      return source;
    }
    GgufValues values = new GgufValues(info.name(), gguf.get().metadata());
    Optional<RestoredConfig> found = RestoredConfig.of(values);
    if (found.isEmpty()) {
      return source;
    }
    RestoredConfig config = found.get();
    GgufMapping mapping = RestoredNames.of(info.name(), info.tensors(), config);
    List<String> notes = new ArrayList<>(info.notes());
    notes.add(
        "a GGUF file does not hold what this directory lacks: generation_config.json, rules of"
            + " normalization of the tokenizer, dropout and initialization"
            + (config.isBert() ? ", the pooler and the heads of training" : ""));
    Map<String, JsonValue> json = new LinkedHashMap<>();
    json.put(ModelConfig.FILE, config(source, config));
    json.putAll(RestoredTokenizer.files(values, notes));
    Map<String, byte[]> files = new TreeMap<>();
    json.forEach(
        (name, value) -> files.put(name, JsonText.pretty(value).getBytes(StandardCharsets.UTF_8)));
    ModelInfo shown =
        info.withTies(Map.of()).withMetadata(Map.of()).withLayers(List.of()).withNotes(notes);
    return new MappedView(source, shown, mapping, true, new RestoredModel(files));
  }

  /** {@return why a model has no such view} */
  static ConfigurationException refusal(ModelSource source) throws IOException {
    Optional<GgufModel> gguf = source.find(GgufModel.class);
    String name = source.info().name();
    if (gguf.isEmpty() || !source.info().quantized().isEmpty()) {
      return new ConfigurationException(
          name
              + " is no GGUF model of floats, of which the format model-directory is made: quant"
              + " dequantize model.gguf -o DIR --format model-directory. For other models choose"
              + " the format compressed-tensors");
    }
    String architecture =
        new GgufValues(name, gguf.get().metadata()).text("general.architecture").orElse("(none)");
    return new ConfigurationException(
        name
            + ": a GGUF model of the architecture "
            + architecture
            + " is not restored; "
            + RestoredConfig.known()
            + " are. Choose another output, which keeps the names of GGUF");
  }

  private static JsonValue config(ModelSource source, RestoredConfig config) throws IOException {
    List<TensorInfo> tensors = source.info().tensors();
    Map<String, TensorInfo> byName = new LinkedHashMap<>();
    tensors.forEach(t -> byName.put(t.name(), t));
    TensorInfo embedding = byName.get("token_embd.weight");
    if (embedding == null || embedding.shape().rank() != 2) {
      throw new ConfigurationException(
          source.info().name() + " has no embedding of tokens. Fetch the model again");
    }
    List<Float> factors = new ArrayList<>();
    TensorInfo rope = byName.get("rope_freqs.weight");
    if (rope != null && rope.type() == ElementType.FLOAT32 && rope.shape().elements() < 1 << 20) {
      ByteBuffer bytes = source.read(rope, 0, Math.toIntExact(rope.bytes()));
      ByteBuffer numbers = bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
      while (numbers.hasRemaining()) {
        factors.add(numbers.getFloat());
      }
    }
    return config.json(
        embedding.shape().dim(0),
        !byName.containsKey("output.weight"),
        byName.containsKey("blk.0.attn_q.bias"),
        byName.containsKey("blk.0.ffn_up.bias"),
        TYPES.getOrDefault(embedding.type(), "float32"),
        factors);
  }
}
