package dev.monoquant.io.gguf;

import dev.monoquant.files.gguf.GgmlType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.SchemeMix;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The type of each tensor in a mix, by llama-quantize's rules: the kind of the tensor by its name,
 * the position of its block, the number of experts and of query heads for each key head, whether
 * the output shares the embedding, and whether there is a calibration.
 *
 * <p>Source: {@code src/llama-quant.cpp} of llama.cpp. It differs in one point: where a row has no
 * whole blocks of 32 numbers, llama.cpp refuses some mixes, and here the tensor becomes F16.
 * Immutable.
 */
final class MixRules implements SchemeMix {

  private static final String FALCON = "falcon";

  /** In the names of tensors that stay in float. */
  private static final List<String> FLOATS =
      List.of(
          "_norm.weight",
          "ffn_gate_inp.weight",
          "ffn_gate_tid2eid.weight",
          "altup",
          "laurel",
          "per_layer_model_proj",
          "ssm_conv1d",
          "shortconv.conv.weight",
          "indexer.k_proj.weight",
          "indexer.q_proj.weight",
          "attn_rel_b.weight",
          ".position_embd",
          "sam.pos_embd",
          "sam.neck.",
          "sam.net_",
          ".rel_pos",
          ".patch_embd",
          ".patch_merger",
          "a.rvq.codebook",
          "mm.a.code_embd",
          "time_mix_first.weight",
          "time_mix_w0.weight",
          "time_mix_w1.weight",
          "time_mix_w2.weight",
          "time_mix_v0.weight",
          "time_mix_v1.weight",
          "time_mix_v2.weight",
          "time_mix_a0.weight",
          "time_mix_a1.weight",
          "time_mix_a2.weight",
          "time_mix_g1.weight",
          "time_mix_g2.weight",
          "time_mix_decay_w1.weight",
          "time_mix_decay_w2.weight",
          "time_mix_lerp_fused.weight");

  private static final Set<String> FLOAT_NAMES =
      Set.of("position_embd.weight", "token_types.weight");

  private static final Pattern BLOCK = Pattern.compile("blk\\.(\\d{1,9})\\..*");

  /** What a name says about a tensor, the first that matches. */
  private enum Role {
    OUTPUT,
    EMBEDDING,
    VALUE,
    KEY,
    ATTENTION_OUTPUT,
    DOWN,
    OTHER;

    static Role of(String name) {
      if (name.equals("output.weight")) {
        return OUTPUT;
      }
      if (name.equals("token_embd.weight") || name.equals("per_layer_token_embd.weight")) {
        return EMBEDDING;
      }
      if (name.contains("attn_qkv.weight")
          || name.contains("attn_kv_b.weight")
          || name.contains("attn_v.weight")) {
        return VALUE;
      }
      if (name.contains("attn_k.weight")) {
        return KEY;
      }
      if (name.contains("attn_q.weight")) {
        return OTHER;
      }
      if (name.contains("attn_output.weight")) {
        return ATTENTION_OUTPUT;
      }
      // Names of ffn_up and ffn_gate come first, as ffn_down is only looked for behind them.
      boolean other = name.contains("ffn_up") || name.contains("ffn_gate");
      return !other && name.contains("ffn_down") ? DOWN : OTHER;
    }
  }

  /**
   * What the rules ask about a model.
   *
   * @param architecture its architecture, such as {@code llama}
   * @param blocks its blocks
   * @param experts experts of a block, 0 or 1 if there is no mixture
   * @param heads query heads of the first block
   * @param keyHeads key heads of the first block
   */
  record Facts(String architecture, int blocks, int experts, int heads, int keyHeads) {

    int headsPerKey() {
      return keyHeads == 0 ? 0 : heads / keyHeads;
    }

    /** Whether llama.cpp counts it among the models of 70 billion numbers. */
    boolean isLarge() {
      return switch (architecture) {
        case "llama" -> blocks == 80 && heads != keyHeads;
        case "qwen2", "deci", "olmo" -> blocks == 80;
        case "jais2" -> blocks == 68;
        default -> false;
      };
    }
  }

