package dev.monoquant.files.model;

import static dev.monoquant.QuantException.quote;
import static java.util.Objects.requireNonNull;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * A weight that its module computes from other tensors on each use, as with {@code
 * torch.nn.utils.weight_norm}, {@code spectral_norm} and {@code prune}.
 *
 * <pre>
 *   weight norm    weight_g, weight_v                            weight = v * (g / norm of v)
 *                  parametrizations.weight.original0, original1
 *   spectral norm  weight_orig, weight_u, weight_v               weight = orig / (u . (orig v))
 *                  parametrizations.weight.original, 0._u, 0._v
 *   pruning        weight_orig, weight_mask                      weight = orig * mask
 * </pre>
 *
 * <p>The shapes must be those that PyTorch makes; names alone are not sufficient. {@code weight}
 * stands for any name that begins so.
 *
 * @param kind how the weight is computed
 * @param weight the weight, of the type and shape of {@code base}
 * @param base the direction, or the weight before it is divided or masked
 * @param others {@code g}; {@code u} and {@code v}; or {@code mask}
 * @param axis the axis of {@code base} with one norm per index, or whose indices are the rows of
 *     the matrix; -1 if there is a single norm
 */
record Parametrization(
    Kind kind, TensorInfo weight, TensorInfo base, List<TensorInfo> others, int axis) {

  /** How a weight is computed. */
  enum Kind {
    WEIGHT_NORM("weight_norm"),
    SPECTRAL_NORM("spectral_norm"),
    PRUNING("pruning");

    private final String text;

    Kind(String text) {
      this.text = text;
    }

    /** {@return its name in PyTorch} */
    String text() {
      return text;
    }
  }

  private static final String NEW = "parametrizations.";

  /**
   * The parametrizations of a model.
   *
   * @param known the parametrizations that can be folded
   * @param unknown tensors of other parametrizations
   */
  record Found(List<Parametrization> known, List<TensorInfo> unknown) {}

  /** {@return the tensors that the weight is computed from} */
  List<TensorInfo> parts() {
    List<TensorInfo> parts = new ArrayList<>(others);
    parts.add(base);
    return parts;
  }

  /**
   * Finds parametrizations by names and shapes.
   *
   * @param tensors all tensors of a model
   * @return the known and the unknown parametrizations
   */
  static Found find(Collection<TensorInfo> tensors) {
    Map<String, TensorInfo> byName = new LinkedHashMap<>();
    tensors.forEach(t -> byName.put(t.name(), t));
    List<Parametrization> known = new ArrayList<>();
    Set<String> unknown = new HashSet<>();
    newNames(byName, known, unknown);
    for (TensorInfo tensor : tensors) {
      if (tensor.name().endsWith("_orig")) {
        divided(tensor, byName).ifPresentOrElse(known::add, () -> markOld(tensor, byName, unknown));
      } else if (tensor.name().endsWith("_g")) {
        old(tensor, byName).ifPresent(known::add);
      }
    }
    known.removeIf(p -> byName.containsKey(p.weight().name()));
    return new Found(known, tensors.stream().filter(t -> unknown.contains(t.name())).toList());
  }

  private static Optional<Parametrization> old(TensorInfo length, Map<String, TensorInfo> all) {
    String name = without(length, "_g");
    TensorInfo direction = all.get(name + "_v");
    return isWeight(name) && direction != null && !all.containsKey(name + "_orig")
        ? weightNorm(name, length, direction)
        : Optional.empty();
  }

  private static Optional<Parametrization> divided(TensorInfo base, Map<String, TensorInfo> all) {
    String name = without(base, "_orig");
    TensorInfo mask = all.get(name + "_mask");
    TensorInfo left = all.get(name + "_u");
    TensorInfo right = all.get(name + "_v");
    if (!isWeight(name) && !name.endsWith("bias")) {
      return Optional.empty();
    }
    if (mask != null && left == null && right == null && isFloat(mask) && isFloat(base)) {
      return mask.shape().equals(base.shape())
          ? Optional.of(of(Kind.PRUNING, name, base, List.of(mask), -1))
          : Optional.empty();
    }
    return mask == null && left != null && right != null
        ? spectralNorm(name, base, left, right)
        : Optional.empty();
  }

  /** Marks an original tensor whose parametrization is unknown. */
  private static void markOld(TensorInfo base, Map<String, TensorInfo> all, Set<String> unknown) {
    String name = without(base, "_orig");
    if (isWeight(name) && !all.containsKey(name)) {
      unknown.add(base.name());
    }
  }

  private static void newNames(
      Map<String, TensorInfo> all, List<Parametrization> known, Set<String> unknown) {
    Map<String, Map<String, TensorInfo>> groups = new LinkedHashMap<>();
    for (TensorInfo tensor : all.values()) {
      int at = tensor.name().lastIndexOf(NEW);
      int end = at < 0 ? -1 : tensor.name().indexOf('.', at + NEW.length());
      if (end > 0 && (at == 0 || tensor.name().charAt(at - 1) == '.')) {
        groups
            .computeIfAbsent(tensor.name().substring(0, end), k -> new TreeMap<>())
            .put(tensor.name().substring(end + 1), tensor);
      }
    }
    groups.forEach(
        (group, parts) -> {
          int at = group.lastIndexOf(NEW);
          String name = group.substring(0, at) + group.substring(at + NEW.length());
          Optional<Parametrization> made = Optional.empty();
          if (parts.keySet().equals(Set.of("original0", "original1"))) {
            made =
                weightNorm(
                    name,
                    requireNonNull(parts.get("original0")),
                    requireNonNull(parts.get("original1")));
          } else if (parts.keySet().equals(Set.of("original", "0._u", "0._v"))) {
            made =
                spectralNorm(
                    name,
                    requireNonNull(parts.get("original")),
                    requireNonNull(parts.get("0._u")),
                    requireNonNull(parts.get("0._v")));
          }
          made.ifPresentOrElse(
              known::add, () -> parts.values().forEach(p -> unknown.add(p.name())));
        });
  }

  private static Optional<Parametrization> weightNorm(
      String name, TensorInfo length, TensorInfo direction) {
    if (!isFloat(direction) || length.type() != direction.type()) {
      return Optional.empty();
    }
    int axis = -1;
    TensorShape lengths = length.shape();
    TensorShape shape = direction.shape();
    if (lengths.rank() > 0) {
      if (lengths.rank() != shape.rank()) {
        return Optional.empty();
      }
      for (int i = 0; i < shape.rank(); i++) {
        if (lengths.dim(i) != 1) {
          if (axis >= 0 || lengths.dim(i) != shape.dim(i)) {
            return Optional.empty();
          }
          axis = i;
        }
      }
    }
    return Optional.of(of(Kind.WEIGHT_NORM, name, direction, List.of(length), axis));
  }

  /** The outputs are the second axis in transposed convolutions, never in a Linear. */
  private static Optional<Parametrization> spectralNorm(
      String name, TensorInfo base, TensorInfo left, TensorInfo right) {
    TensorShape shape = base.shape();
    if (!isFloat(base)
        || left.type() != base.type()
        || right.type() != base.type()
        || left.shape().rank() != 1
        || right.shape().rank() != 1
        || shape.rank() < 2) {
      return Optional.empty();
    }
    for (int axis = 0; axis < (shape.rank() > 2 ? 2 : 1); axis++) {
      long rows = shape.dim(axis);
      if (rows > 0
          && left.shape().dim(0) == rows
          && right.shape().dim(0) == shape.elements() / rows) {
        return Optional.of(of(Kind.SPECTRAL_NORM, name, base, List.of(left, right), axis));
      }
    }
    return Optional.empty();
  }

  /** {@return whether the shapes fit two axes, so that they do not determine the axis} */
  boolean isAmbiguous() {
    TensorShape shape = base.shape();
    return kind == Kind.SPECTRAL_NORM && shape.rank() > 2 && shape.dim(0) == shape.dim(1);
  }

  Parametrization withAxis(int other) {
    return new Parametrization(kind, weight, base, others, other);
  }

  private static Parametrization of(
      Kind kind, String name, TensorInfo base, List<TensorInfo> others, int axis) {
    TensorInfo weight = new TensorInfo(name, base.type(), base.shape(), base.shard());
    return new Parametrization(kind, weight, base, others, axis);
  }

  private static boolean isFloat(TensorInfo tensor) {
    return tensor.type().isQuantizable();
  }

  private static boolean isWeight(String name) {
    return name.substring(name.lastIndexOf('.') + 1).startsWith("weight");
  }

  private static String without(TensorInfo tensor, String suffix) {
    return tensor.name().substring(0, tensor.name().length() - suffix.length());
  }

  /** {@return the index on the axis of an element, in the order of the tensor's data} */
  int index(long element) {
    if (axis < 0) {
      return 0;
    }
    return (int) (element / inner() % base.shape().dim(axis));
  }

  /** {@return the column of an element in the matrix whose rows are the indices of the axis} */
  long column(long element) {
    long inner = inner();
    long outer = element / inner / base.shape().dim(axis);
    return outer * inner + element % inner;
  }

  private long inner() {
    long inner = 1;
    for (int i = axis + 1; i < base.shape().rank(); i++) {
      inner *= base.shape().dim(i);
    }
    return inner;
  }

  /** {@return whether the weight is computed in doubles, as in PyTorch} */
  boolean isDouble() {
    return base.type() == ElementType.FLOAT64;
  }

  @Override
  public String toString() {
    return kind.text() + " of " + quote(weight.name());
  }
}
