package dev.monoquant.io.compressedtensors;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantException;
import dev.monoquant.files.model.ModelConfig;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.ModelInfo;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Experts that lie in one tensor of rank 3, and the matrices that loaders of quantized models
 * expect in their place: one for each expert and projection. With E experts, H columns in and I
 * inside,
 *
 * <pre>
 * experts.gate_up_proj  (E, 2I, H)   expert e:  [ gate (I, H) | up (I, H) ]   rows one after the other
 * experts.down_proj     (E, H, I)    expert e:  [ down (H, I) ]
 *
 * Llama 4 has the inputs first:
 * experts.gate_up_proj  (E, H, 2I)   each of the H lines:  [ a column of gate | a column of up ]
 * experts.down_proj     (E, I, H)    each of the I lines:  a column of down
 * </pre>
 *
 * <p>The architectures that load experts one by one, and the names of the experts, are those of the
 * conversions in transformers 5.24; a quantized Llama 4 has special modules there. For all others
 * (GPT OSS, Qwen3-VL-MoE, Gemma 4, Granite) transformers only loads the tensor of rank 3, in float,
 * so it is left unquantized.
 */
final class JoinedExperts {

  /** The names of the projections; the gate is optional. */
  private enum Names {
    GATE_UP_DOWN("gate_proj", "up_proj", "down_proj", false),
    NUMBERED("w1", "w3", "w2", false),
    UP_DOWN("", "up_proj", "down_proj", false),
    LLAMA4("gate_proj", "up_proj", "down_proj", true);

    private final String gate;
    private final String up;
    private final String down;
    private final boolean inputsFirst;

    Names(String gate, String up, String down, boolean inputsFirst) {
      this.gate = gate;
      this.up = up;
      this.down = down;
      this.inputsFirst = inputsFirst;
    }
  }

  private static final Map<String, Names> BY_MODEL_TYPE = new LinkedHashMap<>();

  static {
    List.of(
            "afmoe,axk1,axk2,bailing_hybrid,beam,cohere2_moe,deepseek_ocr2,deepseek_v2,deepseek_v3",
            "deepseek_v32,dots1,ernie4_5_moe,exaone_moe,flex_olmo,flint,glm4_moe,glm4_moe_lite",
            "glm4v_moe,glm5_next,glm5_next_text,glm_moe_dsa,hunyuan_v1_moe,hy_v3,jamba,kimi_k25",
            "kolibri1,laguna,longcat_flash,mellum,mimo_v2_flash,olmoe,qwen2_moe,qwen3_5_moe",
            "qwen3_5_moe_text,qwen3_moe,qwen3_next,qwen3_omni_moe,qwen3_omni_moe_text",
            "qwen3_omni_moe_thinker,qwen4_exp_text,sarvam_mla,sarvam_moe,solar_open")
        .forEach(line -> put(line, Names.GATE_UP_DOWN));
    put(
        "mixtral,phimoe,minimax,minimax_m2,minimax_m3_vl,lfm2_moe,deepseek_v4,kimi_linear",
        Names.NUMBERED);
    put("mistral_large4_text", Names.NUMBERED);
    put("nemotron_h", Names.UP_DOWN);
    put("llama4,llama4_text", Names.LLAMA4);
  }

  private static final String EXPERTS = "experts";
  private static final String GATE_UP = ".experts.gate_up_proj";
  private static final String UP = ".experts.up_proj";
  private static final String DOWN = ".experts.down_proj";

  /** Modules of Granite and JetMoE whose weights are all experts. */
  private static final Set<String> GRANITE = Set.of("input_linear", "output_linear");

  /**
   * A matrix within a tensor.
   *
   * @param tensor the matrix, under its name in loaders
   * @param from the tensor that contains it
   * @param first the index of its first number in that tensor
   * @param rowStride from a row to the next one, in numbers
   * @param columnStride from a column to the next one, in numbers
   */
  record Slice(TensorInfo tensor, TensorInfo from, long first, long rowStride, long columnStride) {
    /** {@return whether its numbers are contiguous in row-major order} */
    boolean isContiguous() {
      return columnStride == 1;
    }
  }

  private JoinedExperts() {}

  private static void put(String modelTypes, Names names) {
    for (String type : modelTypes.split(",", -1)) {
      BY_MODEL_TYPE.put(type, names);
    }
  }

  /**
   * {@return the module of the experts that a tensor of rank 3 joins, such as {@code
   * model.layers.0.mlp.experts}; empty for any other tensor}
   *
   * @param tensor any tensor
   */
  static Optional<String> mixture(TensorInfo tensor) {
    if (tensor.shape().rank() != 3 || !tensor.type().isQuantizable()) {
      return Optional.empty();
    }
    List<String> parts = List.of(tensor.name().split("\\.", -1));
    int at = parts.indexOf(EXPERTS);
    if (at >= 0 && at + 1 < parts.size()) {
      return Optional.of(String.join(".", parts.subList(0, at + 1)));
    }
    int module = parts.size() - 2;
    return module > 0 && GRANITE.contains(parts.get(module))
        ? Optional.of(String.join(".", parts.subList(0, module)) + "." + EXPERTS)
        : Optional.empty();
  }