  private final ModelSource source;
  private final TypeMix mix;
  private final Facts facts;
  private final boolean calibrated;
  private final Map<String, GgmlType> types = new HashMap<>();
  private final boolean tied;

  private int values;
  private int downs;
  private final int allValues;

  /**
   * Applies the rules.
   *
   * @param mix the mix
   * @param facts what is known of the model
   * @param calibrated whether there is a calibration
   * @param source the model
   */
  MixRules(TypeMix mix, Facts facts, boolean calibrated, ModelSource source) {
    List<TensorInfo> tensors = ExpertView.whole(source);
    this.source = source;
    this.mix = mix;
    this.facts = facts;
    this.calibrated = calibrated;
    this.tied = tensors.stream().noneMatch(t -> Role.of(t.name()) == Role.OUTPUT);
    this.allValues = (int) tensors.stream().filter(t -> Role.of(t.name()) == Role.VALUE).count();
    List<TensorInfo> sorted = new ArrayList<>(tensors);
    sorted.sort(
        Comparator.comparingInt((TensorInfo t) -> block(t.name())).thenComparing(TensorInfo::name));
    for (TensorInfo tensor : sorted) {
      if (isQuantized(tensor)) {
        types.put(tensor.name(), fitting(tensor.shape().dim(-1), type(tensor)));
      }
    }
  }

  @Override
  public String name() {
    return mix.name();
  }

  @Override
  public Choice choose(TensorInfo tensor) {
    String name =
        ExpertView.expert(source, tensor.name()).map(e -> e.whole().name()).orElse(tensor.name());
    GgmlType type = types.get(name);
    if (type == null) {
      return Choice.keep("the mix " + mix + " leaves tensors of this name or shape in float");
    }
    return Choice.of(type == GgmlType.F16 ? "float16" : "ggml/" + type.wire());
  }

  private static int block(String name) {
    Matcher block = BLOCK.matcher(name);
    return block.matches() ? Integer.parseInt(block.group(1)) : -1;
  }

  private static boolean isQuantized(TensorInfo tensor) {
    String name = tensor.name();
    return dimensions(tensor.shape()) >= 2
        && name.endsWith("weight")
        && !FLOAT_NAMES.contains(name)
        && FLOATS.stream().noneMatch(name::contains);
  }

  /** Dimensions without the first ones that are 1. */
  private static int dimensions(TensorShape shape) {
    int skipped = 0;
    while (skipped < shape.rank() - 1 && shape.dim(skipped) == 1) {
      skipped++;
    }
    return shape.rank() - skipped;
  }

  private GgmlType type(TensorInfo tensor) {
    Role role = Role.of(tensor.name());
    TensorShape shape = tensor.shape();
    if (role == Role.OUTPUT || (tied && role == Role.EMBEDDING)) {
      boolean bytes =
          mix == TypeMix.MXFP4_MOE
              || mix == TypeMix.Q8_0
              || facts.architecture.equals(FALCON)
              || shape.dim(-1) % mix.type().numbers() != 0;
      return bytes ? GgmlType.Q8_0 : GgmlType.Q6_K;
    }
    if (mix == TypeMix.MXFP4_MOE) {
      return shape.rank() > 2 && shape.dim(-3) > 1 ? GgmlType.MXFP4 : GgmlType.Q8_0;
    }
    return switch (role) {
      case VALUE -> value(values++);
      case KEY -> facts.experts == 8 ? GgmlType.Q8_0 : mix.type();
      case DOWN -> {
        int position = downs++;
        yield down(facts.experts > 1 ? block(tensor.name()) : position);
      }
      case ATTENTION_OUTPUT -> attentionOutput();
      default -> mix.type();
    };
  }

