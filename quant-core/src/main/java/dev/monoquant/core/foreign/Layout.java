package dev.monoquant.core.foreign;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * The names and types of the tensors of one weight in a known format. The names start with the same
 * prefix and differ in their endings:
 *
 * <pre>
 *   layers.0.mlp.up_proj.qweight   I32 [K / 8, N]      codes
 *   layers.0.mlp.up_proj.qzeros    I32 [K / G, N / 8]  beside them
 *   layers.0.mlp.up_proj.scales    F16 [K / G, N]      beside them
 * </pre>
 *
 * @param method the common name of the method
 * @param codes the ending of the name of the codes; empty if the other names extend it
 * @param types the allowed types of codes
 * @param beside the endings of the names of the other tensors, with the allowed types of each
 * @param sameColumns whether the codes and the last of the other tensors must have the same last
 *     dimension
 */
record Layout(
    String method,
    String codes,
    Set<ElementType> types,
    Map<String, Set<ElementType>> beside,
    boolean sameColumns) {

  static final Set<ElementType> FLOATS =
      EnumSet.of(
          ElementType.FLOAT16, ElementType.BFLOAT16, ElementType.FLOAT32, ElementType.FLOAT64);
  static final Set<ElementType> FP8 =
      EnumSet.of(
          ElementType.FLOAT8_E4M3,
          ElementType.FLOAT8_E5M2,
          ElementType.FLOAT8_E4M3FNUZ,
          ElementType.FLOAT8_E5M2FNUZ);
  static final Set<ElementType> BYTES = EnumSet.of(ElementType.UINT8, ElementType.INT8);
  static final Set<ElementType> WORDS =
      EnumSet.of(ElementType.INT16, ElementType.UINT16, ElementType.INT32, ElementType.UINT32);
  static final Set<ElementType> LONGS = EnumSet.of(ElementType.INT64, ElementType.UINT64);
  static final Set<ElementType> FP4 =
      EnumSet.of(ElementType.FLOAT4, ElementType.FLOAT6_E2M3, ElementType.FLOAT6_E3M2);

  /** Types of power-of-two scales, also stored as the bytes of their exponents. */
  static final Set<ElementType> POWERS = EnumSet.of(ElementType.FLOAT8_E8M0, ElementType.UINT8);

  private static final Set<ElementType> FINE = EnumSet.of(ElementType.FLOAT8_E4M3);
  private static final Set<ElementType> SHORT = EnumSet.of(ElementType.INT16, ElementType.UINT16);
  private static final Set<ElementType> INTEGERS = union(BYTES, WORDS, LONGS);

  /** The ending beside codes that have the type of floats. */
  private static final String FLOAT_CODES = ".quant_map";

  /** The known formats; if several fit, the first one is used. */
  static final List<Layout> KNOWN =
      List.of(
          of("GPTQ", "qweight", WORDS).with("g_idx", WORDS).with("scales", FLOATS),
          of("GPTQ", "qweight", WORDS).with("scales", FLOATS).packedAlongInputs(),
          of("AWQ", "qweight", WORDS).with("qzeros", WORDS).with("scales", FLOATS),
          of("SVDQuant", "qweight", BYTES).with("wscales", union(FLOATS, FP8)),
          of("Marlin", "B", WORDS).with("s", FLOATS),
          of("EXL2", "q_weight", WORDS).with("q_scale", WORDS),
          of("EXL3", "trellis", SHORT).with("svh", FLOATS),
          of("AQLM", "codes", INTEGERS).with("codebooks", FLOATS),
          of("VPTQ", "indices", INTEGERS).with("centroids.weight", FLOATS),
          of("QuIP#", "Qidxs", INTEGERS).with("SU", FLOATS),
          of("bitsandbytes, 4 bits", "", union(INTEGERS, FP8, FLOATS))
              .with(FLOAT_CODES, FLOATS)
              .with(".absmax", union(BYTES, FLOATS)),
          of("bitsandbytes, 8 bits", "weight", BYTES).with("SCB", FLOATS),
          of("MXFP4", "_blocks", BYTES).with("_scales", POWERS),
          of("NVFP4", "weight", union(BYTES, FP4))
              .with("weight_scale_2", FLOATS)
              .with("weight_scale", FINE),
          of("NVFP4", "weight_packed", union(BYTES, FP4))
              .with("weight_global_scale", FLOATS)
              .with("weight_scale", FINE),
          of("MXFP4", "weight_packed", union(BYTES, FP4)).with("weight_scale", POWERS),
          of("compressed-tensors without its config.json", "weight_packed", union(BYTES, WORDS))
              .with("weight_scale", FLOATS),
          of("FP8", "", FP8).with("_scale_inv", union(FLOATS, POWERS)),
          of("FP8", "weight", FP8).with("scale_weight", FLOATS),
          of("MXFP8", "weight", FP8).with("weight_scale", POWERS),
          of("MLX", "weight", EnumSet.of(ElementType.UINT32)).with("scales", union(FLOATS, POWERS)),
          of("quanto", "_data._data", BYTES).with("_scale", FLOATS),
          of("quanto", "_data", union(BYTES, FP8)).with("_scale", FLOATS),
          of("HQQ", "W_q", INTEGERS).with("scale", FLOATS),
          of("torchao", "qdata", union(BYTES, FP8, FP4, WORDS))
              .with("scale", union(FLOATS, POWERS, FINE)),
          of("torchao", "qdata", union(BYTES, WORDS)).with("scale_and_zero", FLOATS));

  /**
   * {@return whether a tensor may be part of a quantized weight; if none of a model may, it has no
   * codes}
   */
  static boolean mayBelong(TensorInfo tensor) {
    return !FLOATS.contains(tensor.type()) || tensor.name().endsWith(FLOAT_CODES);
  }

  private static Layout of(String method, String codes, Set<ElementType> types) {
    return new Layout(method, codes, types, Map.of(), false);
  }

  private Layout with(String ending, Set<ElementType> kinds) {
    Map<String, Set<ElementType>> more = new LinkedHashMap<>(beside);
    more.put(ending, kinds);
    return new Layout(method, codes, types, more, sameColumns);
  }

  private Layout packedAlongInputs() {
    return new Layout(method, codes, types, beside, true);
  }

  @SafeVarargs
  private static Set<ElementType> union(Set<ElementType>... sets) {
    EnumSet<ElementType> all = EnumSet.noneOf(ElementType.class);
    for (Set<ElementType> set : sets) {
      all.addAll(set);
    }
    return all;
  }

  /**
   * {@return whether a tensor holds the codes of a weight in this format}
   *
   * @param tensor any tensor
   * @param find the tensors of the model by name
   */
  boolean fits(TensorInfo tensor, Function<String, Optional<TensorInfo>> find) {
    String name = tensor.name();
    if (!name.endsWith(codes) || !types.contains(tensor.type())) {
      return false;
    }
    String beginning = name.substring(0, name.length() - codes.length());
    // "_blocks" contains a word boundary; "qweight" must be a whole word.
    if (!codes.isEmpty()
        && !beginning.isEmpty()
        && Character.isLetterOrDigit(codes.charAt(0))
        && Character.isLetterOrDigit(beginning.charAt(beginning.length() - 1))) {
      return false;
    }
    TensorInfo last = tensor;
    for (Map.Entry<String, Set<ElementType>> other : beside.entrySet()) {
      Optional<TensorInfo> found = find.apply(beginning + other.getKey());
      if (found.isEmpty() || !other.getValue().contains(found.get().type())) {
        return false;
      }
      last = found.get();
    }
    return !sameColumns || columns(tensor.shape()) == columns(last.shape());
  }

  private static long columns(TensorShape shape) {
    return shape.rank() == 0 ? 1 : shape.dim(-1);
  }
}
