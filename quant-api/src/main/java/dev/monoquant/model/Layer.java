package dev.monoquant.model;

import static java.util.Objects.requireNonNull;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * A layer: its name, its kind and its own tensors.
 *
 * @param name the module path, such as {@code encoder.0.fc}; empty for tensors at the root
 * @param kind its kind
 * @param evidence the source of the kind
 * @param tensors its tensors by their local name, such as {@code weight}, in model order
 */
public record Layer(
    String name, LayerKind kind, Evidence evidence, Map<String, TensorInfo> tensors) {

  /** The source of the kind of a layer. */
  public enum Evidence {
    /** The model declares it (a live block, a scripted class). */
    DECLARED("declared"),
    /** The user sets it in a layer map. */
    CONFIGURED("given"),
    /** Inferred from names and shapes. */
    INFERRED("inferred");

    private final String wire;

    Evidence(String wire) {
      this.wire = wire;
    }

    /** {@return the stable lower-case word} */
    public String wire() {
      return wire;
    }
  }

  /** Copies the map, keeping its order. */
  public Layer {
    requireNonNull(name, "name");
    requireNonNull(kind, "kind");
    requireNonNull(evidence, "evidence");
    // Of the many layers of a large model most have one tensor, for which this takes a sixth.
    tensors =
        tensors.size() <= 1
            ? Map.copyOf(tensors)
            : Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
  }

  /**
   * {@return the tensor, or empty if this layer has no tensor of that name}
   *
   * @param localName such as {@code weight}
   */
  public Optional<TensorInfo> tensor(String localName) {
    return Optional.ofNullable(tensors.get(localName));
  }

  /**
   * {@return whether a part of a dotted name is a number, such as that of a layer in a list}
   *
   * @param part the text between two dots
   */
  public static boolean isNumber(String part) {
    for (int i = 0; i < part.length(); i++) {
      if (part.charAt(i) < '0' || part.charAt(i) > '9') {
        return false;
      }
    }
    return !part.isEmpty();
  }
}
