package dev.monoquant.core.foreign;

import dev.monoquant.QuantException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Finds tensors that are codes: those that match a {@link Layout} by name and type, and any tensor
 * of integers or small floats that has scales.
 *
 * <p>The scales of a tensor are in the same module, or under its own name ({@code weight.absmax}),
 * in any file. They are floats with a fitting shape ({@link ScaleFit}) and a name for scales. If
 * both names agree otherwise ({@link NameWords}), any fit is enough. In a module of a few tensors,
 * a scale for each row or block is also enough. For integers with "weight" in their name, any
 * tensor other than a bias with a float for each row or block is enough.
 *
 * <p>What this does not do: codes without such tensors are not found. Examples are a model whose
 * weights were cast to FP8, and one shard of two whose scales are in the other. Time is linear in
 * the number of tensors.
 */
final class CodeTensors {

  /** Maximum tensors of a module for which names are ignored; a layer has a few tensors. */
  private static final int FEW = 8;

  /** Maximum scales of one name to check; a valid file has one. */
  private static final int MAX_SCALES = 8;

  /**
   * Codes that were found.
   *
   * @param codes the tensor
   * @param method the common name of the format
   * @param beside the endings of the names of its other tensors, quoted
   */
  record Found(TensorInfo codes, String method, String beside) {}

  /** The tensors of a module. */
  private static final class Module {
    private int tensors;
    private final List<Scale> scales = new ArrayList<>();
    private final List<Scale> floats = new ArrayList<>();
    private final Map<String, List<Scale>> related = new HashMap<>();
  }

  /** A tensor that may hold scales, and its name within the module. */
  private record Scale(String param, TensorInfo tensor) {}

  private final Map<String, TensorInfo> byName = new HashMap<>();
  private final Map<String, Module> modules = new HashMap<>();

  private CodeTensors(List<TensorInfo> tensors) {
    for (TensorInfo tensor : tensors) {
      byName.put(tensor.name(), tensor);
      String module = module(tensor.name());
      Module own = modules.computeIfAbsent(module, m -> new Module());
      own.tensors++;
      Scale scale = new Scale(param(tensor.name(), module), tensor);
      if (add(own, scale)) {
        own.scales.add(scale);
      } else if (tensor.type().isQuantizable()
          && own.floats.size() < FEW
          && !scale.param().endsWith("bias")) {
        own.floats.add(scale);
      }
      if (!module.isEmpty()) {
        String outer = module(module);
        Module around = modules.computeIfAbsent(outer, m -> new Module());
        add(around, new Scale(param(tensor.name(), outer), tensor));
      }
    }
  }

  /** {@return the codes among tensors, in their order} */
  static List<Found> find(List<TensorInfo> tensors) {
    if (tensors.stream().noneMatch(Layout::mayBelong)) {
      return List.of();
    }
    CodeTensors all = new CodeTensors(tensors);
    List<Found> found = new ArrayList<>();
    for (TensorInfo tensor : tensors) {
      all.known(tensor).or(() -> all.unknown(tensor)).ifPresent(found::add);
    }
    return found;
  }

  private static String module(String name) {
    int dot = name.lastIndexOf('.');
    return dot < 0 ? "" : name.substring(0, dot);
  }

  private static String param(String name, String module) {
    return module.isEmpty() ? name : name.substring(module.length() + 1);
  }

  private static boolean add(Module module, Scale scale) {
    NameWords words = NameWords.of(scale.param());
    List<Scale> same =
        words.scale()
            ? module.related.computeIfAbsent(words.rest(), r -> new ArrayList<>())
            : List.of();
    return words.scale() && same.size() < MAX_SCALES && same.add(scale);
  }

  private Optional<Found> known(TensorInfo tensor) {
    return Layout.KNOWN.stream()
        .filter(l -> l.fits(tensor, name -> Optional.ofNullable(byName.get(name))))
        .findFirst()
        .map(l -> new Found(tensor, l.method(), quoted(l.beside().keySet())));
  }

  private static String quoted(Set<String> endings) {
    return endings.stream().map(QuantException::quote).collect(Collectors.joining(" and "));
  }

  private Optional<Found> unknown(TensorInfo tensor) {
    Kind kind = Kind.of(tensor.type());
    String module = module(tensor.name());
    String param = param(tensor.name(), module);
    NameWords words = NameWords.of(param);
    if (kind == Kind.NONE || !words.codes()) {
      return Optional.empty();
    }
    Module around = modules.getOrDefault(module, new Module());
    List<Scale> related = around.related.getOrDefault(words.rest(), List.of());
    Optional<Scale> proof = proof(tensor, related, fit -> kind.proven(fit, true));
    if (proof.isEmpty() && around.tensors <= FEW) {
      proof = proof(tensor, around.scales, fit -> kind.proven(fit, false));
      if (proof.isEmpty() && kind != Kind.FP8 && words.rest().isEmpty()) {
        proof = proof(tensor, around.floats, fit -> kind.proven(fit, false));
      }
    }
    return proof.map(scale -> new Found(tensor, kind.method, quoted(Set.of(scale.param()))));
  }

  private static Optional<Scale> proof(
      TensorInfo codes, List<Scale> scales, Predicate<ScaleFit> enough) {
    return scales.stream()
        .filter(s -> scaleType(Kind.of(codes.type()), s.tensor().type()))
        .filter(s -> enough.test(ScaleFit.of(codes.shape(), s.tensor().shape())))
        .findFirst();
  }

  /** Scales are finer than codes: floats, powers of two, or the FP8 of NVFP4. */
  private static boolean scaleType(Kind codes, ElementType scales) {
    return Layout.FLOATS.contains(scales)
        || Layout.POWERS.contains(scales)
        || (codes != Kind.FP8 && scales == ElementType.FLOAT8_E4M3);
  }

  /** The kinds of codes and the evidence that each needs. */
  private enum Kind {
    FP8("FP8"),
    FP4("FP4"),
    BYTES("8-bit integer codes"),
    WORDS("packed integer codes"),
    NONE("");

    private final String method;

    Kind(String method) {
      this.method = method;
    }

    static Kind of(ElementType type) {
      if (Layout.FP8.contains(type)) {
        return FP8;
      } else if (Layout.FP4.contains(type)) {
        return FP4;
      } else if (Layout.BYTES.contains(type) || type.isCode()) {
        return BYTES;
      }
      boolean words = Layout.WORDS.contains(type) || Layout.LONGS.contains(type);
      return words ? WORDS : NONE;
    }

    /**
     * Integers in unquantized models may be token ids or images; small floats occur only as codes.
     */
    boolean proven(ScaleFit fit, boolean related) {
      return switch (fit) {
        case NONE -> false;
        case GRID -> true;
        case AXIS -> related || this != WORDS;
        case TENSOR, BLOCK -> related;
      };
    }
  }
}
