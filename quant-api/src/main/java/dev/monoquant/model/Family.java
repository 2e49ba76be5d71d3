package dev.monoquant.model;

import static java.util.Objects.requireNonNull;

import java.util.List;

/**
 * Layers whose weights a loader merges into one: q, k and v of an attention layer, gate and up of a
 * gated layer, the experts of a mixture. They must use the same scheme.
 *
 * <p>The loaders determine which layers these are, so the output format declares families in {@link
 * dev.monoquant.spi.OutputFormat#view}. What this does not do: it does not state how its layers are
 * quantized.
 *
 * @param name for messages, such as {@code model.layers.0.self_attn.(q_proj|k_proj|v_proj)}
 * @param layers the names of the layers, at least two, in model order
 * @param quantizedOnly whether loaders cannot load these layers in float once any weight of the
 *     model is quantized. Such a family is not one weight in a loader: only the others share a
 *     scale for the whole, see {@link dev.monoquant.spi.Need#FAMILY_RANGE}
 */
public record Family(String name, List<String> layers, boolean quantizedOnly) {

  /** Copies the list and checks that it has at least two layers. */
  public Family {
    requireNonNull(name, "name");
    layers = List.copyOf(layers);
    if (layers.size() < 2) {
      throw new IllegalArgumentException("family " + name + " has " + layers.size() + " layers");
    }
  }
}
