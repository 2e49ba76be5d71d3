package dev.monoquant.io.architecture;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.GgufMapping;
import dev.monoquant.spi.GgufMapping.Numbers;
import dev.monoquant.spi.GgufMapping.Rows;
import dev.monoquant.spi.GgufMapping.Run;
import dev.monoquant.spi.GgufMapping.Stored;
import dev.monoquant.spi.Hyperparameters;
import dev.monoquant.spi.ModelInfo;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * Collects the tensors and the metadata of a {@link GgufMapping}. What llama.cpp expects in F32 is
 * stored so: tensors of rank 1, norms, routers, positions and token types, and everything that is
 * not named {@code .weight}.
 */
final class MappingBuilder {

  private static final Set<String> FLOAT32 =
      Set.of("ffn_gate_inp", "ffn_gate_inp_shexp", "position_embd", "token_types");

  private final String architecture;
  private final ModelInfo model;
  private final List<Stored> tensors = new ArrayList<>();
  private final Map<String, String> leftOut = new LinkedHashMap<>();
  private final Map<String, Object> metadata = new LinkedHashMap<>();
  private final List<String> notes = new ArrayList<>();

  MappingBuilder(String architecture, ModelInfo model) {
    this.architecture = architecture;
    this.model = model;
  }

  GgufMapping build() {
    return new GgufMapping(architecture, tensors, leftOut, metadata, notes);
  }

  void leaveOut(TensorInfo tensor, String reason) {
    leftOut.put(tensor.name(), reason);
  }

  /** A tensor as it is, under another name. */
  void rename(TensorInfo from, String to) {
    heads(from, to, 0);
  }

  /** A tensor whose rows are heads of rotary embeddings; 0 rows in a head for none. */
  void heads(TensorInfo from, String to, int rotary) {
    List<Run> runs = List.of(run(from, 0, rows(from), rotary));
    store(to, from.shape(), runs, isFloat32(to, from.shape()), 0);
  }

  /** A tensor of which each number is greater by one. */
  void plusOne(TensorInfo from, String to) {
    store(to, from.shape(), List.of(run(from, 0, rows(from), 0)), true, 1);
  }

  /** Matrices of one shape as one tensor of rank 3. */
  void stack(List<TensorInfo> from, String to) {
    TensorInfo first = from.get(0);
    List<Run> runs = new ArrayList<>();
    for (TensorInfo each : from) {
      if (each.shape().rank() != 2
          || !each.shape().equals(first.shape())
          || each.type() != first.type()) {
        throw fault(each, "is not of the type and shape of " + quote(first.name()));
      }
      runs.add(run(each, 0, rows(each), 0));
    }
    long[] shape = {from.size(), first.shape().dim(0), first.shape().dim(1)};
    store(to, TensorShape.of(shape), runs, false, 0);
  }

  /** Lines {@code first} to {@code first + count - 1} of each matrix of a tensor of rank 3. */
  void slice(TensorInfo from, long first, long count, String to) {
    List<Run> runs = new ArrayList<>();
    for (long e = 0; e < from.shape().dim(0); e++) {
      runs.add(run(from, e * from.shape().dim(1) + first, count, 0));
    }
    TensorShape shape = TensorShape.of(from.shape().dim(0), count, from.shape().dim(2));
    store(to, shape, runs, false, 0);
  }

  /** Numbers that no tensor holds. */
  void numbers(String to, List<Float> values) {
    tensors.add(new Stored(to, TensorShape.of(values.size()), new Numbers(values)));
  }

  void note(String text) {
    notes.add(text);
  }

  /**
   * Tells that llama.cpp computes another activation than config.json says; it has one for each
   * architecture.
   *
   * @param same the names of that of llama.cpp
   */
  void activation(Hyperparameters config, String key, String... same) {
    String own = config.text(key).orElse(same[0]);
    if (!List.of(same).contains(own)) {
      note(
          key
              + " in config.json is "
              + own
              + ", and llama.cpp computes "
              + same[0]
              + " for "
              + architecture
              + ": its results differ from those of transformers");
    }
  }

  /** Tells that llama.cpp does not limit attention for this architecture, where the model does. */
  void window(Hyperparameters config) {
    Optional<Integer> window = config.count("sliding_window");
    int context = config.count("max_position_embeddings").orElse(Integer.MAX_VALUE);
    if (window.isPresent() && window.get() < context) {
      note(
          "sliding_window in config.json is "
              + window.get()
              + ", and llama.cpp has none for "
              + architecture
              + ": for longer texts its results differ from those of transformers");
    }
  }

  /** Adds metadata of the architecture. */
  void put(String key, Object value) {
    metadata.put(architecture + "." + key, value);
  }

  /** Adds metadata with a whole key. */
  void putWhole(String key, Object value) {
    metadata.put(key, value);
  }

  /** Adds metadata of the architecture, if there is a value. */
  void putIfPresent(String key, Optional<Integer> value) {
    value.ifPresent(v -> put(key, v));
  }

  /** A tensor of the model that cannot be stored. */
  ModelFormatException fault(TensorInfo tensor, String detail) {
    return new ModelFormatException(
        Reason.UNSUPPORTED_TENSOR,
        model.name(),
        "tensor " + quote(tensor.name()),
        detail + ", so it cannot be stored as GGUF. Write a .safetensors file instead.");
  }

  /**
   * {@return the value of {@code num_hidden_layers}, after a check that the model has these blocks}
   *
   * @param prefix what is before the number of a block
   * @param names gives the name of a tensor that may begin with the prefix
   */
  int blocks(Hyperparameters config, String prefix, UnaryOperator<String> names) {
    int blocks = config.require("num_hidden_layers");
    boolean[] found = new boolean[Math.min(blocks, model.tensors().size() + 1)];
    for (TensorInfo tensor : model.tensors()) {
      Optional<Block> block = Block.of(names.apply(tensor.name()), prefix);
      if (block.isPresent() && block.get().number() < found.length) {
        found[block.get().number()] = true;
      }
    }
    for (int i = 0; i < found.length; i++) {
      if (!found[i]) {
        throw new ModelFormatException(
            Reason.METADATA,
            config.file(),
            "value \"num_hidden_layers\"",
            "is "
                + blocks
                + ", and the model has no tensor of "
                + quote(prefix + i)
                + ". Fetch model and config.json again.");
      }
    }
    return blocks;
  }

  private void store(String to, TensorShape shape, List<Run> runs, boolean float32, float plus) {
    tensors.add(new Stored(to, shape, new Rows(runs, float32, plus)));
  }

  private Run run(TensorInfo from, long first, long count, int rotary) {
    try {
      return new Run(from, first, count, rotary);
    } catch (IllegalArgumentException e) {
      throw fault(from, "has the shape " + from.shape() + ", and " + e.getMessage());
    }
  }

  private static long rows(TensorInfo tensor) {
    return tensor.shape().rank() < 2
        ? tensor.shape().elements()
        : tensor.shape().elements() / Math.max(1, tensor.shape().dim(-1));
  }

  private static boolean isFloat32(String name, TensorShape shape) {
    if (shape.rank() < 2 || !name.endsWith(".weight") || name.endsWith("_norm.weight")) {
      return true;
    }
    String layer = name.substring(0, name.length() - ".weight".length());
    return FLOAT32.contains(layer.substring(layer.lastIndexOf('.') + 1));
  }
}
