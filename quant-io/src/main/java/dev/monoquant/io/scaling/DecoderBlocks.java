package dev.monoquant.io.scaling;

import dev.monoquant.model.Layer;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ScaleFold;
import dev.monoquant.spi.ScaleFold.Side;
import dev.monoquant.spi.ScaleFolds;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * The folds of language models that transformers builds alike. A block of the prefix P:
 *
 * <pre>
 * P input_layernorm  -> P self_attn. q_proj, k_proj, v_proj, or qkv_proj
 * P self_attn.v_proj -> P self_attn.o_proj               without grouped queries
 * P (norm)           -> P mlp. gate_proj, up_proj, or gate_up_proj; of experts also, and the router
 * P mlp.up_proj      -> P mlp.down_proj                  of each expert
 * </pre>
 *
 * <p>A block with a matrix whose place is not known has no fold at that norm.
 */
final class DecoderBlocks {

  private static final String ATTENTION = "self_attn.";
  private static final List<String> FEED_FORWARD = List.of("mlp.", "block_sparse_moe.");
  private static final String INPUT_NORM = "input_layernorm";
  private static final String WEIGHT = ".weight";

  private static final Set<String> ATTENTION_READERS =
      Set.of("q_proj", "k_proj", "v_proj", "qkv_proj");
  private static final Set<String> ATTENTION_OTHERS = Set.of("o_proj", "q_norm", "k_norm");

  /** Matrices of a feed-forward part that read its input, without the expert they belong to. */
  private static final Set<String> READERS =
      Set.of("gate_proj", "up_proj", "gate_up_proj", "w1", "w3", "gate", "shared_expert_gate");

  /** What old files have of rotary embeddings. */
  private static final String FREQUENCIES = "rotary_emb.inv_freq";

  private static final Set<String> MAKERS = Set.of("down_proj", "w2");

  private final Map<String, TensorInfo> tensors = new LinkedHashMap<>();
  private final float plus;
  private final String feedForwardNorm;
  private final List<ScaleFold> folds = new ArrayList<>();
  private final Map<String, String> left = new LinkedHashMap<>();

  /**
   * @param plus what norms add to their weight
   * @param feedForwardNorm the norm before the feed-forward part
   */
  DecoderBlocks(ModelInfo model, float plus, String feedForwardNorm) {
    model.tensors().forEach(tensor -> tensors.put(tensor.name(), tensor));
    this.plus = plus;
    this.feedForwardNorm = feedForwardNorm;
  }

  ScaleFolds folds() {
    for (String prefix : prefixes()) {
      attention(prefix);
      feedForward(prefix);
    }
    return new ScaleFolds(folds, left);
  }

  /**
   * Whether there are blocks and each has what those of Llama have, and nothing else: other norms,
   * such as those of BitNet between layers, biases of norms (Nemotron, which adds 1 to weights), or
   * a feed-forward part without a gate (Arcee) are of models that compute otherwise.
   */
  boolean areCertain() {
    Set<String> prefixes = prefixes();
    for (String prefix : prefixes) {
      Set<String> modules = new TreeSet<>();
      for (String name : under(prefix)) {
        if (!isKnown(name.substring(prefix.length()), modules)) {
          return false;
        }
      }
      boolean attends = modules.contains("q_proj") || modules.contains("qkv_proj");
      boolean gated =
          modules.contains("gate_proj")
              || modules.contains("gate_up_proj")
              || (modules.contains("w1") && modules.contains("w3"));
      if (!modules.containsAll(Set.of(INPUT_NORM, feedForwardNorm)) || !attends || !gated) {
        return false;
      }
    }
    return !prefixes.isEmpty();
  }

  /**
   * @param local the name of a tensor within its block
   * @param modules receives its module
   */
  private boolean isKnown(String local, Set<String> modules) {
    boolean bias = local.endsWith(".bias");
    if (!bias && !local.endsWith(WEIGHT)) {
      return local.endsWith(FREQUENCIES);
    }
    String own = cut(local, bias ? ".bias" : WEIGHT);
    if (own.equals(INPUT_NORM) || own.equals(feedForwardNorm)) {
      modules.add(own);
      return !bias;
    }
    if (own.startsWith(ATTENTION)) {
      String module = own.substring(ATTENTION.length());
      modules.add(module);
      return ATTENTION_READERS.contains(module)
          || module.equals("o_proj")
          || (!bias && ATTENTION_OTHERS.contains(module));
    }
    for (String part : FEED_FORWARD) {
      if (own.startsWith(part)) {
        String module = module(own.substring(part.length()));
        modules.add(module);
        return READERS.contains(module) || MAKERS.contains(module);
      }
    }
    return false;
  }

  private Set<String> prefixes() {
    Set<String> prefixes = new LinkedHashSet<>();
    String norm = "." + INPUT_NORM + WEIGHT;
    for (String name : tensors.keySet()) {
      if (name.endsWith(norm)) {
        prefixes.add(name.substring(0, name.length() - norm.length() + 1));
      }
    }
    return prefixes;
  }

  private List<String> under(String prefix) {
    return tensors.keySet().stream().filter(name -> name.startsWith(prefix)).toList();
  }

