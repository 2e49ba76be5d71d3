package dev.monoquant.io.gguf;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ConfigurationException;
import dev.monoquant.files.gguf.GgufLayout.Value;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.json.JsonValue.Arr;
import dev.monoquant.files.json.JsonValue.Literal;
import dev.monoquant.files.json.JsonValue.Num;
import dev.monoquant.files.json.JsonValue.Obj;
import dev.monoquant.files.json.JsonValue.Str;
import dev.monoquant.files.model.ModelConfig;
import dev.monoquant.io.tokenizer.Tokenizer;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.BesideFile;
import dev.monoquant.spi.GgufArchitecture;
import dev.monoquant.spi.GgufMapping;
import dev.monoquant.spi.GgufMapping.Rows;
import dev.monoquant.spi.GgufMapping.Stored;
import dev.monoquant.spi.Hyperparameters;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.RunnableFile;
import dev.monoquant.spi.SideFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Makes the view of a model directory of transformers as GGUF: the mapping of its architecture, its
 * tokenizer, and the general metadata in the order of convert_hf_to_gguf.py of llama.cpp.
 */
final class GgufConversion {

  private static final String ARCHITECTURES = "architectures";
  private static final int QUANTIZATION_VERSION = 2;
  private static final String MODULES = "modules.json";

  /** Numbers of {@code llama_ftype}. */
  private static final Map<ElementType, Integer> FILE_TYPES =
      Map.of(ElementType.FLOAT16, 1, ElementType.BFLOAT16, 32);

  /** Files whose content is in the metadata. */
  private static final Set<String> HELD =
      Set.of(
          ModelConfig.FILE,
          MODULES,
          "tokenizer.json",
          "tokenizer.model",
          "tokenizer_config.json",
          "added_tokens.json",
          "special_tokens_map.json",
          "vocab.txt",
          "vocab.json",
          "merges.txt",
          "chat_template.jinja",
          "chat_template.json");

  private static final long ALIGNMENT = 32;

  /** What a GGUF file of the model has besides tensors. */
  private record Described(List<Value> metadata, long alignment) implements GgufModel {}

  private GgufConversion() {}

  /**
   * {@return the model as GGUF; the model itself if it is GGUF already, or if it cannot be stored}
   *
   * @param source the model
   * @param known the architectures
   * @throws dev.monoquant.QuantException if its architecture is known and it cannot be stored
   */
  static ModelSource view(ModelSource source, Architectures known) throws IOException {
    if (obstacle(source).isPresent()) {
      return source;
    }
    ModelConfig config = ModelConfig.of(source.info().sideFiles(), ReadLimits.DEFAULT);
    for (String model : classes(config)) {
      Optional<GgufArchitecture> architecture = known.find(model);
      if (architecture.isPresent()) {
        return view(source, config, model, architecture.get());
      }
    }
    return source;
  }

  /** {@return why a model cannot be stored as GGUF whatever its architecture} */
  private static Optional<String> obstacle(ModelSource source) {
    ModelInfo info = source.info();
    if (source.find(GgufModel.class).isPresent()) {
      return Optional.of("it is GGUF");
    }
    if (source.find(RunnableFile.class).isPresent()) {
      return Optional.of("it is a program");
    }
    if (info.sideFiles().stream().noneMatch(side -> side.name().equals(ModelConfig.FILE))) {
      return Optional.of("there is no config.json beside it");
    }
    return info.quantized().isEmpty()
        ? Optional.empty()
        : Optional.of("it is quantized; --requantize decodes it first");
  }

  /** {@return why a model has no view, with the architectures that are known} */
  static ConfigurationException refusal(ModelSource source, Architectures known)
      throws IOException {
    String name = quote(source.info().name());
    Optional<String> obstacle = obstacle(source);
    if (obstacle.isPresent()) {
      return new ConfigurationException(
          name
              + " is no GGUF model and cannot be made one: "
              + obstacle.get()
              + ". A GGUF file is made of a GGUF model or of a model directory of transformers."
              + " Give one of them, or choose another output");
    }
    List<String> classes = classes(ModelConfig.of(source.info().sideFiles(), ReadLimits.DEFAULT));
    return new ConfigurationException(
        name
            + ": its architecture "
            + (classes.isEmpty()
                ? "is not named in config.json"
                : classes.stream().map(c -> quote(c)).collect(Collectors.joining(", "))
                    + " is not known")
            + ". Known for GGUF files are "
            + known.names()
            + "; a plugin can add others. Convert it with convert_hf_to_gguf.py of llama.cpp"
            + " first, or choose another output");
  }

