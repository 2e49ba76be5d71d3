package dev.monoquant.script;

import java.util.Optional;
import java.util.Set;

/** Functions without source that are known to change no tensor. */
final class PureCalls {

  /** The functions of torch that models call. */
  private static final Set<String> PURE =
      Set.of(
          "abs",
          "add",
          "addmm",
          "all",
          "any",
          "arange",
          "baddbmm",
          "bmm",
          "cat",
          "chunk",
          "clamp",
          "clone",
          "constant_pad_nd",
          "contiguous",
          "cos",
          "cumsum",
          "detach",
          "device",
          "dim",
          "div",
          "dropout",
          "einsum",
          "embedding",
          "eq",
          "erf",
          "exp",
          "expand",
          "expand_as",
          "flatten",
          "floor_divide",
          "floordiv",
          "format",
          "full",
          "full_like",
          "gather",
          "ge",
          "gelu",
          "gt",
          "index",
          "index_select",
          "is_floating_point",
          "layer_norm",
          "le",
          "len",
          "linear",
          "log",
          "logical_not",
          "lt",
          "masked_fill",
          "matmul",
          "maximum",
          "mean",
          "minimum",
          "mm",
          "mul",
          "narrow",
          "ne",
          "neg",
          "new_zeros",
          "numel",
          "ones",
          "ones_like",
          "permute",
          "pow",
          "relu",
          "remainder",
          "repeat",
          "reshape",
          "rsqrt",
          "rsub",
          "scaled_dot_product_attention",
          "select",
          "sigmoid",
          "silu",
          "sin",
          "size",
          "slice",
          "softmax",
          "split",
          "sqrt",
          "squeeze",
          "stack",
          "sub",
          "sum",
          "t",
          "tanh",
          "tensor",
          "to",
          "transpose",
          "tril",
          "triu",
          "type_as",
          "unflatten",
          "unsqueeze",
          "view",
          "view_as",
          "where",
          "zeros",
          "zeros_like",
          "__getitem__",
          "__is__",
          "__isnot__",
          "__not__");

  private static final Set<String> BUILT_IN =
      Set.of("annotate", "bool", "float", "getattr", "int", "unchecked_cast");

  private static final Optional<String> OUT = Optional.of("out");

  private PureCalls() {}

  /**
   * {@return whether a call changes no tensor}
   *
   * @param name the name of the function, such as {@code torch.add}
   * @param call the call
   */
  static boolean contain(String name, Expr.Call call) {
    boolean known =
        BUILT_IN.contains(name)
            || name.startsWith("ops.prim.")
            || (name.startsWith("torch.") && PURE.contains(name.substring("torch.".length())));
    return known && call.arguments().stream().noneMatch(a -> a.keyword().equals(OUT));
  }
}