  private void attention(String prefix) {
    List<String> readers = new ArrayList<>();
    for (String name : under(prefix + ATTENTION)) {
      TensorInfo tensor = tensors.get(name);
      String local = name.substring(prefix.length() + ATTENTION.length());
      if (tensor == null || tensor.shape().rank() < 2) {
        continue;
      }
      String module = local.endsWith(WEIGHT) ? cut(local, WEIGHT) : local;
      if (ATTENTION_READERS.contains(module)) {
        readers.add(name);
      } else if (!ATTENTION_OTHERS.contains(module)) {
        leave(readers(prefix + ATTENTION), "its block has a matrix of unknown use, " + name);
        return;
      }
    }
    norm(prefix + INPUT_NORM, readers);
    linear(prefix + ATTENTION + "v_proj", prefix + ATTENTION + "o_proj");
  }

  private void feedForward(String prefix) {
    List<String> readers = new ArrayList<>();
    List<String> makers = new ArrayList<>();
    for (String part : FEED_FORWARD) {
      for (String name : under(prefix + part)) {
        TensorInfo tensor = tensors.get(name);
        if (tensor == null || tensor.shape().rank() < 2) {
          continue;
        }
        String module = module(name.substring(prefix.length() + part.length()));
        if (READERS.contains(module) && tensor.shape().rank() == 2) {
          readers.add(name);
        } else if (MAKERS.contains(module) && tensor.shape().rank() == 2) {
          makers.add(name);
        } else {
          leave(readers(prefix + part), "its block has a matrix of unknown use, " + name);
          return;
        }
      }
    }
    norm(prefix + feedForwardNorm, readers);
    for (String name : makers) {
      String layer = cut(name, WEIGHT);
      boolean mixtral = layer.endsWith("w2");
      String down = mixtral ? "w2" : "down_proj";
      linear(cut(layer, down) + (mixtral ? "w3" : "up_proj"), layer);
    }
  }

  /** The name of a module without the expert: {@code experts.3.w1.weight} is {@code w1}. */
  private static String module(String local) {
    String own = local.endsWith(WEIGHT) ? cut(local, WEIGHT) : local;
    String[] parts = own.split("\\.", -1);
    if (parts.length == 3 && parts[0].equals("experts") && Layer.isNumber(parts[1])) {
      return parts[2];
    }
    return parts.length == 2 && parts[0].equals("shared_expert") ? parts[1] : own;
  }

  private void norm(String norm, List<String> readers) {
    TensorInfo weight = tensors.get(norm + WEIGHT);
    if (readers.isEmpty()) {
      return;
    }
    if (weight == null) {
      leave(readers, "there is no norm " + norm);
      return;
    }
    List<Side> divided = new ArrayList<>(List.of(new Side(weight, 0, plus)));
    TensorInfo bias = tensors.get(norm + ".bias");
    if (bias != null) {
      divided.add(new Side(bias, 0, 0));
    }
    fold(norm, divided, readers, bias == null);
  }

  /** A Linear between whose rows and the columns of the next there is nothing but products. */
  private void linear(String from, String to) {
    TensorInfo weight = tensors.get(from + WEIGHT);
    TensorInfo next = tensors.get(to + WEIGHT);
    if (next == null) {
      return;
    }
    if (weight == null) {
      leave(List.of(to + WEIGHT), "what makes its input is not a layer of its own");
    } else if (next.shape().rank() != 2 || weight.shape().dim(0) != next.shape().dim(1)) {
      leave(
          List.of(to + WEIGHT),
          "what makes its input has another number of rows than it has columns (grouped"
              + " queries)");
    } else {
      List<Side> divided = new ArrayList<>(List.of(new Side(weight, 0, 0)));
      TensorInfo bias = tensors.get(from + ".bias");
      if (bias != null) {
        divided.add(new Side(bias, 0, 0));
      }
      fold(from, divided, List.of(to + WEIGHT), false);
    }
  }

  private void fold(String input, List<Side> divided, List<String> readers, boolean normalized) {
    List<Side> multiplied = new ArrayList<>();
    for (String reader : readers) {
      TensorInfo tensor = tensors.get(reader);
      if (tensor == null
          || tensor.shape().rank() != 2
          || tensor.shape().dim(1) != divided.get(0).size()) {
        leave(readers, reader + " is not as wide as " + input);
        return;
      }
      multiplied.add(new Side(tensor, 1, 0));
    }
    if (divided.stream().anyMatch(side -> side.size() != divided.get(0).size())) {
      leave(readers, "weight and bias of " + input + " have different lengths");
      return;
    }
    folds.add(new ScaleFold(input, divided, multiplied, normalized));
  }

  private List<String> readers(String part) {
    return under(part).stream().filter(name -> name.endsWith(WEIGHT) && isMatrix(name)).toList();
  }

  private boolean isMatrix(String name) {
    TensorInfo tensor = tensors.get(name);
    return tensor != null && tensor.shape().rank() == 2;
  }

  private void leave(List<String> names, String reason) {
    names.forEach(name -> left.put(name, reason));
  }

  private static String cut(String text, String end) {
    return text.substring(0, text.length() - end.length());
  }
}