  private static List<String> classes(ModelConfig config) {
    Set<String> classes = new LinkedHashSet<>();
    if (config.root().find(ARCHITECTURES).orElse(Literal.NULL) instanceof Arr array) {
      for (JsonValue item : array.items()) {
        if (item instanceof Str text) {
          classes.add(text.value());
        }
      }
    }
    return List.copyOf(classes);
  }

  private static ModelSource view(
      ModelSource source, ModelConfig config, String model, GgufArchitecture architecture)
      throws IOException {
    ModelInfo info = source.info();
    List<Obj> parts = new ArrayList<>();
    for (String key : List.of("text_config")) {
      config.root().find(key).filter(Obj.class::isInstance).ifPresent(p -> parts.add((Obj) p));
    }
    parts.add(config.root());
    GgufMapping mapping = architecture.map(model, info, hyperparameters(info, parts));
    Tokenizer tokenizer =
        Tokenizer.of(
            info.sideFiles(),
            mapping.architecture(),
            rows(info, mapping),
            parts,
            ReadLimits.DEFAULT);
    List<String> notes = new ArrayList<>(info.notes());
    notes.addAll(mapping.notes());
    notes.addAll(tokenizer.notes());
    Optional<Pooling> pooling = Pooling.of(info.sideFiles());
    List<BesideFile> leftOut = new ArrayList<>(info.leftOut());
    for (SideFile side : info.sideFiles()) {
      boolean held =
          HELD.contains(side.name())
              || pooling.filter(p -> p.file().equals(side.name())).isPresent();
      if (!held) {
        leftOut.add(BesideFile.leftOut(side, "a GGUF file does not hold it"));
      }
    }
    mapping
        .leftOut()
        .forEach((name, reason) -> notes.add("tensor " + quote(name) + " is left out: " + reason));
    ModelInfo shown =
        info.withTies(Map.of())
            .withFamilies(List.of())
            .withMetadata(Map.of())
            .withNotes(notes)
            .withSideFiles(List.of())
            .withLeftOut(leftOut);
    MappedView view =
        new MappedView(
            source,
            shown,
            mapping,
            false,
            new Described(metadata(info, mapping, pooling, tokenizer), ALIGNMENT));
    return view.withLayers(GgufNames.layers(view.info().tensors()));
  }

  /** The values of config.json, those of the language model over those of the root. */
  private static Hyperparameters hyperparameters(ModelInfo info, List<Obj> parts) {
    Map<String, Object> values = new LinkedHashMap<>();
    for (int i = parts.size() - 1; i >= 0; i--) {
      parts
          .get(i)
          .members()
          .forEach((key, value) -> plain(value).ifPresent(plain -> values.put(key, plain)));
    }
    String file =
        info.sideFiles().stream()
            .filter(side -> side.name().equals(ModelConfig.FILE))
            .map(side -> side.path().toString())
            .findFirst()
            .orElse(ModelConfig.FILE);
    return new Hyperparameters(file, values);
  }

  private static Optional<Object> plain(JsonValue value) {
    if (value instanceof Str text) {
      return Optional.of(text.value());
    } else if (value instanceof Num number) {
      return Optional.of(
          number.count().isPresent()
              ? (Object) number.count().get()
              : (Object) Double.parseDouble(number.text()));
    } else if (value instanceof Arr array) {
      return Optional.of(array.items().stream().flatMap(item -> plain(item).stream()).toList());
    } else if (value instanceof Obj object) {
      Map<String, Object> inner = new LinkedHashMap<>();
      object
          .members()
          .forEach((key, item) -> plain(item).ifPresent(plain -> inner.put(key, plain)));
      return Optional.of(inner);
    }
    return value == Literal.NULL ? Optional.empty() : Optional.of(value == Literal.TRUE);
  }

  /** The rows of the embedding. */
  private static long rows(ModelInfo info, GgufMapping mapping) {
    return mapping.tensors().stream()
        .filter(t -> t.name().equals("token_embd.weight") && t.shape().rank() == 2)
        .map(t -> t.shape().dim(0))
        .findFirst()
        .orElseThrow(
            () ->
                new ConfigurationException(
                    quote(info.name())
                        + " has no embedding of tokens, so no GGUF file can be made of it. Fetch"
                        + " the model again"));
  }