  /**
   * {@return the matrices that replace each tensor, by its name; tensors left unchanged are absent}
   *
   * @param info the model
   * @param config its configuration, which names the architecture
   * @throws ConfigurationException if experts cannot be left unchanged, and do not have the shapes
   *     of the architecture
   */
  static Map<String, List<Slice>> slices(ModelInfo info, ModelConfig config) {
    Map<String, List<Slice>> slices = new LinkedHashMap<>();
    Optional<Names> names =
        config.modelTypes().stream()
            .filter(BY_MODEL_TYPE::containsKey)
            .map(BY_MODEL_TYPE::get)
            .findFirst();
    if (names.isEmpty()) {
      return slices;
    }
    Map<String, TensorInfo> tensors = new LinkedHashMap<>();
    info.tensors().forEach(t -> tensors.put(t.name(), t));
    for (TensorInfo down : info.tensors()) {
      if (mixture(down).isPresent() && down.name().endsWith(DOWN)) {
        String block = down.name().substring(0, down.name().length() - DOWN.length());
        TensorInfo up = tensors.get(block + (names.get().gate.isEmpty() ? UP : GATE_UP));
        if (up != null && fit(up, down, names.get())) {
          slices.put(up.name(), up(up, block, names.get()));
          slices.put(down.name(), down(down, block, names.get()));
        } else if (names.get() == Names.LLAMA4) {
          throw unfit(info, down);
        }
      }
    }
    return slices;
  }

  /**
   * Refuses experts in one tensor if loaders of a quantized model need separate matrices.
   *
   * @param kept the tensors that would be left unquantized
   */
  static void requireSeparate(String model, List<TensorInfo> kept, ModelConfig config) {
    if (config.modelTypes().stream().map(BY_MODEL_TYPE::get).anyMatch(n -> n == Names.LLAMA4)) {
      for (TensorInfo tensor : kept) {
        if (mixture(tensor).isPresent()) {
          throw new ConfigurationException(
              model
                  + ": "
                  + QuantException.quote(tensor.name())
                  + " holds all experts of a layer, and loaders of a quantized Llama 4 need each by"
                  + " itself. Name the format when quantizing, format(\"compressed-tensors\"), so"
                  + " that they are taken apart; or write to a .safetensors file");
        }
      }
    }
  }

  private static boolean fit(TensorInfo up, TensorInfo down, Names names) {
    if (up.shape().rank() != 3 || up.type() != down.type()) {
      return false;
    }
    int inside = names.inputsFirst ? 2 : 1;
    long factor = names.gate.isEmpty() ? 1 : 2;
    return up.shape().dim(0) == down.shape().dim(0)
        && up.shape().dim(inside) == factor * down.shape().dim(3 - inside)
        && up.shape().dim(3 - inside) == down.shape().dim(inside);
  }

  private static ConfigurationException unfit(ModelInfo info, TensorInfo down) {
    return new ConfigurationException(
        info.name()
            + ": the experts of "
            + QuantException.quote(down.name())
            + " do not have the shapes of Llama 4, (experts, inside, hidden) beside gate_up_proj of"
            + " (experts, hidden, 2 x inside), and loaders of a quantized Llama 4 need each expert by"
            + " itself. Write to a .safetensors file instead");
  }

  private static List<Slice> up(TensorInfo from, String block, Names names) {
    TensorShape shape = from.shape();
    boolean swapped = names.inputsFirst;
    long both = shape.dim(swapped ? 2 : 1);
    long hidden = shape.dim(swapped ? 1 : 2);
    boolean gated = !names.gate.isEmpty();
    long inside = gated ? both / 2 : both;
    List<Slice> slices = new ArrayList<>();
    for (long e = 0; e < shape.dim(0); e++) {
      long first = e * both * hidden;
      if (gated) {
        slices.add(slice(from, block, e, names.gate, inside, hidden, first, swapped, both));
        first += swapped ? inside : inside * hidden;
      }
      slices.add(slice(from, block, e, names.up, inside, hidden, first, swapped, both));
    }
    return slices;
  }

  private static List<Slice> down(TensorInfo from, String block, Names names) {
    TensorShape shape = from.shape();
    boolean swapped = names.inputsFirst;
    long hidden = shape.dim(swapped ? 2 : 1);
    long inside = shape.dim(swapped ? 1 : 2);
    List<Slice> slices = new ArrayList<>();
    for (long e = 0; e < shape.dim(0); e++) {
      long first = e * hidden * inside;
      slices.add(slice(from, block, e, names.down, hidden, inside, first, swapped, hidden));
    }
    return slices;
  }

  /** A matrix of an expert; if the inputs come first, a line of the tensor is a column. */
  private static Slice slice(
      TensorInfo from,
      String block,
      long expert,
      String name,
      long rows,
      long columns,
      long first,
      boolean swapped,
      long line) {
    TensorInfo matrix =
        new TensorInfo(
            block + "." + EXPERTS + "." + expert + "." + name + ".weight",
            from.type(),
            TensorShape.of(rows, columns),
            from.shard());
    return new Slice(matrix, from, first, swapped ? 1 : columns, swapped ? line : 1);
  }
}
