package dev.monoquant.files.torch;

import dev.monoquant.files.pickle.PickleValue.Global;
import java.util.Map;
import java.util.Set;

/**
 * The classes and functions that a checkpoint may name. {@link TensorReader} or {@link StateWalk}
 * interprets each as data; none is ever loaded or called.
 */
public final class TorchGlobals {

  static final String ORDERED_DICT = "collections OrderedDict";
  static final String SIZE = "torch Size";
  static final String DEVICE = "torch device";
  static final String REBUILD = "torch._utils _rebuild_tensor";
  static final String REBUILD_V2 = "torch._utils _rebuild_tensor_v2";
  static final String REBUILD_V3 = "torch._utils _rebuild_tensor_v3";
  static final String PARAMETER = "torch._utils _rebuild_parameter";
  static final String PARAMETER_WITH_STATE = "torch._utils _rebuild_parameter_with_state";
  static final String FROM_TYPE = "torch._tensor _rebuild_from_type_v2";

  static final String QUANTIZED = "torch._utils _rebuild_qtensor";

  /** The functions that rebuild unsupported tensors, each with the kind of tensor. */
  static final Map<String, String> UNREADABLE =
      Map.of(
          QUANTIZED,
          "quantized",
          "torch._utils _rebuild_sparse_tensor",
          "sparse",
          "torch._utils _rebuild_sparse_csr_tensor",
          "sparse",
          "torch._utils _rebuild_meta_tensor_no_storage",
          "a meta tensor without data",
          "torch._utils _rebuild_nested_tensor",
          "a nested tensor",
          "torch._utils _rebuild_wrapper_subclass",
          "of a tensor subclass",
          "torch._utils _rebuild_device_tensor_from_cpu_tensor",
          "of another device");

  private static final Set<String> REBUILDS =
      Set.of(REBUILD, REBUILD_V2, REBUILD_V3, PARAMETER, PARAMETER_WITH_STATE, FROM_TYPE);

  /** Values that hold no weights. */
  private static final Set<String> PLAIN =
      Set.of(
          ORDERED_DICT,
          SIZE,
          DEVICE,
          "torch Tensor",
          "torch.nn.parameter Parameter",
          "torch.nn Parameter",
          "torch.serialization _get_layout",
          "torch strided",
          "torch sparse_coo",
          "torch sparse_csr",
          "torch contiguous_format",
          "torch channels_last",
          "torch preserve_format",
          "torch per_tensor_affine",
          "torch per_channel_affine",
          "torch per_tensor_symmetric",
          "torch per_channel_symmetric",
          "torch per_channel_affine_float_qparams",
          "_codecs encode",
          "builtins set",
          "builtins frozenset",
          "builtins complex",
          "builtins bytearray",
          "__builtin__ set",
          "__builtin__ frozenset",
          "__builtin__ complex",
          "__builtin__ bytearray");

  private TorchGlobals() {}

  /** {@return module and name as one text, unique for each global, unlike a join with a dot} */
  static String key(Global global) {
    return global.module() + " " + global.name();
  }

  /**
   * Whether a checkpoint may name a class or function.
   *
   * @param global the class or function
   * @return true if it is on the list
   */
  public static boolean inCheckpoint(Global global) {
    String key = key(global);
    return REBUILDS.contains(key)
        || UNREADABLE.containsKey(key)
        || PLAIN.contains(key)
        || TorchTypes.isUntyped(global)
        || TorchTypes.dtype(global).isPresent()
        || TorchTypes.storage(global).isPresent();
  }

  /**
   * Whether a call of a class or function makes a tensor.
   *
   * @param global a class or function
   * @return true for functions that rebuild tensors and parameters, supported or not
   */
  public static boolean isTensor(Global global) {
    String key = key(global);
    return REBUILDS.contains(key) || UNREADABLE.containsKey(key);
  }
}