  /** The first and the last eighth of the blocks, and every third one between. */
  private static boolean isImportant(int position, int count) {
    return position < count / 8 || position >= 7 * count / 8 || (position - count / 8) % 3 == 2;
  }

  private GgmlType value(int position) {
    boolean shared = facts.headsPerKey() >= 4;
    GgmlType type =
        switch (mix) {
          case Q2_K -> shared ? GgmlType.Q4_K : GgmlType.Q3_K;
          case Q2_K_S -> shared ? GgmlType.Q4_K : mix.type();
          case Q3_K_M -> position < 2 ? GgmlType.Q5_K : GgmlType.Q4_K;
          case Q3_K_L -> GgmlType.Q5_K;
          case IQ4_NL, IQ4_XS -> shared ? GgmlType.Q5_K : mix.type();
          case Q4_K_M, Q5_K_M -> isImportant(position, allValues) ? GgmlType.Q6_K : mix.type();
          case Q4_K_S -> position < 4 ? GgmlType.Q5_K : mix.type();
          default -> mix.type();
        };
    if (facts.isLarge() && (type == GgmlType.Q3_K || type == GgmlType.Q4_K)) {
      type = GgmlType.Q5_K;
    }
    return facts.experts == 8 ? GgmlType.Q8_0 : type;
  }

  private GgmlType down(int position) {
    int count = facts.blocks;
    boolean falcon = facts.architecture.equals(FALCON);
    boolean first = position < count / 8;
    boolean important = isImportant(position, count);
    return switch (mix) {
      case Q2_K -> GgmlType.Q3_K;
      case Q2_K_S -> first ? GgmlType.Q4_K : mix.type();
      case Q3_K_M ->
          position < count / 16
              ? GgmlType.Q5_K
              : !falcon || important ? GgmlType.Q4_K : GgmlType.Q3_K;
      case Q3_K_L -> falcon ? GgmlType.Q4_K : GgmlType.Q5_K;
      case Q4_K_M -> {
        GgmlType more = falcon && position >= count / 16 ? GgmlType.Q5_K : GgmlType.Q6_K;
        yield important ? more : mix.type();
      }
      case IQ4_NL, IQ4_XS -> first && !calibrated ? GgmlType.Q5_K : mix.type();
      case Q5_K_M -> important ? GgmlType.Q6_K : mix.type();
      case Q4_K_S -> first && !falcon ? GgmlType.Q5_K : mix.type();
      case Q4_0 -> first && calibrated ? GgmlType.Q4_1 : mix.type();
      case Q5_0 -> first && calibrated ? GgmlType.Q5_1 : mix.type();
      default -> mix.type();
    };
  }

  private GgmlType attentionOutput() {
    if (facts.architecture.equals(FALCON)) {
      return mix == TypeMix.Q3_K_L ? GgmlType.Q4_K : mix.type();
    }
    if (facts.experts == 8) {
      return switch (mix) {
        case Q2_K, Q3_K_S, Q3_K_M, IQ4_NL, IQ4_XS, Q4_K_S, Q4_K_M -> GgmlType.Q5_K;
        default -> mix.type();
      };
    }
    return switch (mix) {
      case Q2_K -> GgmlType.Q3_K;
      case Q3_K_M -> GgmlType.Q4_K;
      case Q3_K_L -> GgmlType.Q5_K;
      default -> mix.type();
    };
  }

  /** The type, or the next one of smaller blocks that divide a row. */
  private static GgmlType fitting(long columns, GgmlType type) {
    if (columns % type.numbers() == 0) {
      return type;
    }
    GgmlType smaller =
        switch (type) {
          case Q2_K, Q3_K -> GgmlType.Q4_0;
          case Q4_K -> GgmlType.Q5_0;
          case Q5_K -> GgmlType.Q5_1;
          case Q6_K -> GgmlType.Q8_0;
          case IQ4_XS -> GgmlType.IQ4_NL;
          default -> GgmlType.F16;
        };
    return columns % smaller.numbers() == 0 ? smaller : GgmlType.F16;
  }
}