  private static List<Value> metadata(
      ModelInfo info, GgufMapping mapping, Optional<Pooling> pooling, Tokenizer tokenizer)
      throws IOException {
    Map<String, Value> values = new LinkedHashMap<>();
    put(values, Value.of("general.architecture", mapping.architecture()));
    put(values, Value.of("general.type", "model"));
    Path folder = Path.of(info.name()).toAbsolutePath().normalize().getFileName();
    if (folder != null) {
      put(values, Value.of("general.name", folder.toString()));
    }
    mapping.metadata().forEach((key, value) -> put(values, value(key, value)));
    if (pooling.isPresent()) {
      put(values, Value.of(mapping.architecture() + ".pooling_type", pooling.get().number()));
    }
    put(values, Value.of("general.file_type", fileType(mapping)));
    put(values, Value.of("general.quantization_version", QUANTIZATION_VERSION));
    tokenizer.metadata().forEach(value -> put(values, value));
    return List.copyOf(values.values());
  }

  private static void put(Map<String, Value> values, Value value) {
    values.putIfAbsent(value.key(), value);
  }

  private static Value value(String key, Object value) {
    if (value instanceof Integer number) {
      return Value.of(key, number);
    } else if (value instanceof Float number) {
      return Value.of(key, number);
    } else if (value instanceof Boolean flag) {
      return Value.of(key, flag);
    }
    return Value.of(key, (String) value);
  }

  /** The number of the type that most matrices have; 0 for F32. */
  private static int fileType(GgufMapping mapping) {
    Map<Integer, Long> counts = new LinkedHashMap<>();
    for (Stored stored : mapping.tensors()) {
      if (stored.content() instanceof Rows rows && !rows.float32()) {
        TensorInfo from = rows.runs().get(0).tensor();
        counts.merge(FILE_TYPES.getOrDefault(from.type(), 0), 1L, Long::sum);
      }
    }
    return counts.entrySet().stream()
        .max(Map.Entry.comparingByValue())
        .map(Map.Entry::getKey)
        .orElse(0);
  }

  /**
   * The pooling of sentence-transformers: {@code modules.json} and the folder that it names.
   *
   * @param file the file that describes it, such as {@code 1_Pooling/config.json}
   * @param number its number in llama.cpp
   */
  record Pooling(String file, int number) {

    private static final Map<String, Integer> MODES = new LinkedHashMap<>();

    static {
      MODES.put("pooling_mode_mean_tokens", 1);
      MODES.put("pooling_mode_cls_token", 2);
      MODES.put("pooling_mode_lasttoken", 3);
    }

    private static final Map<String, Integer> NAMES = Map.of("mean", 1, "cls", 2, "lasttoken", 3);

    /**
     * {@return the pooling; empty if none is described}
     *
     * @param sides the files beside the model
     * @throws ConfigurationException if llama.cpp does not have it
     */
    static Optional<Pooling> of(List<SideFile> sides) throws IOException {
      Optional<SideFile> modules =
          sides.stream().filter(side -> side.name().equals(MODULES)).findFirst();
      if (modules.isEmpty()
          || !(ModelConfig.parse(modules.get(), ReadLimits.DEFAULT) instanceof Arr array)) {
        return Optional.empty();
      }
      for (JsonValue item : array.items()) {
        if (item instanceof Obj module
            && module.text("type").filter(type -> type.endsWith("Pooling")).isPresent()) {
          String file = module.text("path").orElse("") + "/config.json";
          Optional<Obj> config = ModelConfig.read(sides, file, ReadLimits.DEFAULT);
          if (config.isPresent()) {
            return Optional.of(new Pooling(file, mode(config.get(), file)));
          }
        }
      }
      return Optional.empty();
    }

    private static int mode(Obj config, String file) {
      for (Map.Entry<String, Integer> mode : MODES.entrySet()) {
        if (config.find(mode.getKey()).orElse(Literal.FALSE) == Literal.TRUE) {
          return mode.getValue();
        }
      }
      Integer named = NAMES.get(config.text("pooling_mode").orElse(""));
      if (named == null) {
        throw new ConfigurationException(
            file
                + ": its pooling cannot be stored as GGUF; mean, class token and last token can."
                + " Remove modules.json to store the model without pooling");
      }
      return named;
    }
  }
}
