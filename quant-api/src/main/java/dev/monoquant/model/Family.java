package dev.monoquant.model;

import static java.util.Objects.requireNonNull;

import java.util.List;

/**
 * Layers that those who load an output make one weight of: q, k and v of an attention, gate and up
 * of a gated layer, the experts of a mixture. One scheme has to hold for all of them.
 *
 * <p>Which layers these are depends on the loaders, so a family comes from the output format, by
 * {@link dev.monoquant.spi.OutputFormat#view}. What this does not do: it does not say how its
 * layers are quantized.
 *
 * @param name for messages, such as {@code model.layers.0.self_attn.(q_proj|k_proj|v_proj)}
 * @param layers the names of the layers, at least two, in model order
 * @param quantizedOnly whether loaders have no place for these layers in float, once anything of
 *     the model is quantized
 */
public record Family(String name, List<String> layers, boolean quantizedOnly) {

  /** Copies the list and checks that there is something to keep together. */
  public Family {
    requireNonNull(name, "name");
    layers = List.copyOf(layers);
    if (layers.size() < 2) {
      throw new IllegalArgumentException("family " + name + " has " + layers.size() + " layers");
    }
  }
}
